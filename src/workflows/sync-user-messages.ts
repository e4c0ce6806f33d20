import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { RETRY_SIGNAL, STATUS_QUERY, SYNC_NOW_UPDATE, USER_CHANGED_SIGNAL } from '../names.js';
import type { Outcome, RefetchChange, UserChange } from '../user-change.js';

/** Signal: things that happened to this user, in any order, any number of times. */
export const userChanged = defineSignal<[UserChange[]]>(USER_CHANGED_SIGNAL);
/** Signal from an operator: try a parked change again, now. */
export const retry = defineSignal(RETRY_SIGNAL);
/**
 * Update: ask Clerk for this user now. Answered once a state that Clerk showed after this call was applied; fails with the
 * code of a failure that parks the run.
 */
export const syncNow = defineUpdate<SyncNowResult, [RefetchChange]>(SYNC_NOW_UPDATE);
export const status = defineQuery<SyncUserStatus>(STATUS_QUERY);

export interface SyncNowResult {
  /** null: the run continued as new first, and took the change along; call again to hear what came of it. */
  outcome: Outcome | null;
}

export interface SyncUserInput {
  clerkUserId: string;
  /** How long an idle run waits for the next change before it closes. Closing at once costs later webhooks seconds. */
  lingerMs: number;
  /** Whether the search attribute SyncStatus is registered; setting one that is not would stop the run. */
  searchAttributes: boolean;
  /** What a run hands to the next one; absent at the start. */
  carried?: SyncUserState;
}

export interface SyncFailureState {
  code: string;
  message: string;
}

/** What a run knows, and hands to the next one. */
export interface SyncUserState {
  /** What remains to be applied, folded into one. */
  pending: UserChange | null;
  /** Why the pending change did not go through; stays until one does. */
  failure: SyncFailureState | null;
  /** Whether trying again is left to an operator or to the next change. */
  parked: boolean;
  /** Whether `sync_failures` and SyncStatus say so: what is not yet said or unsaid is made up for by the next run. */
  reported: boolean;
  received: number;
  applied: number;
  lastOutcome: Outcome | null;
}

export interface SyncUserStatus extends Omit<SyncUserState, 'pending'> {
  state: 'applying' | 'idle' | 'parked';
  /** Of the change being applied or waiting; never its content. */
  pendingKind: UserChange['kind'] | null;
}
