/** How the recorded run stood at the end of its history. */
export type End =
  | 'open'
  | 'completed'
  | 'continued as new'
  | 'cancelled'
  | 'failed'
  | 'timed out'
  | 'terminated';

/**
 * What the histories in tests/histories must show, by workflow type and file name. A scenario of two runs has two.
 * The recorder and the replay test hold each history to its end, so that a name cannot come to lie.
 */
export const SCENARIOS = {
  syncUser: {
    'created-then-closed': 'completed',
    lingering: 'open',
    'burst-folded': 'completed',
    'duplicate-and-late': 'completed',
    'deleted-then-late-update': 'completed',
    'created-by-refetch': 'completed',
    'phantom-refetched': 'completed',
    'written-while-asking': 'completed',
    'call-before-question': 'completed',
    'retried-in-outage': 'completed',
    parked: 'open',
    'parked-without-search-attributes': 'open',
    'parked-then-retried': 'completed',
    'parked-then-cured-by-next-change': 'completed',
    'rejected-while-next-change-came': 'completed',
    'continued-in-outage-1': 'continued as new',
    'continued-in-outage-2': 'completed',
    'continued-while-parked-1': 'continued as new',
    'continued-while-parked-2': 'completed',
    'cancelled-while-lingering': 'cancelled',
    'cancelled-while-applying': 'cancelled',
    'called-then-closed': 'completed',
    'called-while-applying': 'completed',
    'called-and-parked': 'open',
    'continued-while-called-1': 'continued as new',
    'continued-while-called-2': 'completed',
  },
  reconcileUsers: {
    'in-one-walk': 'completed',
    'in-one-walk-from-the-beginning': 'completed',
    'in-one-walk-at-the-beginning': 'completed',
    'in-one-walk-reading': 'open',
    'in-one-walk-asking': 'completed',
    'in-one-walk-without-witness': 'completed',
    'in-one-walk-unwitnessed': 'completed',
    'in-one-walk-unasked': 'completed',
    'in-one-walk-uncounted': 'completed',
    'in-one-walk-held': 'completed',
    'in-one-walk-held-already': 'completed',
    'in-one-walk-paused': 'completed',
    'in-one-walk-cancelled': 'cancelled',
    'in-walks-cut-by-counts': 'completed',
    'in-walks-cut-by-table': 'completed',
    'in-walks-reading': 'open',
    'in-walks-paused': 'completed',
    'in-walks-cancelled': 'cancelled',
    'in-windows-cut-by-counts': 'completed',
    'in-windows-cut-by-table': 'completed',
    'in-windows-reading': 'open',
    'in-windows-paused': 'completed',
    'in-windows-cancelled': 'cancelled',
    'cancelled-while-preparing': 'cancelled',
    'delta-idle': 'completed',
    'delta-changed': 'completed',
    'delta-then-sweep': 'completed',
    'delta-too-long': 'completed',
    'delta-in-place-of-sweep': 'completed',
    'delta-in-place-of-windows': 'completed',
    'sweep-in-place-of-delta': 'completed',
    planned: 'completed',
    'planned-unasked': 'completed',
    'planned-in-windows': 'completed',
  },
  sweepWindow: {
    'read-through': 'completed',
    reading: 'open',
    'continued-1': 'continued as new',
    'continued-2': 'completed',
    'paused-and-resumed': 'completed',
    'given-up': 'completed',
    cancelled: 'cancelled',
  },
  deleteGoneUsers: {
    parked: 'open',
    approved: 'completed',
    rejected: 'completed',
    'nothing-left': 'completed',
  },
  eraseDeletedUsers: {
    erased: 'completed',
  },
  pruneUserChanges: {
    pruned: 'completed',
  },
  runUserHooks: {
    ran: 'completed',
    'trying-again': 'open',
    parked: 'open',
    'parked-then-retried': 'completed',
    'parked-then-skipped': 'completed',
    'skipped-while-trying': 'completed',
    'skipped-before-its-turn': 'completed',
    'cancelled-while-trying': 'cancelled',
    'continued-1': 'continued as new',
    'continued-2': 'completed',
  },
  dispatchUserHooks: {
    dispatched: 'completed',
  },
} as const satisfies Record<string, Record<string, End>>;

export type Workflow = keyof typeof SCENARIOS;
export type Scenario<W extends Workflow> = Extract<keyof (typeof SCENARIOS)[W], string>;
