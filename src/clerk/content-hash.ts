import { hash } from 'node:crypto';
import { CONTENT_FIELDS, METADATA_FIELDS } from '../content-fields.js';
import type { JsonObject, JsonValue, MappedValues, UserColumns } from '../user-change.js';
import { writeExact, writeWithoutNulls } from './canonical-json.js';
import { JsonBytes } from './json-bytes.js';

const NEW_LINE = 0x0a;
const FIELDS = CONTENT_FIELDS.map((field) => ({
  field,
  write: METADATA_FIELDS.has(field) ? writeMetadata : writeWithoutNulls,
}));

/** Written and read in one go, so one is enough. */
const bytes = new JsonBytes();

/**
 * @returns 22 characters that are equal for equal content: the columns, {@link CONTENT_FIELDS} and what the application
 *   maps, names and types included, so that a changed mapping is a change of every user. A missing field, null and an
 *   empty list are one and the same, keys and Clerk's lists may come in any order; application metadata is taken to the
 *   letter, but for the order of its keys.
 */
export function contentHash(columns: UserColumns, user: JsonObject, mapped?: MappedValues): string {
  bytes.clear();
  writeExact(bytes, { ...columns });
  for (const { field, write } of FIELDS) {
    bytes.byte(NEW_LINE);
    write(bytes, user[field] ?? null);
  }
  mapped?.columns.forEach(({ name, type }, nth) => {
    bytes.append(`\n${name} ${type} `);
    writeExact(bytes, mapped.values[nth] ?? null);
  });
  return hash('sha256', bytes.written(), 'base64url').slice(0, 22);
}

/** Metadata never set is null in one rendering and an empty object in another. */
function writeMetadata(to: JsonBytes, value: JsonValue): void {
  if (value === null) return;
  if (typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0) return;
  writeExact(to, value);
}
