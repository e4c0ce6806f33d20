import type { RequestHandler } from 'express';
import { type FailureCode, failureCode } from '../failures.js';
import { inTime } from './in-time.js';

export interface HealthChecks {
  /** Whether Temporal answers for our namespace. */
  temporal(): Promise<boolean>;
  /** Whether Postgres answers, and has our tables; a failure of ours says why not. */
  postgres(): Promise<boolean>;
  /** Whether the process is shutting down. */
  draining(): boolean;
}

const CHECK_TIMEOUT_MS = 3_000;

/** The process runs and answers. Point a load balancer at this one: with Postgres down, webhooks are still taken. */
export const healthz: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

/**
 * Asks Temporal and Postgres now, each for at most 3 s.
 *
 * @returns a handler that answers 200 when both are there, else 503; the body names each, and the code of the failure
 *   where there is one: `SCHEMA_MISSING` for tables that are not migrated.
 */
export function createReadyz(checks: HealthChecks): RequestHandler {
  return async (_request, response) => {
    const [temporal, postgres] = await Promise.all([within(checks.temporal()), within(checks.postgres())]);
    const code = temporal.code ?? postgres.code;
    const draining = checks.draining();
    const ready = temporal.up && postgres.up && !draining;
    const word = (up: boolean) => (up ? 'ok' : 'down');
    response.status(ready ? 200 : 503).json({
      status: draining ? 'draining' : word(ready),
      temporal: word(temporal.up),
      postgres: word(postgres.up),
      ...(code === undefined ? {} : { code }),
    });
  };
}

async function within(check: Promise<boolean>): Promise<{ up: boolean; code?: FailureCode | undefined }> {
  try {
    return { up: await inTime(check, CHECK_TIMEOUT_MS, () => new Error('no answer')) };
  } catch (error) {
    return { up: false, code: failureCode(error) };
  }
}
