import { CONTENT_FIELDS, UNCOUNTED_FIELDS } from '../content-fields.js';
import type { JsonObject } from '../user-change.js';

/** jsonb keeps keys by their length, then by their bytes. */
const FIELDS = Object.fromEntries(
  [...CONTENT_FIELDS, ...UNCOUNTED_FIELDS]
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .map((field) => [field, undefined]),
);

/**
 * @returns a user as Clerk renders it, whose known fields come in the order in which jsonb keeps them; those that it lacks
 *   are undefined, which JSON leaves out. Postgres then need not sort them, which is a quarter of what it takes to read one.
 */
export const inJsonbOrder = (user: JsonObject): Record<string, unknown> => ({ ...FIELDS, ...user });
