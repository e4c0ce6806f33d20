import type { JsonValue, MappedType } from './user-change.js';

/** What a mapping's function may return for a column of each type, beside null and undefined. */
export interface MappableValue {
  text: string;
  /** Of 32 bits. */
  integer: number;
  /** Of 64 bits; as a number only as far as one is exact. */
  bigint: number | bigint | string;
  numeric: number | string;
  boolean: boolean;
  /** Unix milliseconds as Clerk has them, ISO 8601 text with its offset, or a Date. */
  timestamptz: number | string | Date;
  jsonb: JsonValue;
}

/** What a row that is read has of a column of each type, beside null. Text where a number could not hold it exactly, and JSON no bigint. */
export interface MappedRowValue {
  text: string;
  integer: number;
  bigint: string;
  numeric: string;
  boolean: boolean;
  timestamptz: Date;
  jsonb: JsonValue;
}

/**
 * @returns the value as Postgres reads it out of JSON, one and the same for equal values; or what is wrong with it, in
 *   words that do not tell it.
 */
export function toMappedValue(type: MappedType, value: unknown): { value: JsonValue } | { problem: string } {
  if (value === null || value === undefined) return { value: null };
  if (typeof value === 'object' && 'then' in value && typeof value.then === 'function')
    return { problem: 'its function returned a promise; it must return the value at once' };
  const read = READERS[type](value);
  if (read !== undefined) return { value: read };
  return { problem: `its function returned ${kindOf(value)} that is no ${EXPECTED[type]}` };
}

/** undefined for what cannot be such a value. */
const READERS: Record<MappedType, (value: unknown) => JsonValue | undefined> = {
  text: (value) => (typeof value === 'string' ? value : undefined),
  // A negative zero, which JSON does not have, becomes zero.
  integer: (value) =>
    typeof value === 'number' && Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31
      ? value + 0
      : undefined,
  bigint: toBigint,
  numeric: (value) => {
    if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
    return typeof value === 'string' && /^-?\d{1,1000}(\.\d{1,1000})?$/.test(value) ? value : undefined;
  },
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  timestamptz: toTime,
  jsonb: toJson,
};

export const MAPPED_TYPES: readonly string[] = Object.keys(READERS);

const EXPECTED: Record<MappedType, string> = {
  text: 'text',
  integer: 'integer of 32 bits',
  bigint: 'integer of 64 bits',
  numeric: 'finite number',
  boolean: 'boolean',
  timestamptz: 'time (Unix milliseconds, ISO 8601 with an offset, or a Date; years 0 to 9999)',
  jsonb: 'plain JSON',
};

function toBigint(value: unknown): JsonValue | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined;
  if (typeof value === 'string' && !/^-?\d{1,19}$/.test(value)) return undefined;
  if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'bigint') return undefined;
  const exact = BigInt(value);
  return BigInt.asIntN(64, exact) === exact ? exact.toString() : undefined;
}

/** Text without an offset would mean another time on each machine. */
const ISO_WITH_OFFSET =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$|^\d{4}-\d{2}-\d{2}$/;

function toTime(value: unknown): JsonValue | undefined {
  if (typeof value === 'string' && !ISO_WITH_OFFSET.test(value)) return undefined;
  if (typeof value !== 'number' && typeof value !== 'string' && !(value instanceof Date)) return undefined;
  const time = new Date(value);
  // Outside these years ISO text has a sign, which Postgres does not read.
  return Number.isNaN(time.getTime()) || !/^\d{4}-/.test(time.toISOString()) || time.getUTCFullYear() === 0
    ? undefined
    : time.toISOString();
}

/** A copy, so that what is hashed is what is written; members that are undefined are left out, as JSON does. */
function toJson(value: unknown): JsonValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (Array.isArray(value)) {
    const items = value.map(toJson);
    return items.includes(undefined) ? undefined : (items as JsonValue[]);
  }
  if (typeof value !== 'object') return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return undefined;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const copies = members.map(([key, member]) => [key, toJson(member)] as const);
  return copies.some(([, copy]) => copy === undefined)
    ? undefined
    : (Object.fromEntries(copies) as { [key: string]: JsonValue });
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
