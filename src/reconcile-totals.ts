/** What a reconcile did, in users; `pages` and `clerkRequests` in requests. */
export interface ReconcileTotals {
  pages: number;
  seen: number;
  created: number;
  updated: number;
  unchanged: number;
  stale: number;
  restored: number;
  deleted: number;
  /** Of those deleted: rows whose users Clerk never had. */
  phantoms: number;
  /** Users gone from Clerk whose rows were left alone, because more were gone than one run may delete. */
  withheld: number;
  /** Rows that Clerk did not list and could not be asked about: their deletion waits. */
  unasked: number;
  /** Users that could not be written; each has a row in `sync_failures`. */
  failed: number;
  clerkRequests: number;
}

export const noTotals = (): ReconcileTotals => ({
  pages: 0,
  seen: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  stale: 0,
  restored: 0,
  deleted: 0,
  phantoms: 0,
  withheld: 0,
  unasked: 0,
  failed: 0,
  clerkRequests: 0,
});

export function addTotals(a: ReconcileTotals, b: ReconcileTotals): ReconcileTotals {
  const sum = noTotals();
  for (const key of Object.keys(sum) as (keyof ReconcileTotals)[]) sum[key] = a[key] + b[key];
  return sum;
}
