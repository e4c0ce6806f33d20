import { hash } from 'node:crypto';
import { CONTENT_FIELDS, METADATA_FIELDS } from '../content-fields.js';
import type { JsonObject, MappedValues, UserColumns } from '../user-change.js';
import { CanonicalBytes } from './canonical-bytes.js';

const FIELDS = CONTENT_FIELDS.map((field) => ({ field, isMetadata: METADATA_FIELDS.has(field) }));

/** Filled and read in one go, so one is enough. */
const canonical = new CanonicalBytes();

/**
 * @returns 22 characters that are equal for equal content: the columns, {@link CONTENT_FIELDS} and what the application
 *   maps, names and types included, so that a changed mapping is a change of every user. A missing field, null and an
 *   empty list are one and the same, keys and Clerk's lists may come in any order; application metadata is taken to the
 *   letter, but for the order of its keys.
 */
export function contentHash(columns: UserColumns, user: JsonObject, mapped?: MappedValues): string {
  canonical.clear();
  canonical.exact({ ...columns });
  for (const { field, isMetadata } of FIELDS) {
    canonical.newLine();
    if (isMetadata) canonical.metadata(user[field] ?? null);
    else canonical.withoutNulls(user[field] ?? null);
  }
  mapped?.columns.forEach(({ name, type }, nth) => {
    canonical.text(`\n${name} ${type} `);
    canonical.exact(mapped.values[nth] ?? null);
  });
  return hash('sha256', canonical.written(), 'base64url').slice(0, 22);
}
