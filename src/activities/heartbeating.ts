import { heartbeat } from '@temporalio/activity';

/** A third of the time after which Temporal gives an attempt up: see heartbeatTimeout in the workflows. */
const HEARTBEAT_MS = 3_000;

/**
 * Lets an activity tell Temporal that its worker is alive, so that an attempt lost with a worker is made again after
 * seconds and not after the attempt's whole time, and so that a cancellation reaches it.
 */
export function heartbeating<Arguments extends unknown[], Result>(
  activity: (...given: Arguments) => Promise<Result>,
) {
  return async (...given: Arguments): Promise<Result> => {
    const timer = setInterval(heartbeat, HEARTBEAT_MS);
    try {
      return await activity(...given);
    } finally {
      clearInterval(timer);
    }
  };
}
