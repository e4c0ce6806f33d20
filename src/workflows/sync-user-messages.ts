import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { RETRY_SIGNAL, STATUS_QUERY, SYNC_NOW_UPDATE, USER_CHANGED_SIGNAL } from '../names.js';
import type { FactChange, Outcome, RefetchChange, UserChange } from '../user-change.js';
import type { PendingState } from './pending-change.js';

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
  /** What a run hands to the next one; absent at the start. */
  carried?: SyncUserState;
}

export interface SyncFailureState {
  code: string;
  message: string;
}

interface SyncUserCounts {
  received: number;
  applied: number;
  lastOutcome: Outcome | null;
}

/** What a run knows, and hands to the next one. */
export interface SyncUserState extends SyncUserCounts {
  /** A whole user or a deletion, which needs Postgres only. */
  fact: PendingState<FactChange>;
  /** Clerk is to be asked. A fact does not wait for the answer. */
  question: PendingState<RefetchChange>;
  /** The code that `sync_failures` has of this user: what it lacks is made up for by the next run. */
  reported: string | null;
  /** Whether SyncStatus says `parked`. */
  marked: boolean;
}

export interface SyncUserResult extends SyncUserCounts {
  /** Why a change did not go through; null once all have. */
  failure: SyncFailureState | null;
  /** Whether trying a change again is left to an operator or to the next change. */
  parked: boolean;
}

export interface SyncUserStatus extends SyncUserResult {
  state: 'applying' | 'idle' | 'parked';
  /** Of the change being applied or waiting, of a fact rather than of a question; never its content. */
  pendingKind: UserChange['kind'] | null;
  /** Whether Clerk is being asked, or still to be. */
  asksClerk: boolean;
}
