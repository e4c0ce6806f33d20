import { type Database, query } from './database.js';
import { Prisma } from './generated/client.js';
import { postgresFailure } from './postgres-failure.js';
import { TABLES } from './tables.js';

/**
 * Looks for what no transaction can set for itself: rights that the role lacks, policies that hide rows from it without
 * an error, triggers that do not fire, a server that takes no writes.
 *
 * @returns what keeps a worker from its work, a sentence each; empty when nothing does.
 * @throws POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export async function findAccessProblems(db: Database): Promise<string[]> {
  try {
    const [[server], tables] = await Promise.all([query<Server>(db, SERVER), query<Table>(db, ACCESS)]);
    return [
      ...(server?.replicating ? [REPLICATING] : []),
      ...(server?.sequenceDenied
        ? [`The role ${server.role} may not use the sequence of user_changes: GRANT USAGE ON ALL SEQUENCES.`]
        : []),
      ...tables.flatMap(({ name, role, denied, hidden }) => [
        ...(denied === null
          ? []
          : [
              `The role ${role} lacks ${denied} on the table ${name}: GRANT ${denied} ON ${name} TO ${role}.`,
            ]),
        ...(hidden ? [hiddenRows(name, role)] : []),
      ]),
    ];
  } catch (error) {
    throw postgresFailure(error, 'Looking at the rights of the role.');
  }
}

const REPLICATING =
  'session_replication_role is not origin, so triggers do not fire: edited rows are not repaired, and no hook is called.';

const hiddenRows = (name: string, role: string) =>
  `Row-level security of the table ${name} applies to the role ${role}, and hides rows without an error: CREATE POLICY clerk_sync ON ${name} TO ${role} USING (true) WITH CHECK (true).`;

interface Server {
  role: string;
  replicating: boolean;
  sequenceDenied: boolean;
}

interface Table {
  name: string;
  role: string;
  denied: string | null;
  hidden: boolean;
}

const SERVER = Prisma.sql`
  SELECT current_user::text AS role, current_setting('session_replication_role') <> 'origin' AS replicating,
    NOT has_sequence_privilege(pg_get_serial_sequence('user_changes', 'id'), 'USAGE') AS "sequenceDenied"`;

/** Whether a policy is for this role; 0 stands for every role. */
const APPLIES = Prisma.sql`polrelid = name::regclass
  AND (0 = ANY (polroles) OR (SELECT bool_or(pg_has_role(one, 'USAGE')) FROM unnest(polroles) AS one WHERE one <> 0))`;

const ACCESS = Prisma.sql`
  SELECT name, current_user::text AS role, (
      SELECT string_agg(wanted, ', ') FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS wanted
      WHERE NOT has_table_privilege(name::regclass, wanted)
    ) AS denied,
    row_security_active(name) AND (
      EXISTS (SELECT FROM pg_policy WHERE NOT polpermissive AND ${APPLIES})
      OR NOT EXISTS (
        SELECT FROM pg_policy
        WHERE polpermissive AND polcmd = '*' AND ${APPLIES} AND pg_get_expr(polqual, polrelid) = 'true'
          AND coalesce(pg_get_expr(polwithcheck, polrelid), 'true') = 'true'
      )
    ) AS hidden
  FROM unnest(${[...TABLES]}::text[]) AS name ORDER BY name`;
