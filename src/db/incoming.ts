import type { JsonValue, UserSnapshot } from '../user-change.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';
import { CONTENT, type ColumnType } from './user-columns.js';

interface IncomingColumn {
  column: string;
  type: ColumnType;
  read: (snapshot: UserSnapshot) => JsonValue;
}

const ID: IncomingColumn = {
  column: 'clerk_id',
  type: 'text COLLATE "C"',
  read: (snapshot) => snapshot.clerkUserId,
};
/** By what the freshness rule decides. */
const VERSION: readonly IncomingColumn[] = [
  { column: 'clerk_updated_at', type: 'timestamptz', read: (snapshot) => snapshot.clerkUpdatedAtMs },
  { column: 'observed_at', type: 'timestamptz', read: (snapshot) => snapshot.observedAtMs },
  { column: 'observed_via', type: 'text', read: (snapshot) => snapshot.observedVia },
  { column: 'content_hash', type: 'text', read: (snapshot) => snapshot.contentHash },
  { column: 'locked', type: 'boolean', read: (snapshot) => snapshot.locked },
  { column: 'last_sign_in_at', type: 'timestamptz', read: (snapshot) => snapshot.lastSignInAtMs },
];
const CONTENT_AND_VERSION: readonly IncomingColumn[] = [
  ...CONTENT.map(({ column, type, field }) => ({
    column,
    type,
    read: (snapshot: UserSnapshot) => snapshot.columns[field],
  })),
  { column: 'clerk_created_at', type: 'timestamptz', read: (snapshot) => snapshot.clerkCreatedAtMs },
  ...VERSION,
];

const namesOf = (columns: readonly IncomingColumn[]) => columns.map(({ column }) => column);

/** What a snapshot writes besides its id, in the order of {@link incomingSnapshots}; `raw` is the last. */
export const WRITTEN_COLUMNS: readonly string[] = [...namesOf(CONTENT_AND_VERSION), 'raw'];

/** @returns the CTE `incoming` with the versions of a page's snapshots, one row each, and nothing of the users themselves. */
export function incomingVersions(snapshots: readonly UserSnapshot[]): Prisma.Sql {
  return Prisma.sql`incoming AS MATERIALIZED (SELECT ${rows([ID, ...VERSION], snapshots)})`;
}

/** @returns the CTE `incoming` with one row a user; of two snapshots of one user, the newer is taken. */
export function incomingSnapshots(snapshots: readonly UserSnapshot[]): Prisma.Sql {
  // A line each, for JSON text has no line break: so Postgres parses each user once, and no more than its own text.
  const raws = snapshots.map(({ raw }) => jsonText(raw)).join('\n');
  const lines = Prisma.sql`string_to_table(${raws}, E'\\n')`;
  return Prisma.sql`incoming AS MATERIALIZED (
  SELECT DISTINCT ON (clerk_id) ${rows([ID, ...CONTENT_AND_VERSION], snapshots, lines)}
  ORDER BY clerk_id, clerk_updated_at DESC, observed_at DESC
)`;
}

/**
 * What follows SELECT. A list for each column, and numbers for times: records by name and ISO times cost twice as much to
 * write here and to read in Postgres.
 */
function rows(
  columns: readonly IncomingColumn[],
  snapshots: readonly UserSnapshot[],
  raws?: Prisma.Sql,
): Prisma.Sql {
  const lists = columns.map(
    ({ read }) => Prisma.sql`json_array_elements_text(${jsonText(snapshots.map(read))}::json)`,
  );
  const values = columns.map(({ column, type }) =>
    type === 'timestamptz'
      ? `timestamptz 'epoch' + list.${column}::bigint * interval '1 millisecond' AS ${column}`
      : `list.${column}::${type} AS ${column}`,
  );
  const withRaw = raws === undefined ? [] : ['list.raw::jsonb AS raw'];
  const names = raws === undefined ? namesOf(columns) : [...namesOf(columns), 'raw'];
  return Prisma.sql`${Prisma.raw([...values, ...withRaw].join(', '))}
  FROM ROWS FROM (${Prisma.join(raws === undefined ? lists : [...lists, raws])}) AS list (${Prisma.raw(names.join(', '))})`;
}
