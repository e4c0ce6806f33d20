/** Lets at most so many go at a time, the others in the order in which they came. */
export interface Turns {
  /** Resolves once it is the caller's turn. @returns what ends the turn, to be called once. @throws Error after `close`. */
  take(): Promise<() => void>;
  /** Refuses those who wait, and everybody from now on. */
  close(): void;
}

export function createTurns(atATime: number): Turns {
  const waiting: { go: () => void; refuse: (reason: Error) => void }[] = [];
  let free = atATime;
  let isClosed = false;
  const closed = () => new Error('This database was disconnected.');
  const end = () => {
    free++;
    waiting.shift()?.go();
  };
  return {
    take: () =>
      new Promise((resolve, reject) => {
        const go = () => {
          free--;
          resolve(end);
        };
        if (isClosed) reject(closed());
        else if (free > 0) go();
        else waiting.push({ go, refuse: reject });
      }),
    close() {
      isClosed = true;
      for (const { refuse } of waiting.splice(0)) refuse(closed());
    },
  };
}
