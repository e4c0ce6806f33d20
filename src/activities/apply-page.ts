import type { UserPage } from '../clerk/list-users.js';
import { applySnapshots } from '../db/apply-snapshots.js';
import type { ListedPage } from '../db/deletion-candidates.js';
import { findNews } from '../db/find-news.js';
import { noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import type { UserSnapshot } from '../user-change.js';
import { outermost } from '../witnesses.js';
import type { ActivityDependencies } from './dependencies.js';
import { recordRefused } from './record-refused.js';
import { knownInstance } from './require-instance.js';
import { toSnapshots } from './to-snapshots.js';
import { writeRows } from './write-rows.js';

/** Where a page of a sweep stands. */
export interface SweptPage extends ListedPage {
  /** Whether no live row lies there: so there is none to compare with, and what is written decides by itself. */
  isEmpty: boolean;
}

export interface AppliedPage {
  totals: ReconcileTotals;
  /** Listed users whom the table knew before: the first and the last of them, or none. */
  witnessIds: string[];
}

/**
 * Compares a page of Clerk's users with the table, and writes the news in one statement. A user who cannot be written is
 * counted as failed and recorded, and costs nobody else.
 *
 * @param listed where the page stands in the list, if it is one of a sweep: then those whom it lacks become candidates for
 *   deletion.
 */
export async function applyPage(
  deps: ActivityDependencies,
  page: UserPage,
  listed?: SweptPage,
): Promise<AppliedPage> {
  const totals = noTotals();
  totals.seen = page.users.length;
  const snapshots = await toSnapshots(deps, page, async (clerkUserId, error) => {
    await recordRefused(deps, clerkUserId, error);
    totals.failed += 1;
  });
  const { newer, stale } = listed?.isEmpty
    ? { newer: new Set(snapshots.map(({ clerkUserId }) => clerkUserId)), stale: new Set() }
    : await findNews(deps.db, snapshots, listed);
  totals.stale = stale.size;
  totals.unchanged = snapshots.length - newer.size - stale.size;
  const news = snapshots.filter(({ clerkUserId }) => newer.has(clerkUserId));
  totals.failed += await writeRows(deps, news, async (rows) => {
    for (const { outcome } of await applySnapshots(deps.db, rows, 'reconcile', knownInstance(deps)))
      if (outcome !== 'ignored') totals[outcome] += 1;
  });
  return { totals, witnessIds: witnessesAmong(snapshots, newer) };
}

/** The first and the last of those about whom there is no news, and who therefore had rows. */
export const witnessesAmong = (snapshots: readonly UserSnapshot[], newer: ReadonlySet<string>): string[] =>
  outermost(snapshots.flatMap(({ clerkUserId }) => (newer.has(clerkUserId) ? [] : clerkUserId)));
