import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * Structured logs: a constant sentence plus fields (svixId, clerkUserId, workflowId, outcome, code, durationMs). Never a
 * payload, an e-mail address or a name; errors are logged by their code and message only.
 */
export function createLogger(level: string, part: string, destination?: DestinationStream): Logger {
  const options = { level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination ? pino(options, destination) : pino(options);
}
