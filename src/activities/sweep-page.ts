import { cancellationSignal } from '@temporalio/activity';
import { clerkTimeMs } from '../clerk/clerk-time.js';
import { findGoneUsers } from '../clerk/find-gone-users.js';
import { listUsers, type UserPage } from '../clerk/list-users.js';
import { findUnlistedUsers } from '../db/find-unlisted-users.js';
import { findUserBefore } from '../db/find-user-before.js';
import { recordGoneUsers } from '../db/gone-users.js';
import type { ReconcileTotals } from '../reconcile-totals.js';
import type { JsonObject } from '../user-change.js';
import { applyPage } from './apply-page.js';
import type { ActivityDependencies } from './dependencies.js';

/** The last user of a page, from which the next one goes on. */
export interface SweepPlace {
  clerkUserId: string;
  clerkCreatedAtMs: number;
}

export interface SweepStep {
  /** The last user of the page before; null for the first page. */
  after: SweepPlace | null;
  /** The reconcile's id in `reconcile_runs`. */
  runId: string;
}

const MOST_STEPS_BACK = 3;

export interface SweptPage {
  totals: ReconcileTotals;
  /** null once the last page is done. */
  next: SweepPlace | null;
  /** Whether the page had more candidates for deletion than it asked about. */
  incomplete: boolean;
}

/** Candidates that one page asks Clerk about. With more, something else is wrong, and the run deletes nobody. */
const MOST_CANDIDATES = 2_000;

/**
 * Compares one page of Clerk's users, in order of creation, with the rows that belong there: writes what is newer, and
 * notes the rows whose users Clerk, asked by id, no longer has. Nobody is deleted before the sweep's end.
 *
 * @returns counts and the next place, below 300 bytes; no user passes through Temporal.
 * @throws what the Clerk and Postgres rooms throw, all retried; a page that is read again writes nothing new.
 * @remarks Absence alone says nothing. An empty list, another instance's key, a 401, a 5xx or a broken page end in an
 *   error or in an answer without the witness, never in a deletion.
 */
export async function sweepPage(deps: ActivityDependencies, { after, runId }: SweepStep): Promise<SweptPage> {
  const { start, page, requests } = await readPage(deps, after);
  const totals = await applyPage(deps, page.users, page.observedAtMs);
  totals.pages = 1;
  totals.clerkRequests = requests;

  const last = lastPlace(page.users);
  const next = page.users.length < deps.reconcile.pageSize ? null : last;
  const witness = last ?? start;
  let incomplete = false;
  if (witness !== null) {
    const listedIds = page.users.map((user) => String(user.id));
    const candidates = await findUnlistedUsers(deps.db, {
      after: start,
      upTo: next,
      listedIds,
      observedBeforeMs: page.observedAtMs - deps.reconcile.deletionGraceMs,
      most: MOST_CANDIDATES,
    });
    incomplete = candidates.length === MOST_CANDIDATES;
    const { gone, requests: asked } = await findGoneUsers(
      deps.clerk,
      candidates,
      witness.clerkUserId,
      cancellationSignal(),
    );
    totals.clerkRequests += asked;
    await recordGoneUsers(deps.db, runId, gone);
  }
  return { totals, next, incomplete };
}

/**
 * Reads the page after a user. When that user was deleted since, Clerk may refuse the cursor, or answer it with nothing;
 * then the sweep steps back to somebody who is still there, and before long to the beginning.
 */
async function readPage(
  deps: ActivityDependencies,
  after: SweepPlace | null,
): Promise<{ start: SweepPlace | null; page: UserPage; requests: number }> {
  let start = after;
  for (let requests = 1, steps = 1; ; requests++, steps++) {
    const selection = {
      by: 'creation',
      afterUserId: start?.clerkUserId ?? null,
      limit: deps.reconcile.pageSize,
    } as const;
    const page = await listUsers(deps.clerk, selection, cancellationSignal());
    if (page !== 'cursor-refused') {
      if (page.users.length > 0 || start === null) return { start, page, requests };
      requests += 1;
      if (await isListed(deps, start.clerkUserId)) return { start, page, requests };
    }
    start = start && steps < MOST_STEPS_BACK ? await findUserBefore(deps.db, start) : null;
  }
}

async function isListed(deps: ActivityDependencies, clerkUserId: string): Promise<boolean> {
  const page = await listUsers(deps.clerk, { by: 'id', ids: [clerkUserId] }, cancellationSignal());
  return page !== 'cursor-refused' && page.users.some((user) => user.id === clerkUserId);
}

function lastPlace(users: readonly JsonObject[]): SweepPlace | null {
  const last = users.at(-1);
  if (last === undefined) return null;
  return { clerkUserId: String(last.id), clerkCreatedAtMs: clerkTimeMs(last.created_at) ?? 0 };
}
