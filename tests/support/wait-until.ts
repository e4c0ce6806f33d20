export interface WaitUntilOptions {
  /** Default three minutes: so that a failure says what it waited for, not so that a slow machine fails. */
  timeoutMs?: number;
  /** What is waited for, or a look at how things stand; for the failure's message. */
  describe?: string | (() => unknown);
  /** How far things are. If it has changed when the time is over, that begins anew: what goes on slowly is no failure. */
  progress?: () => unknown;
}

const POLL_MS = 10;

/**
 * Asks again until the condition holds. A condition that throws does not hold yet.
 *
 * @returns what the condition gave.
 * @throws Error which says what was waited for, how things stood at the end, and what the condition last threw.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 180_000, describe = condition.toString(), progress }: WaitUntilOptions = {},
): Promise<T> {
  let deadline = Date.now() + timeoutMs;
  let before = await progress?.();
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) {
      const now = await progress?.();
      if (now !== before) {
        before = now;
        deadline = Date.now() + timeoutMs;
        continue;
      }
      const state = typeof describe === 'string' ? describe : JSON.stringify(await describe());
      const last = cause === undefined ? '' : `; it last threw: ${String(cause)}`;
      throw new Error(`Waited ${timeoutMs} ms in vain for ${state}${last}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
