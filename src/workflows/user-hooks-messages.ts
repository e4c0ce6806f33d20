import { defineSignal } from '@temporalio/workflow';
import { HOOKS_PENDING_SIGNAL, SKIP_HOOK_SIGNAL } from '../names.js';

/** Signal: there are changes to tell the application. */
export const hooksPending = defineSignal(HOOKS_PENDING_SIGNAL);
/** Signal from an operator: leave out the hook of this revision, if it is the one in hand. */
export const skipHook = defineSignal<[number]>(SKIP_HOOK_SIGNAL);

export interface UserHooksInput {
  clerkUserId: string;
}
