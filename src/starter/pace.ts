/** Above so many, those whose time is over are forgotten. */
const MOST_KEYS = 10_000;

/**
 * Counts what each key does in a stretch of time, which begins with the first.
 *
 * @returns a function that tells whether the key may once more, and counts it if so.
 */
export function createPace(most: number, perMs: number, now: () => number = Date.now) {
  const stretches = new Map<string, { endsAtMs: number; count: number }>();
  return (key: string): boolean => {
    const nowMs = now();
    const stretch = stretches.get(key);
    if (stretch !== undefined && stretch.endsAtMs > nowMs) {
      if (stretch.count >= most) return false;
      stretch.count += 1;
      return true;
    }
    if (stretches.size >= MOST_KEYS)
      for (const [other, { endsAtMs }] of stretches) if (endsAtMs <= nowMs) stretches.delete(other);
    stretches.set(key, { endsAtMs: nowMs + perMs, count: 1 });
    return true;
  };
}
