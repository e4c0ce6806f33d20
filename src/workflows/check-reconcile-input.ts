import { failure } from '../failures.js';
import type { ReconcileInput } from './reconcile-messages.js';

const EXAMPLE = '{"kind":"sweep"}, {"kind":"sweep","mode":"plan"} or {"kind":"sweep","mostDeletions":500}';

/**
 * Refuses what a hand may have mistyped: a misspelt `plan` would otherwise repair.
 *
 * @throws INPUT_INVALID (not retried).
 */
export function checkReconcileInput(input: ReconcileInput): void {
  const { kind, mode = 'apply', mostDeletions = 0 }: Partial<ReconcileInput> = input ?? {};
  const known = ['kind', 'mode', 'mostDeletions', 'carried'];
  const unknown = Object.keys(input ?? {}).filter((key) => !known.includes(key));
  const problem =
    kind !== 'auto' && kind !== 'sweep'
      ? '`kind` is neither "auto" nor "sweep"'
      : mode !== 'apply' && mode !== 'plan'
        ? '`mode` is neither "apply" nor "plan"'
        : !Number.isSafeInteger(mostDeletions) || mostDeletions < 0
          ? '`mostDeletions` is no whole number'
          : unknown.length > 0
            ? `there is no \`${unknown[0]}\``
            : undefined;
  if (problem !== undefined) throw failure('INPUT_INVALID', `${problem}. Give it ${EXAMPLE}.`);
}
