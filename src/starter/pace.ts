/**
 * Counts what each key does in a stretch of time, which begins with the first. What is over is forgotten at the next call.
 *
 * @returns a function that tells whether the key may once more, and counts it if so.
 */
export function createPace(
  most: number,
  perMs: number,
  now: () => number = performance.now.bind(performance),
) {
  const stretches = new Map<string, { endsAtMs: number; count: number }>();
  return (key: string): boolean => {
    const nowMs = now();
    // All stretches are of one length, so those that began first end first, and none behind a running one is over.
    for (const [other, { endsAtMs }] of stretches) {
      if (endsAtMs > nowMs) break;
      stretches.delete(other);
    }
    const stretch = stretches.get(key);
    if (stretch !== undefined) {
      if (stretch.count >= most) return false;
      stretch.count += 1;
      return true;
    }
    stretches.set(key, { endsAtMs: nowMs + perMs, count: 1 });
    return true;
  };
}
