import type { JsonObject, JsonValue } from '../user-change.js';
import type { JsonBytes } from './json-bytes.js';

const [COMMA, COLON] = [0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
/** Up to so many keys, insertion sort takes a third of the time of Array.sort, and allocates nothing. */
const MOST_INSERTED = 32;

/** Writes a value to the letter, but for the order of keys. */
export function writeExact(bytes: JsonBytes, value: JsonValue): void {
  if (Array.isArray(value)) {
    bytes.byte(OPEN_LIST);
    for (let nth = 0; nth < value.length; nth++) {
      if (nth > 0) bytes.byte(COMMA);
      writeExact(bytes, value[nth] ?? null);
    }
    bytes.byte(CLOSE_LIST);
  } else if (typeof value === 'object' && value !== null) writeMembers(bytes, value, false);
  else bytes.scalar(value);
}

/** As {@link writeExact}, but null members and empty lists vanish, and lists are sets. */
export function writeWithoutNulls(bytes: JsonBytes, value: JsonValue): void {
  if (isNothing(value)) return;
  if (Array.isArray(value)) writeSet(bytes, value);
  else if (typeof value === 'object' && value !== null) writeMembers(bytes, value, true);
  else bytes.scalar(value);
}

/** Mostly of one member, which needs no order. */
function writeSet(bytes: JsonBytes, values: readonly JsonValue[]): void {
  bytes.byte(OPEN_LIST);
  if (values.length === 1) writeWithoutNulls(bytes, values[0] ?? null);
  else {
    const members = values.map((value) => bytes.aside(() => writeWithoutNulls(bytes, value)));
    bytes.append(members.sort().join(','));
  }
  bytes.byte(CLOSE_LIST);
}

function writeMembers(bytes: JsonBytes, value: JsonObject, withoutNulls: boolean): void {
  bytes.byte(OPEN_OBJECT);
  let isFirst = true;
  for (const key of sortKeys(Object.keys(value))) {
    const member = value[key] ?? null;
    if (withoutNulls && isNothing(member)) continue;
    if (!isFirst) bytes.byte(COMMA);
    isFirst = false;
    bytes.string(key);
    bytes.byte(COLON);
    if (withoutNulls) writeWithoutNulls(bytes, member);
    else writeExact(bytes, member);
  }
  bytes.byte(CLOSE_OBJECT);
}

const isNothing = (value: JsonValue): boolean =>
  value === null || (Array.isArray(value) && value.length === 0);

/** By UTF-16 code units, as Array.sort does. @returns the same array. */
function sortKeys(keys: string[]): string[] {
  if (keys.length > MOST_INSERTED) return keys.sort();
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let at = end;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}
