import { setTimeout } from 'node:timers/promises';

const LETTING_GO_MS = 1_000;

/**
 * Waits for a step of ending after the last work was done, at most 1 s: Temporal and Postgres may hang.
 *
 * @throws what the step throws by then.
 */
export async function letGo(step: Promise<unknown>): Promise<void> {
  await Promise.race([step, setTimeout(LETTING_GO_MS, undefined, { ref: false })]);
}
