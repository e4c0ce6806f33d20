/** Ends up in a `data:` URL, and is read before anything else of the process. */
const shifted = (aheadMs: number) => `
const RealDate = Date;
globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + ${aheadMs});
    else super(...args);
  }
  static now() {
    return RealDate.now() + ${aheadMs};
  }
};`;

/** @returns the environment of a process on a machine whose clock is ahead by so much. */
export const clockAhead = (aheadMs: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shifted(aheadMs))}`,
});
