export interface WaitUntilOptions {
  /** Default two minutes: so that a failure says what it waited for, not so that a slow machine fails. */
  timeoutMs?: number;
  /** What is waited for, or a look at how things stand; for the failure's message. */
  describe?: string | (() => unknown);
  /** How far things are. Whenever it changes, the time begins anew: what goes on slowly is no failure. */
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
  { timeoutMs = 120_000, describe = condition.toString(), progress }: WaitUntilOptions = {},
): Promise<T> {
  let deadline = Date.now() + timeoutMs;
  let before: unknown;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    const now = await progress?.();
    if (now !== before) deadline = Date.now() + timeoutMs;
    before = now;
    if (Date.now() > deadline) {
      const state = typeof describe === 'string' ? describe : JSON.stringify(await describe());
      const last = cause === undefined ? '' : `; it last threw: ${String(cause)}`;
      throw new Error(`Waited ${timeoutMs} ms in vain for ${state}${last}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
