import type { z } from 'zod';
import { ClerkError } from './clerk-error.js';
import { storedMetadata } from './metadata.js';
import { newId } from './new-id.js';
import type { createUserBody } from './user-bodies.js';
import { EMPTY_METADATA, type RareParts, type UserRecord } from './user-record.js';

const LOCK_MS = 3_600_000;

/**
 * A new user as POST /users makes it: the first address is the primary one, created as verified unless said otherwise.
 * @throws ClerkError 422 for a user without any identification
 */
export function createUser(body: z.output<typeof createUserBody>, nowMs: number): UserRecord {
  const emails = identifications(body.email_address, body.email_address_identification_status, nowMs);
  const phones = identifications(body.phone_number, body.phone_number_identification_status, nowMs);
  if (emails.length + phones.length + (body.web3_wallet?.length ?? 0) === 0 && !body.username) {
    const why = 'At least one of email_address, phone_number, web3_wallet and username is required.';
    throw ClerkError.invalid('email_address', why, 'form_data_missing');
  }
  const compact = emails.length === 1 && emails[0]?.status === 'verified' && body.created_at === undefined;
  const rare: RareParts = {
    ...profileParts(body, nowMs),
    ...(emails.length > 0 && !compact
      ? {
          emails: emails.map(({ value, ...rest }) => ({
            ...rest,
            address: value.toLowerCase(),
            strategy: 'admin' as const,
          })),
          primaryEmailId: emails[0]?.id ?? null,
        }
      : {}),
    ...(phones.length > 0
      ? {
          phones: phones.map(({ value, ...rest }) => ({ ...rest, number: value })),
          primaryPhoneId: phones[0]?.id ?? null,
        }
      : {}),
    ...(body.web3_wallet?.length
      ? {
          wallets: body.web3_wallet.map((address) => ({
            id: newId('idn_', nowMs),
            address,
            createdAtMs: nowMs,
          })),
        }
      : {}),
    ...(body.locked ? { lock: { untilMs: nowMs + LOCK_MS } } : {}),
  };
  return {
    id: newId('user_', nowMs),
    createdAtMs: body.created_at ?? nowMs,
    updatedAtMs: nowMs,
    lastSignInAtMs: null,
    lastActiveDay: null,
    firstName: body.first_name ?? null,
    lastName: body.last_name ?? null,
    username: body.username ?? null,
    externalId: body.external_id ?? null,
    email: compact ? (emails[0]?.value.toLowerCase() ?? null) : null,
    banned: body.banned ?? false,
    publicMetadata: body.public_metadata
      ? storedMetadata('public_metadata', body.public_metadata)
      : EMPTY_METADATA,
    rare,
  };
}

type Profile = Pick<
  z.output<typeof createUserBody>,
  | 'locale'
  | 'password'
  | 'private_metadata'
  | 'unsafe_metadata'
  | 'legal_accepted_at'
  | 'delete_self_enabled'
  | 'create_organization_enabled'
  | 'create_organizations_limit'
  | 'bypass_client_trust'
>;

/** The rare parts that creating and updating set alike; a key that was not sent is not there. */
export function profileParts(body: Profile, nowMs: number): RareParts {
  return {
    ...(body.locale !== undefined ? { locale: body.locale } : {}),
    ...(body.password !== undefined ? { passwordSetAtMs: nowMs } : {}),
    ...(body.private_metadata
      ? { privateMetadata: storedMetadata('private_metadata', body.private_metadata) }
      : {}),
    ...(body.unsafe_metadata
      ? { unsafeMetadata: storedMetadata('unsafe_metadata', body.unsafe_metadata) }
      : {}),
    ...(body.legal_accepted_at !== undefined ? { legalAcceptedAtMs: body.legal_accepted_at } : {}),
    ...(body.delete_self_enabled !== undefined ? { deleteSelfEnabled: body.delete_self_enabled } : {}),
    ...(body.create_organization_enabled !== undefined
      ? { createOrganizationEnabled: body.create_organization_enabled }
      : {}),
    ...(body.create_organizations_limit !== undefined
      ? { createOrganizationsLimit: body.create_organizations_limit }
      : {}),
    ...(body.bypass_client_trust !== undefined ? { bypassClientTrust: body.bypass_client_trust } : {}),
  };
}

function identifications(
  values: readonly string[] = [],
  statuses: readonly ('verified' | 'reserved')[] | undefined,
  nowMs: number,
) {
  if (statuses && statuses.length !== values.length) {
    throw ClerkError.invalid(
      'email_address_identification_status',
      'One status per identification is required.',
    );
  }
  return values.map((value, at) => ({
    id: newId('idn_', nowMs),
    value,
    status: statuses?.[at] ?? ('verified' as const),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }));
}
