import type { Drift } from './drift.js';

/** What a plan found on a page; ids and names of fields, no values. Small enough to pass through Temporal. */
export interface PlannedPage {
  /** How often each field differs. */
  fields: Record<string, number>;
  examples: Drift[];
  /** Live rows that the page lacks, about whom Clerk is still to be asked. */
  unlistedIds: string[];
}

/** What a plan found so far. */
export interface Planned extends PlannedPage {
  /** How many unlisted rows there were in all; `unlistedIds` keeps the first of them. */
  unlisted: number;
}

/** Of all differences; whoever wants every single one applies the plan and reads `user_changes`. */
export const MOST_EXAMPLES = 100;
/** As many ids as one request names beside two witnesses. */
export const ASKED_AT_ONCE = 98;
/** Ten requests' worth; of more, the plan says how many. */
const MOST_UNLISTED = 10 * ASKED_AT_ONCE;

export const noPlanned = (): Planned => ({ fields: {}, examples: [], unlistedIds: [], unlisted: 0 });

/** Adds a page's or a window's findings. */
export function addPlanned(planned: Planned, found: PlannedPage & { unlisted?: number }): void {
  for (const [field, count] of Object.entries(found.fields))
    planned.fields[field] = (planned.fields[field] ?? 0) + count;
  planned.examples = [...planned.examples, ...found.examples].slice(0, MOST_EXAMPLES);
  planned.unlisted += found.unlisted ?? found.unlistedIds.length;
  planned.unlistedIds = [...planned.unlistedIds, ...found.unlistedIds].slice(0, MOST_UNLISTED);
}
