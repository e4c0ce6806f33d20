import type { JsonObject } from './user-record.js';

/** Clerk's `verification`, the variants that the stand-in renders. */
export interface VerificationJson {
  readonly object: string;
  readonly status: 'verified' | 'unverified';
  readonly strategy: string;
  readonly attempts: number | null;
  readonly expire_at: number | null;
}

export interface EmailAddressJson {
  readonly id: string;
  readonly object: 'email_address';
  readonly email_address: string;
  readonly reserved: boolean;
  readonly verification: VerificationJson | null;
  readonly linked_to: readonly { readonly type: string; readonly id: string }[];
  readonly matches_sso_connection: boolean;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface PhoneNumberJson {
  readonly id: string;
  readonly object: 'phone_number';
  readonly phone_number: string;
  readonly reserved_for_second_factor: boolean;
  readonly default_second_factor: boolean;
  readonly reserved: boolean;
  readonly verification: VerificationJson | null;
  readonly linked_to: readonly never[];
  readonly backup_codes: null;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface Web3WalletJson {
  readonly id: string;
  readonly object: 'web3_wallet';
  readonly web3_wallet: string;
  readonly verification: VerificationJson;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface ExternalAccountJson {
  readonly object: 'google_account';
  readonly id: string;
  readonly external_account_id: string;
  readonly provider: string;
  readonly identification_id: string;
  readonly provider_user_id: string;
  readonly approved_scopes: string;
  readonly email_address: string;
  readonly email_address_verified: boolean;
  readonly first_name: string;
  readonly last_name: string;
  readonly image_url: string;
  readonly username: null;
  readonly phone_number: null;
  readonly public_metadata: JsonObject;
  readonly label: null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly verification: VerificationJson;
}

/** Clerk's User as the Backend API and the webhooks send it: all 46 properties (`scim` in webhooks only). */
export interface ClerkUserJson {
  readonly id: string;
  readonly object: 'user';
  readonly external_id: string | null;
  readonly primary_email_address_id: string | null;
  readonly primary_phone_number_id: string | null;
  readonly primary_web3_wallet_id: string | null;
  readonly username: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly locale: string | null;
  readonly profile_image_url: string;
  readonly image_url: string;
  readonly has_image: boolean;
  readonly public_metadata: JsonObject;
  readonly private_metadata: JsonObject | null;
  readonly unsafe_metadata: JsonObject;
  readonly email_addresses: readonly EmailAddressJson[];
  readonly phone_numbers: readonly PhoneNumberJson[];
  readonly web3_wallets: readonly Web3WalletJson[];
  readonly passkeys: readonly never[];
  readonly password_enabled: boolean;
  readonly two_factor_enabled: boolean;
  readonly totp_enabled: boolean;
  readonly backup_code_enabled: boolean;
  readonly mfa_enabled_at: number | null;
  readonly mfa_disabled_at: number | null;
  readonly password_last_updated_at: number | null;
  readonly external_accounts: readonly ExternalAccountJson[];
  readonly saml_accounts: readonly never[];
  readonly enterprise_accounts: readonly never[];
  readonly organization_memberships: readonly never[];
  readonly last_sign_in_at: number | null;
  readonly banned: boolean;
  readonly locked: boolean;
  readonly deprovisioned: boolean;
  readonly lockout_expires_in_seconds: number | null;
  readonly verification_attempts_remaining: number | null;
  readonly updated_at: number;
  readonly created_at: number;
  readonly delete_self_enabled: boolean;
  readonly create_organization_enabled: boolean;
  readonly create_organizations_limit: number | null;
  readonly last_active_at: number | null;
  readonly legal_accepted_at: number | null;
  readonly bypass_client_trust: boolean;
  readonly scim?: {
    readonly directory_id: string;
    readonly directory_enabled: boolean;
    readonly external_id: string | null;
  };
}

export interface DeletedUserJson {
  readonly object: 'user';
  readonly id: string;
  readonly deleted: true;
  readonly external_id?: string;
}
