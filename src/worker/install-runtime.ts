import { DefaultLogger, type LogMetadata, Runtime } from '@temporalio/worker';
import { failureCode } from '../failures.js';
import type { Logger } from '../log.js';
import { workflowTaskFailure } from './workflow-task-failure.js';

/** Of what the SDK adds to its log lines, only this is written: activity inputs and stack traces may hold personal data. */
const KEPT = [
  'workflowId',
  'runId',
  'workflowType',
  'activityType',
  'attempt',
  'taskQueue',
  'state',
  'clerkUserId',
  'code',
  'outcome',
  'durationMs',
];

/**
 * Sets up Temporal's runtime, once a process and before anything else of the worker: its log lines go to our log, and
 * its own signal handlers stay out of the way of an ordered shutdown.
 */
export function installRuntime(log: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) =>
      log[levels[level]]({ ...fieldsOf(meta) }, message),
    ),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} } },
    shutdownSignals: [],
  });
}

function fieldsOf(meta: LogMetadata | undefined): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of KEPT) if (meta?.[key] !== undefined) fields[key] = meta[key];
  // Of the core's line "Failing workflow task", the only one that says what happened to a workflow.
  if (typeof meta?.failure === 'string') fields.reason = workflowTaskFailure(meta.failure);
  const error: unknown = meta?.error;
  if (error instanceof Error) {
    fields.code = 'type' in error && typeof error.type === 'string' ? error.type : error.name;
    const detail = detailOf(error);
    if (detail !== undefined) fields.detail = detail;
  }
  return fields;
}

/** The message of a failure of ours, which names no person. A hook's may be in the application's words. */
function detailOf(error: Error): string | undefined {
  const code = failureCode(error);
  return code === undefined || code === 'HOOK_FAILED' || code === 'HOOK_GAVE_UP' ? undefined : error.message;
}
