import { escapeLiteral } from 'pg';
import type { Prisma } from './generated/client.js';

/**
 * @returns the statement with its values in it, which Postgres takes as it takes parameters: of no type yet.
 * @throws TypeError for a value that is neither text, a list of texts, a number, a boolean, a time nor null.
 */
export const withLiterals = ({ strings, values }: Prisma.Sql): string =>
  strings.map((part, at) => part + (at < values.length ? literal(values[at]) : '')).join('');

function literal(value: unknown): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return escapeLiteral(`{${value.map((item) => `"${item.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`);
  if (value instanceof Date) return escapeLiteral(value.toISOString());
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return escapeLiteral(String(value));
  throw new TypeError(
    'In one round trip only texts, lists of them, numbers, booleans, times and null can be sent.',
  );
}
