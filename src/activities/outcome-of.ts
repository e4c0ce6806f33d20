import { failure } from '../failures.js';
import type { Outcome } from '../user-change.js';

/** @returns the outcome of a statement about one user. @throws POSTGRES_UNAVAILABLE (retried) when it told none. */
export function outcomeOf(results: readonly { outcome: Outcome }[]): { outcome: Outcome } {
  const [result] = results;
  if (result === undefined) throw failure('POSTGRES_UNAVAILABLE', 'The statement returned no outcome.');
  return { outcome: result.outcome };
}
