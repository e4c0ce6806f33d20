interface Held {
  readonly release: () => void;
  remaining: number;
}

/** Messages that wait to be overtaken. */
export class HoldBack {
  readonly #held = new Set<Held>();

  /**
   * @param later how many later messages have to pass first
   * @returns releases it early; doing so twice does nothing
   */
  add(later: number, send: () => void): () => void {
    const held: Held = {
      remaining: later,
      release: () => {
        if (this.#held.delete(held)) send();
      },
    };
    this.#held.add(held);
    return held.release;
  }

  /** @returns to be called once the later message is on its way: counts it for all that were held by now */
  startOvertaking(): () => void {
    const overtaken = [...this.#held];
    return () => {
      for (const held of overtaken) if (--held.remaining <= 0) held.release();
    };
  }

  clear(): void {
    this.#held.clear();
  }
}
