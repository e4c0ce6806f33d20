import type { JsonValue, UserSnapshot } from '../user-change.js';
import { Prisma } from './generated/client.js';
import { jsonLines, jsonText } from './json-text.js';
import { inJsonbOrder } from './jsonb-order.js';
import { CONTENT, mappedColumns, quoted } from './user-columns.js';

interface IncomingColumn {
  column: string;
  read: (snapshot: UserSnapshot) => JsonValue;
  /** @returns the column's value, out of the text that `value` is. */
  cast: (value: string) => string;
}

type Read = IncomingColumn['read'];

const as = (type: string) => (value: string) => `${value}::${type}`;
const ofMs = (value: string) => `timestamptz 'epoch' + ${value}::bigint * interval '1 millisecond'`;
const text = (column: string, read: Read): IncomingColumn => ({ column, read, cast: as('text') });
const time = (column: string, read: Read): IncomingColumn => ({ column, read, cast: ofMs });

const ID: IncomingColumn = {
  column: 'clerk_id',
  read: (snapshot) => snapshot.clerkUserId,
  cast: as('text COLLATE "C"'),
};
/** By what the freshness rule decides. */
const VERSION: readonly IncomingColumn[] = [
  time('clerk_updated_at', (snapshot) => snapshot.clerkUpdatedAtMs),
  time('observed_at', (snapshot) => snapshot.observedAtMs),
  text('observed_via', (snapshot) => snapshot.observedVia),
  text('content_hash', (snapshot) => snapshot.contentHash),
  { column: 'locked', read: (snapshot) => snapshot.locked, cast: as('boolean') },
  time('last_sign_in_at', (snapshot) => snapshot.lastSignInAtMs),
];
const CONTENT_AND_VERSION: readonly IncomingColumn[] = [
  ...CONTENT.map(({ column, type, field }) => ({
    column,
    read: (snapshot: UserSnapshot) => snapshot.columns[field],
    cast: as(type),
  })),
  time('clerk_created_at', (snapshot) => snapshot.clerkCreatedAtMs),
  ...VERSION,
];

/** @returns the application's columns; jsonb goes as text within the text, or a JSON string would lose its quotes. */
const mapped = (snapshots: readonly UserSnapshot[]): IncomingColumn[] =>
  mappedColumns(snapshots).map((column, nth) => ({
    column: quoted(column),
    cast: as(column.type),
    read: ({ mapped }) => {
      const value = mapped?.values[nth] ?? null;
      return column.type === 'jsonb' && value !== null ? jsonText(value) : value;
    },
  }));

const namesOf = (columns: readonly IncomingColumn[]) => columns.map(({ column }) => column);

/** @returns what snapshots write besides the id, in the order of {@link incomingSnapshots}. */
export const writtenColumns = (snapshots: readonly UserSnapshot[]): string[] => [
  ...namesOf([...CONTENT_AND_VERSION, ...mapped(snapshots)]),
  'email_withheld',
  'raw',
];

/** @returns the CTE `incoming` with the versions of a page's snapshots, one row each, and nothing of the users themselves. */
export function incomingVersions(snapshots: readonly UserSnapshot[]): Prisma.Sql {
  const columns = [ID, ...VERSION];
  return Prisma.sql`incoming AS MATERIALIZED (
  SELECT ${values(columns)} FROM ${lists(columns, snapshots)}
)`;
}

/**
 * @param withheld whether the rows are to be written without their e-mails, which others have: see settle-taken-email.ts.
 * @param condition under which there are any rows at all.
 * @returns the CTE `incoming` with one row a user; of two snapshots of one user, the newer is taken.
 */
export function incomingSnapshots(
  snapshots: readonly UserSnapshot[],
  withheld = false,
  condition = Prisma.sql`true`,
): Prisma.Sql {
  const columns = [ID, ...CONTENT_AND_VERSION, ...mapped(snapshots)];
  // A line each: so Postgres parses each user once, and no more than its own text.
  const raws = Prisma.sql`string_to_table(${jsonLines(snapshots.map(({ raw }) => inJsonbOrder(raw)))}, E'\\n')`;
  const nobodys = columns.map((one) => (one.column === 'email' ? { ...one, cast: () => 'NULL::text' } : one));
  return Prisma.sql`incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) ${values(withheld ? nobodys : columns)},
    ${withheld ? Prisma.sql`list.email` : Prisma.sql`NULL::text`} AS email_withheld, list.raw::jsonb AS raw
  FROM ${lists(columns, snapshots, raws)}
  WHERE ${condition}
  ORDER BY clerk_id, clerk_updated_at DESC, observed_at DESC
)`;
}

const values = (columns: readonly IncomingColumn[]): Prisma.Sql =>
  Prisma.raw(columns.map(({ column, cast }) => `${cast(`list.${column}`)} AS ${column}`).join(', '));

/**
 * A list for each column, and numbers for times: records by name and ISO times cost twice as much to write here and to
 * read in Postgres.
 */
function lists(
  columns: readonly IncomingColumn[],
  snapshots: readonly UserSnapshot[],
  raws?: Prisma.Sql,
): Prisma.Sql {
  const functions = columns.map(
    ({ read }) => Prisma.sql`json_array_elements_text(${jsonText(snapshots.map(read))}::json)`,
  );
  const names = namesOf(columns);
  if (raws) {
    functions.push(raws);
    names.push('raw');
  }
  return Prisma.sql`ROWS FROM (${Prisma.join(functions)}) AS list (${Prisma.raw(names.join(', '))})`;
}
