/** @param onLate called if the work is not done in time; only of whoever began it. */
export type OneFlight<Result> = (
  key: string,
  work: () => Promise<Result>,
  onLate: () => void,
) => Promise<Result | undefined>;

/**
 * Does the same work once for all who want it at the same time.
 *
 * @param timeoutMs counts from the beginning of the work, so that who joins it late does not wait anew.
 * @returns a function that resolves with what the work resolves with, or with undefined once the time is over. The work
 *   then goes on by itself, and who comes before it ends joins it still. It must not reject.
 */
export function createOneFlight<Result>(timeoutMs: number): OneFlight<Result> {
  const inFlight = new Map<string, Promise<Result | undefined>>();
  return (key, work, onLate) => {
    const begun = inFlight.get(key);
    if (begun !== undefined) return begun;
    const flight = new Promise<Result | undefined>((resolve, reject) => {
      const timer = setTimeout(() => {
        onLate();
        resolve(undefined);
      }, timeoutMs);
      work()
        .then(resolve, reject)
        .finally(() => {
          clearTimeout(timer);
          inFlight.delete(key);
        });
    });
    inFlight.set(key, flight);
    return flight;
  };
}
