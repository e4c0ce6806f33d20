import { CONTENT_FIELDS } from '../content-fields.js';
import type { MappedColumn, MappedType, UserColumns, UserSnapshot } from '../user-change.js';
import { Prisma } from './generated/client.js';

interface ContentColumn {
  column: string;
  type: 'text' | 'boolean' | 'jsonb';
  /** Its name in Prisma, which is what the change log speaks. */
  field: keyof UserColumns;
}

/** The columns that are content: what a snapshot changes in one of them is a change of the user. */
export const CONTENT: readonly ContentColumn[] = [
  { column: 'email', type: 'text', field: 'email' },
  { column: 'email_verified', type: 'boolean', field: 'emailVerified' },
  { column: 'phone', type: 'text', field: 'phone' },
  { column: 'username', type: 'text', field: 'username' },
  { column: 'first_name', type: 'text', field: 'firstName' },
  { column: 'last_name', type: 'text', field: 'lastName' },
  { column: 'name', type: 'text', field: 'name' },
  { column: 'avatar_url', type: 'text', field: 'avatarUrl' },
  { column: 'external_id', type: 'text', field: 'externalId' },
  { column: 'banned', type: 'boolean', field: 'banned' },
  { column: 'deprovisioned', type: 'boolean', field: 'deprovisioned' },
  { column: 'public_metadata', type: 'jsonb', field: 'publicMetadata' },
];

const CONTENT_COLUMNS = CONTENT.map(({ column }) => column);

/** Fields of `raw` that no column shows by the same name. */
const RAW_ONLY_FIELDS = CONTENT_FIELDS.filter((field) => !CONTENT_COLUMNS.includes(field));

const list = (items: readonly string[]): string => items.join(', ');

/** @returns the application's columns that these snapshots fill; mostly none. */
export function mappedColumns(snapshots: readonly UserSnapshot[]): readonly MappedColumn[] {
  const columns = snapshots[0]?.mapped?.columns;
  if (snapshots.some(({ mapped }) => mapped?.columns !== columns))
    throw new Error('Snapshots of different mappings cannot be written together.');
  return columns ?? [];
}

/** The names are those of an application's configuration, which defineUserMapping has checked; quoted, for any may be a word of SQL. */
export const quoted = ({ name }: MappedColumn): string => `"${name}"`;

/**
 * A column may be of a wider type than it is mapped as, and the driver's parsers are the application's to change: so text
 * and numbers are cast to what a row promises. `coalesce` refuses a column of an unfit type before any value is looked at.
 */
const READ_AS: Record<MappedType, (column: string) => string> = {
  text: (column) => `coalesce(${column}, NULL::text)::text`,
  integer: (column) => `coalesce(${column}, NULL::float8)`,
  bigint: (column) => `trunc(coalesce(${column}, NULL::numeric))::text`,
  numeric: (column) => `coalesce(${column}, NULL::numeric)::text`,
  boolean: (column) => `coalesce(${column}, NULL::boolean)`,
  timestamptz: (column) => `coalesce(${column}, NULL::timestamptz)`,
  jsonb: (column) => `coalesce(${column}, NULL::jsonb)`,
};

/** @returns the items of a SELECT that read these columns of `users`, each as `MappedRowValue` has its type, by its own name. */
export const readMapped = (mapped: readonly MappedColumn[]): string[] =>
  mapped.map((column) => `${READ_AS[column.type](`users.${quoted(column)}`)} AS ${quoted(column)}`);

/** A withheld address is Clerk's word as well: that the row cannot have it is no change of the user. */
const EMAIL_DIFFERS = (other: string): string =>
  `coalesce(users.email_withheld, users.email) IS DISTINCT FROM coalesce(${other}.email_withheld, ${other}.email)`;

/** @returns the names of the fields in which a row of `users` and a row of the other name differ, as an array. */
export function changedFields(other: 'excluded' | 'incoming', mapped: readonly MappedColumn[]): Prisma.Sql {
  const differs = (value: string) => `users.${value} IS DISTINCT FROM ${other}.${value}`;
  const rawFields = new Set<string>(RAW_ONLY_FIELDS);
  const columns = [
    ...CONTENT.map(
      ({ column, field }) => `('${field}', ${column === 'email' ? EMAIL_DIFFERS(other) : differs(column)})`,
    ),
    ...mapped.map((column) => {
      // Named like a field of Clerk's, it is named once, whichever of the two changed.
      const field = rawFields.delete(column.name) ? ` OR ${differs(`raw -> '${column.name}'`)}` : '';
      return `('${column.name}', ${differs(quoted(column))}${field})`;
    }),
  ];
  return Prisma.raw(`array(
    SELECT field FROM (VALUES ${list(columns)}) AS columns (field, changed) WHERE changed
    UNION ALL
    SELECT field FROM unnest(ARRAY[${list([...rawFields].map((field) => `'${field}'`))}]) AS field WHERE users.raw -> field IS DISTINCT FROM ${other}.raw -> field
  )`);
}

/** @returns a row's value of the field that `changed.field` names as `changedFields` does, as jsonb. */
export function valueOfField(row: 'users' | 'incoming', mapped: readonly MappedColumn[]): Prisma.Sql {
  const columns = [
    ...CONTENT.map(({ column, field }) => `WHEN '${field}' THEN to_jsonb(${row}.${column})`),
    ...mapped.map((column) => `WHEN '${column.name}' THEN to_jsonb(${row}.${quoted(column)})`),
  ];
  return Prisma.raw(`CASE changed.field ${columns.join(' ')} ELSE ${row}.raw -> changed.field END`);
}
