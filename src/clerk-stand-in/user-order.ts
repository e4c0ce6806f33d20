import { ClerkError } from './clerk-error.js';
import { primaryEmailOf, primaryPhoneOf, walletsOf } from './user-identifications.js';
import type { UserRecord } from './user-record.js';

type SortKey = string | number | null;

const KEYS = {
  created_at: (record) => record.createdAtMs,
  updated_at: (record) => record.updatedAtMs,
  email_address: primaryEmailOf,
  web3wallet: (record) => walletsOf(record)[0]?.address ?? null,
  first_name: (record) => record.firstName,
  last_name: (record) => record.lastName,
  phone_number: primaryPhoneOf,
  username: (record) => record.username,
  last_active_at: (record) => record.lastActiveDay,
  last_sign_in_at: (record) => record.lastSignInAtMs,
} satisfies Record<string, (record: UserRecord) => SortKey>;

type OrderField = keyof typeof KEYS;

export interface UserOrder {
  readonly field: OrderField;
  readonly descending: boolean;
  /** A total order: equal values are ordered by id, missing ones come last ascending, as in Postgres. */
  readonly compare: (a: UserRecord, b: UserRecord) => number;
}

/**
 * @param text `order_by`; an unencoded `+` has become a space by now
 * @throws ClerkError 422 for a field that users cannot be ordered by
 */
export function userOrder(text = '-created_at'): UserOrder {
  const descending = text.startsWith('-');
  const field = text.replace(/^[-+ ]/, '');
  if (!isOrderField(field)) throw ClerkError.invalid('order_by', `Users cannot be ordered by ${text}.`);
  const keyOf: (record: UserRecord) => SortKey = KEYS[field];
  const sign = descending ? -1 : 1;
  const compare = (a: UserRecord, b: UserRecord) =>
    sign * (compareKeys(keyOf(a), keyOf(b)) || compareKeys(a.id, b.id));
  return { field, descending, compare };
}

const isOrderField = (field: string): field is OrderField => Object.hasOwn(KEYS, field);

function compareKeys(a: SortKey, b: SortKey): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}
