const INTERVAL_MS = 10_000;

/**
 * Saves about every 10 s when something has changed, less often when saving takes long: a million users are hundreds
 * of megabytes, and saving may cost a tenth of the time at most.
 */
export class AutoSave {
  readonly #save: () => Promise<void>;
  readonly #changes: () => number;
  #savedChanges: number;
  #ticking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** @param changes a number that grows with every change */
  constructor(save: () => Promise<void>, changes: () => number, savedChanges: number) {
    this.#save = save;
    this.#changes = changes;
    this.#savedChanges = savedChanges;
    this.#schedule(INTERVAL_MS);
  }

  /** Saves what is unsaved. @throws what writing threw */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#ticking;
    // The tick that was running has set the timer anew.
    clearTimeout(this.#timer);
    await this.#flush();
  }

  #schedule(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tick();
    }, waitMs);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    const startMs = performance.now();
    // A full disk must not end the process: it is tried again, and `stop` reports what still fails.
    await this.#flush().catch(() => undefined);
    this.#schedule(Math.max(INTERVAL_MS, (performance.now() - startMs) * 10));
  }

  async #flush(): Promise<void> {
    const changes = this.#changes();
    if (changes === this.#savedChanges) return;
    await this.#save();
    this.#savedChanges = changes;
  }
}
