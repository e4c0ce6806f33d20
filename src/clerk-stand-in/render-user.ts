import { renderEmail, renderExternalAccount, renderPhone, renderWallet } from './render-identifications.js';
import { emailsOf, phonesOf, primaryEmailIdOf, walletsOf } from './user-identifications.js';
import type { ClerkUserJson } from './user-json.js';
import { EMPTY_METADATA, type UserRecord } from './user-record.js';

const DAY_MS = 86_400_000;
const LOCK_ATTEMPTS = 10;
const NONE: readonly never[] = [];

/**
 * Clerk's JSON of one user, for the API and for webhooks alike.
 * @param nowMs the lock's state and remaining seconds depend on it, as with Clerk, without any write
 * @param forWebhook adds `scim`, which Clerk delivers in webhooks only
 */
export function renderUser(record: UserRecord, nowMs: number, forWebhook = false): ClerkUserJson {
  const { rare } = record;
  const locked = rare.lock !== undefined && (rare.lock.untilMs === null || rare.lock.untilMs > nowMs);
  const { emails, phones, wallets, externalAccounts } = rare;
  const json: ClerkUserJson = {
    id: record.id,
    object: 'user',
    external_id: record.externalId,
    primary_email_address_id: primaryEmailIdOf(record),
    primary_phone_number_id: rare.primaryPhoneId ?? null,
    primary_web3_wallet_id: wallets?.[0]?.id ?? null,
    username: record.username,
    first_name: record.firstName,
    last_name: record.lastName,
    locale: rare.locale ?? null,
    profile_image_url: 'https://www.gravatar.com/avatar?d=mp',
    image_url: `https://img.clerk.com/${record.id}`,
    has_image: externalAccounts !== undefined,
    public_metadata: record.publicMetadata,
    private_metadata: rare.privateMetadata ?? EMPTY_METADATA,
    unsafe_metadata: rare.unsafeMetadata ?? EMPTY_METADATA,
    email_addresses: emails || record.email !== null ? emailsOf(record).map(renderEmail) : NONE,
    phone_numbers: phones ? phonesOf(record).map(renderPhone) : NONE,
    web3_wallets: wallets ? walletsOf(record).map(renderWallet) : NONE,
    passkeys: NONE,
    password_enabled: rare.passwordSetAtMs !== undefined,
    two_factor_enabled: rare.totpEnabled ?? false,
    totp_enabled: rare.totpEnabled ?? false,
    backup_code_enabled: false,
    mfa_enabled_at: rare.mfaEnabledAtMs ?? null,
    mfa_disabled_at: null,
    password_last_updated_at: rare.passwordSetAtMs ?? null,
    external_accounts: externalAccounts?.map((account) => renderExternalAccount(account, record)) ?? NONE,
    saml_accounts: NONE,
    enterprise_accounts: NONE,
    organization_memberships: NONE,
    last_sign_in_at: record.lastSignInAtMs,
    banned: record.banned,
    locked,
    deprovisioned: rare.deprovisioned ?? false,
    lockout_expires_in_seconds:
      locked && rare.lock?.untilMs ? Math.ceil((rare.lock.untilMs - nowMs) / 1000) : null,
    verification_attempts_remaining: locked ? 0 : LOCK_ATTEMPTS,
    updated_at: record.updatedAtMs,
    created_at: record.createdAtMs,
    delete_self_enabled: rare.deleteSelfEnabled ?? true,
    create_organization_enabled: rare.createOrganizationEnabled ?? true,
    create_organizations_limit: rare.createOrganizationsLimit ?? null,
    last_active_at: record.lastActiveDay === null ? null : record.lastActiveDay * DAY_MS,
    legal_accepted_at: rare.legalAcceptedAtMs ?? null,
    bypass_client_trust: rare.bypassClientTrust ?? false,
  };
  return forWebhook && rare.scim ? { ...json, scim: { ...rare.scim, directory_enabled: true } } : json;
}
