import type { InjectedFailure } from '../../src/clerk-stand-in/stand-in-settings.js';
import type { StandIn } from '../../src/clerk-stand-in/start-stand-in.js';

/** Lets so many of the requests through that the failure is for, and only then has them fail. */
export function failAfter(
  standIn: StandIn,
  times: number,
  failure: InjectedFailure & { pathPrefix: string },
): void {
  const { pathPrefix } = failure;
  if (times > 0) standIn.failWith({ kind: 'slow', latencyMs: 0, pathPrefix, times });
  standIn.failWith(failure);
}
