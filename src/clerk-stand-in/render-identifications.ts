import type {
  EmailAddressJson,
  ExternalAccountJson,
  PhoneNumberJson,
  VerificationJson,
  Web3WalletJson,
} from './user-json.js';
import {
  EMPTY_METADATA,
  type EmailRecord,
  type ExternalAccountRecord,
  type IdentificationStatus,
  type PhoneRecord,
  type UserRecord,
  type WalletRecord,
} from './user-record.js';

const NONE: readonly never[] = [];

export function renderEmail(email: EmailRecord): EmailAddressJson {
  return {
    id: email.id,
    object: 'email_address',
    email_address: email.address,
    reserved: email.status === 'reserved',
    verification: verification(email.status, email.strategy),
    linked_to: email.linkedTo ? [{ type: 'oauth_google', id: email.linkedTo }] : NONE,
    matches_sso_connection: false,
    created_at: email.createdAtMs,
    updated_at: email.updatedAtMs,
  };
}

export function renderPhone(phone: PhoneRecord): PhoneNumberJson {
  return {
    id: phone.id,
    object: 'phone_number',
    phone_number: phone.number,
    reserved_for_second_factor: false,
    default_second_factor: false,
    reserved: phone.status === 'reserved',
    verification: verification(phone.status, 'phone_code'),
    linked_to: NONE,
    backup_codes: null,
    created_at: phone.createdAtMs,
    updated_at: phone.updatedAtMs,
  };
}

export function renderWallet(wallet: WalletRecord): Web3WalletJson {
  const object = 'verification_admin';
  return {
    id: wallet.id,
    object: 'web3_wallet',
    web3_wallet: wallet.address,
    verification: { object, status: 'verified', strategy: 'admin', attempts: null, expire_at: null },
    created_at: wallet.createdAtMs,
    updated_at: wallet.createdAtMs,
  };
}

/** For Google, `id` is the identification's and `external_account_id` is the account's; other providers differ. */
export function renderExternalAccount(
  account: ExternalAccountRecord,
  owner: UserRecord,
): ExternalAccountJson {
  const identificationId = account.id.replace('eac_', 'idn_');
  return {
    object: 'google_account',
    id: identificationId,
    external_account_id: account.id,
    provider: account.provider,
    identification_id: identificationId,
    provider_user_id: account.providerUserId,
    approved_scopes: 'email https://www.googleapis.com/auth/userinfo.email profile',
    email_address: account.email,
    email_address_verified: true,
    first_name: owner.firstName ?? '',
    last_name: owner.lastName ?? '',
    image_url: `https://img.clerk.com/${account.id}`,
    username: null,
    phone_number: null,
    public_metadata: EMPTY_METADATA,
    label: null,
    created_at: account.createdAtMs,
    updated_at: account.createdAtMs,
    verification: {
      object: 'verification_oauth',
      status: 'verified',
      strategy: 'oauth_google',
      attempts: null,
      expire_at: account.createdAtMs + 600_000,
    },
  };
}

function verification(
  status: IdentificationStatus,
  strategy: EmailRecord['strategy'] | 'phone_code',
): VerificationJson | null {
  if (status === 'reserved') return null;
  if (status === 'unverified') {
    const otp = strategy === 'phone_code' ? strategy : 'email_code';
    return { object: 'verification_otp', status, strategy: otp, attempts: 0, expire_at: null };
  }
  return { object: VERIFICATION_OBJECT[strategy], status, strategy, attempts: null, expire_at: null };
}

const VERIFICATION_OBJECT = {
  email_code: 'verification_otp',
  phone_code: 'verification_otp',
  admin: 'verification_admin',
  ticket: 'verification_ticket',
  from_oauth_google: 'verification_from_oauth',
} as const;
