import type { Outcome } from '../user-change.js';
import type { ActivityDependencies } from './dependencies.js';
import { offerUserHooks } from './offer-user-hooks.js';

const LOGGED: readonly Outcome[] = ['created', 'updated', 'deleted', 'restored'];

/** Has a change's hook run now and not at the dispatcher's next tick, if that can be had in passing. */
export async function hurryHooks(
  { hooks }: ActivityDependencies,
  clerkUserId: string,
  outcome: Outcome,
): Promise<void> {
  if (hooks === undefined || !LOGGED.includes(outcome)) return;
  // What was written is written: the dispatcher finds it.
  await offerUserHooks(clerkUserId).catch(() => undefined);
}
