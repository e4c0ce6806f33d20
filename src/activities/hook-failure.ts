import { ApplicationFailure } from '@temporalio/common';
import { msToNumber } from '@temporalio/common/lib/time.js';
import type { PendingHook } from '../db/pending-hooks.js';
import { failure } from '../failures.js';
import { HookTimeout } from './hook-timeout.js';

/**
 * Names what a hook threw. The text of an ordinary error stays out of Temporal and of the table, for it may well hold an
 * address or a name; its class, its code and its place do not. What a hook says with an ApplicationFailure is meant for
 * the Web UI, and is shown.
 *
 * @returns HOOK_GAVE_UP for an ApplicationFailure that is not to be retried, HOOK_FAILED for everything else.
 */
export function hookFailure(error: unknown, { kind, revision }: PendingHook): ApplicationFailure {
  const which = `Kind ${kind}, revision ${revision}:`;
  if (error instanceof HookTimeout) return failure('HOOK_FAILED', `${which} ${error.message}`);
  if (!(error instanceof ApplicationFailure)) return failure('HOOK_FAILED', `${which} ${described(error)}`);
  const { nonRetryable, nextRetryDelay, message } = error;
  return failure(nonRetryable ? 'HOOK_GAVE_UP' : 'HOOK_FAILED', `${which} ${message}`, {
    ...(nextRetryDelay == null ? {} : { retryAfterMs: msToNumber(nextRetryDelay) }),
  });
}

function described(error: unknown): string {
  try {
    return named(error);
  } catch {
    // Its parts are the application's, and reading one may throw as well.
    return 'it threw an error.';
  }
}

function named(error: unknown): string {
  if (!(error instanceof Error)) return `it threw a ${typeof error}.`;
  const { code, name, message, stack } = error as Partial<Record<keyof Error | 'code', unknown>>;
  const isCode = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code);
  const isWhole = typeof message === 'string' && typeof stack === 'string' && stack.includes(message);
  const frames = isWhole ? stack.slice(stack.indexOf(message) + message.length) : '';
  const [, place] = /\n\s+at .*?([\w.-]+\.[cm]?[jt]sx?:\d+):\d+\)?(?:\n|$)/.exec(frames) ?? [];
  return [
    `it threw ${typeof name === 'string' && /^\w{1,60}$/.test(name) ? name : 'an error'}`,
    isCode ? ` (${code})` : '',
    place === undefined ? '' : ` at ${place}`,
    '.',
  ].join('');
}
