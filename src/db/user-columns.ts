import { CONTENT_FIELDS } from '../content-fields.js';
import type { UserColumns } from '../user-change.js';
import { Prisma } from './generated/client.js';

export type ColumnType = 'text' | 'text COLLATE "C"' | 'boolean' | 'timestamptz' | 'jsonb';

interface ContentColumn {
  column: string;
  type: ColumnType;
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

/** @returns the names of the fields in which a row of `users` and a row of the other name differ, as an array. */
export function changedFields(other: 'excluded' | 'incoming'): Prisma.Sql {
  const columns = CONTENT.map(
    ({ column, field }) => `('${field}', users.${column} IS DISTINCT FROM ${other}.${column})`,
  );
  return Prisma.raw(`array(
    SELECT field FROM (VALUES ${list(columns)}) AS columns (field, changed) WHERE changed
    UNION ALL
    SELECT field FROM unnest(ARRAY[${list(RAW_ONLY_FIELDS.map((field) => `'${field}'`))}]) AS field WHERE users.raw -> field IS DISTINCT FROM ${other}.raw -> field
  )`);
}

/** @returns a row's value of the field that `field` names as `changedFields` does, as jsonb. */
export function valueOfField(row: 'users' | 'incoming'): Prisma.Sql {
  const columns = CONTENT.map(({ column, field }) => `WHEN '${field}' THEN to_jsonb(${row}.${column})`);
  return Prisma.raw(`CASE field ${columns.join(' ')} ELSE ${row}.raw -> field END`);
}
