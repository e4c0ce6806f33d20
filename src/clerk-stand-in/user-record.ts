export type JsonObject = Readonly<Record<string, unknown>>;

/** `reserved` is Clerk's "claimed but never verified": observed with `verification: null`, even on a primary address. */
export type IdentificationStatus = 'verified' | 'unverified' | 'reserved';

export interface EmailRecord {
  readonly id: string;
  readonly address: string;
  readonly status: IdentificationStatus;
  readonly strategy: 'email_code' | 'admin' | 'ticket' | 'from_oauth_google';
  /** Id of the external account that brought the address. */
  readonly linkedTo?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface PhoneRecord {
  readonly id: string;
  readonly number: string;
  readonly status: IdentificationStatus;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface WalletRecord {
  readonly id: string;
  readonly address: string;
  readonly createdAtMs: number;
}

export interface ExternalAccountRecord {
  readonly id: string;
  readonly provider: 'oauth_google';
  readonly providerUserId: string;
  readonly email: string;
  readonly createdAtMs: number;
}

/** What most users do not have; absent keys cost nothing. Replaced as a whole, never mutated. */
export interface RareParts {
  readonly emails?: readonly EmailRecord[];
  readonly primaryEmailId?: string | null;
  readonly phones?: readonly PhoneRecord[];
  readonly primaryPhoneId?: string | null;
  readonly wallets?: readonly WalletRecord[];
  readonly externalAccounts?: readonly ExternalAccountRecord[];
  readonly privateMetadata?: JsonObject;
  readonly unsafeMetadata?: JsonObject;
  readonly locale?: string | null;
  /** `untilMs: null` never expires. */
  readonly lock?: { readonly untilMs: number | null };
  readonly passwordSetAtMs?: number;
  readonly totpEnabled?: boolean;
  readonly mfaEnabledAtMs?: number;
  readonly legalAcceptedAtMs?: number | null;
  readonly deleteSelfEnabled?: boolean;
  readonly createOrganizationEnabled?: boolean;
  readonly createOrganizationsLimit?: number | null;
  readonly bypassClientTrust?: boolean;
  readonly scim?: { readonly directory_id: string; readonly external_id: string | null };
  readonly deprovisioned?: boolean;
  readonly organizationIds?: readonly string[];
}

/**
 * One user, compact: a million of these must fit in a few hundred megabytes, so Clerk's JSON is rendered on request.
 * Only the store mutates it, since its indexes are sorted by its times.
 */
export interface UserRecord {
  readonly id: string;
  createdAtMs: number;
  updatedAtMs: number;
  lastSignInAtMs: number | null;
  /** Days since 1970: Clerk keeps `last_active_at` with day precision. */
  lastActiveDay: number | null;
  firstName: string | null;
  lastName: string | null;
  username: string | null;
  externalId: string | null;
  /** The only address, verified and primary; any other state of affairs is in `rare.emails`, which then wins. */
  email: string | null;
  banned: boolean;
  publicMetadata: JsonObject;
  rare: RareParts;
}

export const NO_RARE_PARTS: RareParts = Object.freeze({});
export const EMPTY_METADATA: JsonObject = Object.freeze({});
