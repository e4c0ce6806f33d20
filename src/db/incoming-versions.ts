import type { UserSnapshot } from '../user-change.js';
import { Prisma } from './generated/client.js';
import { jsonText } from './json-text.js';

/**
 * @returns the CTE `incoming` with the versions of a page's snapshots, one row each, and nothing of the users themselves.
 *   Lists and numbers in place of records and ISO times: a page costs half, here and in Postgres.
 */
export function incomingVersions(snapshots: readonly UserSnapshot[]): Prisma.Sql {
  const list = (read: (snapshot: UserSnapshot) => string | number | boolean | null) =>
    Prisma.sql`json_array_elements_text(${jsonText(snapshots.map(read))}::json)`;
  return Prisma.sql`incoming AS MATERIALIZED (
  SELECT clerk_id COLLATE "C" AS clerk_id, content_hash, observed_via, locked::boolean AS locked,
    ${time('updated_ms')} AS clerk_updated_at, ${time('observed_ms')} AS observed_at, ${time('signed_in_ms')} AS last_sign_in_at
  FROM ROWS FROM (
    ${list((snapshot) => snapshot.clerkUserId)},
    ${list((snapshot) => snapshot.contentHash)},
    ${list((snapshot) => snapshot.observedVia)},
    ${list((snapshot) => snapshot.locked)},
    ${list((snapshot) => snapshot.clerkUpdatedAtMs)},
    ${list((snapshot) => snapshot.observedAtMs)},
    ${list((snapshot) => snapshot.lastSignInAtMs)}
  ) AS page (clerk_id, content_hash, observed_via, locked, updated_ms, observed_ms, signed_in_ms)
)`;
}

const time = (ms: string) => Prisma.raw(`timestamptz 'epoch' + ${ms}::bigint * interval '1 millisecond'`);
