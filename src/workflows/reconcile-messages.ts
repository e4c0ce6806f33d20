import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { Drift, DriftLabel, WebhookVerdict } from '../drift.js';
import {
  APPROVE_DELETIONS_SIGNAL,
  PAUSE_SIGNAL,
  REJECT_DELETIONS_SIGNAL,
  RESUME_SIGNAL,
  STATUS_QUERY,
  WINDOW_PROGRESS_SIGNAL,
} from '../names.js';
import type { ReconcileTotals } from '../reconcile-totals.js';

/** `auto`: a sweep where one fits the tick, is due or the counts ask for it; else a delta. */
export type ReconcileKind = 'auto' | 'sweep';

/** `plan` compares everything, tells what it would repair, and writes nothing. */
export type ReconcileMode = 'apply' | 'plan';

export interface ReconcileInput {
  kind: ReconcileKind;
  /** Default `apply`. */
  mode?: ReconcileMode;
  /**
   * An operator's word for how many rows may be deleted; it also takes back earlier `rejectDeletions`. Default:
   * RECONCILE_MOST_DELETED_SHARE of the live rows in 24 hours, and at least 10. A plan ignores it.
   */
  mostDeletions?: number;
}

/** What a reconcile ends with; it can be read in the Web UI as the run's result. */
export interface ReconcileResult extends ReconcileTotals {
  kind: 'sweep' | 'delta';
  mode: ReconcileMode;
  /** One line for a person. */
  summary: string;
  /** What was left undone because Clerk failed, in sentences that the summary has too. */
  problems: string[];
  drift: Record<DriftLabel, number>;
  /** Of a sweep: windows of creation times that were read side by side. */
  windows: number;
  /** How many users Clerk has, null where it could not count them, and how many live rows the table, at the end. */
  clerkUsers: number | null;
  liveRows: number;
  /** Of those rows: how many an operator keeps, though Clerk does not have their users. Left out where there are none, and in a delta. */
  keptRows?: number;
  /** Likewise: how many have an id that is none of Clerk's, so that no sweep deletes them. */
  foreignRows?: number;
  /** Not in a plan. */
  webhooks?: WebhookVerdict;
  /** Of a plan: how often each field differs, and at most 100 of the differences. */
  fields?: Record<string, number>;
  examples?: Drift[];
}

/** Answer of the query `status` while a reconcile runs. */
export interface ReconcileStatus {
  kind: 'sweep' | 'delta' | null;
  mode: ReconcileMode;
  state: 'preparing' | 'reading' | 'paused' | 'asking' | 'deleting' | 'done';
  totals: ReconcileTotals;
  /** How many pages a sweep expects to read; 0 until it is known. */
  expectedPages: number;
  /** Where Clerk could not count them, as many as the table has. */
  clerkUsers: number;
  usersPerSecond: number;
  /** null while nothing can be said. */
  secondsLeft: number | null;
}

export const reconcileStatus = defineQuery<ReconcileStatus>(STATUS_QUERY);
/** Signal: stop between two pages, and go on. */
export const pause = defineSignal(PAUSE_SIGNAL);
export const resume = defineSignal(RESUME_SIGNAL);

/** Signal from a window's sweep to its parent: what it has done so far. */
export const windowProgress =
  defineSignal<[{ number: number; totals: ReconcileTotals }]>(WINDOW_PROGRESS_SIGNAL);

/** Signals to `deleteGoneUsers`, which waits for one of them. */
export const approveDeletions = defineSignal(APPROVE_DELETIONS_SIGNAL);
export const rejectDeletions = defineSignal(REJECT_DELETIONS_SIGNAL);
