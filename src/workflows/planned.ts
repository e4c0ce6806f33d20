import type { PlannedPage } from '../activities/plan-page.js';

/** What a plan found so far; small enough to pass through Temporal. */
export interface Planned extends PlannedPage {
  /** How many unlisted rows there were in all; `unlistedIds` keeps the first of them. */
  unlisted: number;
}

const MOST_EXAMPLES = 100;
/** Ten requests' worth; of more, the plan says how many. */
const MOST_UNLISTED = 980;

export const noPlanned = (): Planned => ({ fields: {}, examples: [], unlistedIds: [], unlisted: 0 });

/** Adds a page's or a window's findings. */
export function addPlanned(planned: Planned, found: PlannedPage & { unlisted?: number }): void {
  for (const [field, count] of Object.entries(found.fields))
    planned.fields[field] = (planned.fields[field] ?? 0) + count;
  planned.examples = [...planned.examples, ...found.examples].slice(0, MOST_EXAMPLES);
  planned.unlisted += found.unlisted ?? found.unlistedIds.length;
  planned.unlistedIds = [...planned.unlistedIds, ...found.unlistedIds].slice(0, MOST_UNLISTED);
}
