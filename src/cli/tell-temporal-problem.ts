import type { Logger } from '../log.js';
import type { TemporalProblem } from './temporal-problem.js';

const AGAIN_AFTER_MS = 60_000;

/** @returns a function that logs a problem: at once, and as long as it stays the same once a minute. */
export function tellTemporalProblem(log: Logger): (problem: TemporalProblem) => void {
  let told: { text: string; atMs: number } | undefined;
  return ({ passing, text }) => {
    const atMs = performance.now();
    if (told?.text === text && atMs - told.atMs < AGAIN_AFTER_MS) return;
    told = { text, atMs };
    log[passing ? 'warn' : 'error']({ code: 'TEMPORAL_UNAVAILABLE', detail: text }, 'Waiting for Temporal');
  };
}
