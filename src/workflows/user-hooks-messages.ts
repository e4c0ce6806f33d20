import { defineSignal } from '@temporalio/workflow';
import { HOOKS_PENDING_SIGNAL, SKIP_HOOK_SIGNAL } from '../names.js';

/** Signal: there are changes to tell the application. */
export const hooksPending = defineSignal(HOOKS_PENDING_SIGNAL);
/** Signal from an operator: leave out the hook of this revision, which is in hand or still to come. */
export const skipHook = defineSignal<[number]>(SKIP_HOOK_SIGNAL);

export interface UserHooksInput {
  clerkUserId: string;
  /** Revisions that the run before was asked to leave out, and that had not been their turn. */
  skips?: number[];
}
