/**
 * @param witnessIds users in the order of their creation.
 * @returns the first and the last of them, or the only one, or none: between these two lie all about whom Clerk is asked.
 */
export function outermost(witnessIds: readonly string[]): string[] {
  const ends = [witnessIds[0], witnessIds.at(-1)].flatMap((id) => id ?? []);
  return [...new Set(ends)];
}
