import type { DriftLabel } from '../drift.js';

const COUNT = new Intl.NumberFormat('en-US');

/** `1,234 users`; `1 user`. @param many where the plural is not the noun with an s. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${COUNT.format(count)} ${count === 1 ? one : many}`;

export const grouped = (count: number): string => COUNT.format(count);

/** A length of time in its largest fitting unit: `12 s`, `3 min`, `5 h`, `2 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `3 missed_update, 1 phantom`, or null when there is none. */
export function driftWords(drift: Record<DriftLabel, number>): string | null {
  const found = Object.entries(drift).filter(([, count]) => count > 0);
  return found.length === 0 ? null : found.map(([label, count]) => `${grouped(count)} ${label}`).join(', ');
}
