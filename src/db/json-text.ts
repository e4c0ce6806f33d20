import type { JsonValue } from '../user-change.js';

/** JSON escapes of what Postgres' jsonb refuses: NUL and halves of surrogate pairs. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i;

/**
 * @returns JSON text that jsonb accepts. NUL characters and lone surrogates, which a browser may put into metadata and
 *   Postgres cannot store, become U+FFFD; everything else stays as it is.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return SUSPECT.test(text) ? JSON.stringify(storable(JSON.parse(text))) : text;
}

/** @returns {@link jsonText} of each value, a line each, for JSON text has no line break. */
export function jsonLines(values: readonly unknown[]): string {
  const text = values.map((value) => JSON.stringify(value)).join('\n');
  // Looked for in all of them at once, for few have any.
  return SUSPECT.test(text) ? values.map(jsonText).join('\n') : text;
}

function storable(value: JsonValue): JsonValue {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(storable);
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [storableText(key), storable(member)]),
  );
}

const storableText = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
