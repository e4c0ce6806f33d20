import type { JsonObject, JsonValue, SnapshotChange } from '../../src/user-change.js';

/** A user as Clerk renders it, with what a test cares about. */
export function clerkUser(
  id: string,
  updatedAtMs: number,
  fields: Record<string, JsonValue> = {},
): JsonObject {
  return {
    id,
    object: 'user',
    first_name: 'Ada',
    last_name: 'Lovelace',
    username: null,
    external_id: null,
    primary_email_address_id: `idn_${id}`,
    primary_phone_number_id: null,
    email_addresses: [
      {
        id: `idn_${id}`,
        object: 'email_address',
        email_address: `${id}@example.com`,
        verification: { status: 'verified', strategy: 'email_code' },
        linked_to: [],
      },
    ],
    phone_numbers: [],
    image_url: 'https://img.example.com/ada',
    public_metadata: {},
    unsafe_metadata: {},
    banned: false,
    locked: false,
    last_sign_in_at: null,
    created_at: 1_700_000_000_000,
    updated_at: updatedAtMs,
    ...fields,
  };
}

/** The change that a webhook with this user would become. */
export function snapshotChange(
  id: string,
  updatedAtMs: number,
  fields: Record<string, JsonValue> = {},
): SnapshotChange {
  return {
    kind: 'snapshot',
    writer: 'webhook',
    clerkUserId: id,
    clerkUpdatedAtMs: updatedAtMs,
    observedAtMs: updatedAtMs + 7,
    instanceId: null,
    svixId: `msg_${id}_${updatedAtMs}`,
    user: clerkUser(id, updatedAtMs, fields),
  };
}
