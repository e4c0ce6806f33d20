import { createHash } from 'node:crypto';
import { CONTENT_FIELDS, METADATA_FIELDS } from '../content-fields.js';
import type { JsonObject, JsonValue, UserColumns } from '../user-change.js';

/**
 * @returns 22 characters that are equal for equal content: the mapped columns and {@link CONTENT_FIELDS}. A missing
 *   field, null and an empty list are one and the same, keys and Clerk's lists may come in any order; application
 *   metadata is taken to the letter, but for the order of its keys.
 */
export function contentHash(columns: UserColumns, user: JsonObject): string {
  const fields = CONTENT_FIELDS.map((field) => {
    const value = user[field];
    return METADATA_FIELDS.has(field) ? metadata(value) : withoutNulls(value ?? null);
  });
  const text = `${exact({ ...columns })}\n${fields.join('\n')}`;
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** Metadata never set is null in one rendering and an empty object in another. */
function metadata(value: JsonValue | undefined): string {
  const text = exact(value ?? null);
  return text === 'null' || text === '{}' ? '' : text;
}

function exact(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(exact).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${exact(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

/** As {@link exact}, but null members and empty lists vanish, and lists are sets. */
function withoutNulls(value: JsonValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${value.map(withoutNulls).sort().join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const text = withoutNulls(value[key] ?? null);
    if (text !== '') members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(',')}}`;
}
