/**
 * The fields of Clerk's User that count as its content: a change of one of these is a change of the user. Left out, though
 * stored, are {@link UNCOUNTED_FIELDS} and every key not in Clerk's schema.
 *
 * @see https://clerk.com/docs/reference/backend-api for the User object
 */
export const CONTENT_FIELDS = [
  'backup_code_enabled',
  'banned',
  'bypass_client_trust',
  'create_organization_enabled',
  'create_organizations_limit',
  'created_at',
  'delete_self_enabled',
  'deprovisioned',
  'email_addresses',
  'enterprise_accounts',
  'external_accounts',
  'external_id',
  'first_name',
  'has_image',
  'image_url',
  'last_name',
  'legal_accepted_at',
  'locale',
  'mfa_disabled_at',
  'mfa_enabled_at',
  'organization_memberships',
  'passkeys',
  'password_enabled',
  'password_last_updated_at',
  'phone_numbers',
  'primary_email_address_id',
  'primary_phone_number_id',
  'primary_web3_wallet_id',
  'private_metadata',
  'profile_image_url',
  'public_metadata',
  'saml_accounts',
  'totp_enabled',
  'two_factor_enabled',
  'unsafe_metadata',
  'username',
  'web3_wallets',
] as const;

/**
 * Fields of Clerk's User that are stored and do not count: who it is, `updated_at` and what moves by itself, and `scim`,
 * which only webhooks carry. If they counted, a webhook's and the API's rendering of one user would differ for ever.
 */
export const UNCOUNTED_FIELDS = [
  'id',
  'last_active_at',
  'last_sign_in_at',
  'locked',
  'lockout_expires_in_seconds',
  'object',
  'scim',
  'updated_at',
  'verification_attempts_remaining',
] as const;

/** Those that are lists; a list that is missing, null or empty is the same. */
export const LIST_FIELDS: ReadonlySet<string> = new Set([
  'email_addresses',
  'enterprise_accounts',
  'external_accounts',
  'organization_memberships',
  'passkeys',
  'phone_numbers',
  'saml_accounts',
  'web3_wallets',
]);

/** Values that belong to the application: a null or an order in them may mean something. */
export const METADATA_FIELDS: ReadonlySet<string> = new Set([
  'private_metadata',
  'public_metadata',
  'unsafe_metadata',
]);
