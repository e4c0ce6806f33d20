import type { Response } from 'express';
import { FAILURES, type FailureCode } from '../failures.js';

/** Of what may pass by itself, and of what came too often. */
const RETRY_AFTER_SECONDS = { 503: 5, 429: 10 };

/**
 * Tells the caller the code and its meaning, and nothing of what happened inside.
 *
 * @param more said after the meaning.
 * @param kept whether Temporal has the change, where that is known: for a caller who is a program.
 */
export function answerFailure(response: Response, code: FailureCode, more = '', kept?: boolean): void {
  const description: { meaning: string; httpStatus?: number } = FAILURES[code];
  const status = description.httpStatus ?? 500;
  if (status === 503 || status === 429) response.setHeader('Retry-After', RETRY_AFTER_SECONDS[status]);
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  response
    .status(status)
    .json({ outcome: 'rejected', code, message: `${description.meaning} ${more}`.trim(), kept });
}
