import type { JsonObject } from '../../src/user-change.js';

const AT = 1_750_000_000_000;

const verified = { object: 'verification_otp', status: 'verified', strategy: 'email_code', attempts: 1 };

/**
 * A user with every property that Clerk's schema has filled in, so that a test can change each one. Lists are in the
 * order of their ids; the primary of a list is never its first.
 */
export function fullClerkUser(): JsonObject {
  return {
    id: 'user_ada',
    object: 'user',
    external_id: 'crm-17',
    primary_email_address_id: 'idn_work',
    primary_phone_number_id: 'idn_mobile',
    primary_web3_wallet_id: 'idn_wallet',
    username: 'ada',
    first_name: 'Ada',
    last_name: 'Lovelace',
    locale: 'en-GB',
    profile_image_url: 'https://images.example/old-ada',
    image_url: 'https://images.example/ada',
    has_image: true,
    public_metadata: { plan: 'pro', tags: ['a', 'b'], note: null },
    private_metadata: { stripe: 'cus_17' },
    unsafe_metadata: { theme: 'dark' },
    email_addresses: [
      {
        id: 'idn_home',
        object: 'email_address',
        email_address: 'home@ada.example',
        reserved: false,
        verification: { ...verified, status: 'unverified' },
        linked_to: [],
        created_at: AT,
        updated_at: AT,
      },
      {
        id: 'idn_work',
        object: 'email_address',
        email_address: 'work@ada.example',
        reserved: false,
        verification: verified,
        linked_to: [
          { type: 'oauth_google', id: 'idn_google' },
          { type: 'oauth_github', id: 'idn_github' },
        ],
        created_at: AT,
        updated_at: AT,
      },
    ],
    phone_numbers: [
      { id: 'idn_desk', object: 'phone_number', phone_number: '+15555550100', verification: null },
      { id: 'idn_mobile', object: 'phone_number', phone_number: '+15555550101', verification: verified },
    ],
    web3_wallets: [{ id: 'idn_wallet', object: 'web3_wallet', web3_wallet: '0xada', verification: verified }],
    passkeys: [{ id: 'idn_key', object: 'passkey', name: 'laptop' }],
    external_accounts: [
      { id: 'eac_github', object: 'external_account', provider: 'oauth_github', label: 'work' },
      { id: 'idn_google', object: 'google_account', provider: 'oauth_google', label: null },
    ],
    saml_accounts: [{ id: 'saml_1', object: 'saml_account', active: true }],
    enterprise_accounts: [{ id: 'ent_1', object: 'enterprise_account', active: true }],
    organization_memberships: [{ id: 'orgmem_1', object: 'organization_membership', role: 'org:admin' }],
    password_enabled: true,
    two_factor_enabled: true,
    totp_enabled: true,
    backup_code_enabled: true,
    password_last_updated_at: AT,
    mfa_enabled_at: AT,
    mfa_disabled_at: AT,
    legal_accepted_at: AT,
    last_sign_in_at: AT,
    last_active_at: AT,
    banned: true,
    locked: true,
    deprovisioned: true,
    lockout_expires_in_seconds: 3600,
    verification_attempts_remaining: 7,
    delete_self_enabled: true,
    create_organization_enabled: true,
    create_organizations_limit: 3,
    bypass_client_trust: true,
    created_at: AT - 86_400_000,
    updated_at: AT,
  };
}
