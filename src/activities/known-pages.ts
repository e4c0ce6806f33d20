import { LRUCache } from 'lru-cache';
import type { EarlierPage } from '../clerk/list-users.js';
import type { CreationRange } from '../db/creation-range.js';
import { type RowsVersion, rowsVersion } from '../db/rows-version.js';
import type { ComparedPage, CompareStep, SweepPlace } from './compare-page.js';
import type { ActivityDependencies } from './dependencies.js';

/** A page that was compared in full, and all of whose users were what their rows are. */
export interface KnownPage {
  /** Of Clerk's answer. */
  digest: string;
  range: CreationRange;
  rows: RowsVersion;
  compared: ComparedPage;
}

/** Ten million users' pages, about 10 MB. */
const MOST_PAGES = 20_000;

/** By a process's dependencies, for another database or setting knows nothing of them. */
const memories = new WeakMap<ActivityDependencies, LRUCache<string, KnownPage>>();

/**
 * Most pages of a sweep are what they were at the last one, and so are their rows: then comparing them comes to the same.
 *
 * @returns what this process knows of the step's page, and begins to look whether its rows were touched since; undefined
 *   for a plan, which compares by itself.
 * @throws by the promise, POSTGRES_UNAVAILABLE or SCHEMA_MISSING (retried).
 */
export function knownPage(
  deps: ActivityDependencies,
  step: CompareStep,
): (KnownPage & EarlierPage) | undefined {
  const known = remembered(deps, step);
  if (known === undefined) return undefined;
  const holds = rowsVersion(deps.db, known.range).then(
    (rows) => rows?.version === known.rows.version && rows.rows === known.rows.rows,
  );
  // Unused if the answer differs; this avoids an unhandled rejection.
  holds.catch(() => undefined);
  return { ...known, holds };
}

/** @returns where the walk goes on from the step's page, if that is still as this process knows it. */
export function expectedNext(deps: ActivityDependencies, step: CompareStep): SweepPlace | undefined {
  return remembered(deps, step)?.compared.next ?? undefined;
}

/** A plan compares by itself, and so does a walk that has a doubt, which depends on who is listed. */
const remembered = (deps: ActivityDependencies, step: CompareStep): KnownPage | undefined =>
  isRemembered(step) ? memoryOf(deps).get(keyOf(step)) : undefined;

const isRemembered = ({ plan, place }: CompareStep): boolean => !plan && place.doubt === null;

/**
 * Remembers a page if nothing was to be done about it.
 *
 * @param page with its rows as they were before they were compared, so that what was written meanwhile shows next time;
 *   null where that is not known.
 */
export function rememberPage(
  deps: ActivityDependencies,
  step: CompareStep,
  page: Omit<KnownPage, 'rows'> & { rows: RowsVersion | null },
): void {
  const { seen, unchanged } = page.compared.totals;
  const { rows } = page;
  // Each user's row is an equal one, and lies in the range.
  if (isRemembered(step) && rows !== null && unchanged === seen && rows.rows === seen)
    memoryOf(deps).set(keyOf(step), { ...page, rows });
  else memoryOf(deps).delete(keyOf(step));
}

function memoryOf(deps: ActivityDependencies): LRUCache<string, KnownPage> {
  const memory = memories.get(deps) ?? new LRUCache<string, KnownPage>({ max: MOST_PAGES });
  memories.set(deps, memory);
  return memory;
}

const keyOf = ({ window, place }: CompareStep): string =>
  `${window.fromMs} ${window.toMs} ${place.after?.clerkCreatedAtMs} ${place.after?.clerkUserId}`;
