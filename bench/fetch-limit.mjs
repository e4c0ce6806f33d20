// The limit that no reconcile can pass: every page of Clerk's list is fetched and parsed, and nothing is done with it.
import { PAGE } from './clerk.mjs';

/**
 * @param windows 1: page after page by cursor; more: that many windows of creation times side by side.
 * @returns the ids that were read.
 */
export async function fetchAll(clerk, windows) {
  const read = await Promise.all(windows.map((window) => fetchWindow(clerk, window)));
  return read.flat();
}

async function fetchWindow(clerk, window) {
  const ids = [];
  for (let cursor = {}; ; cursor = { starting_after: ids.at(-1) }) {
    const text = await clerk.list({ order_by: '+created_at', limit: PAGE, ...window, ...cursor });
    const users = JSON.parse(text);
    for (const { id } of users) ids.push(id);
    if (users.length < PAGE) return ids;
  }
}

/** @returns bounds of creation times that hold about as many users each. */
export async function windowsOf(clerk, count) {
  if (count === 1) return [{}];
  const starts = [];
  for (let window = 1; window < count; window++) {
    const offset = Math.floor((window * clerk.users) / count);
    const [user] = JSON.parse(await clerk.list({ order_by: '+created_at', limit: 1, offset }));
    starts.push(user.created_at);
  }
  // Both bounds are exclusive.
  return Array.from({ length: count }, (_, at) => ({
    ...(at === 0 ? {} : { created_at_after: starts[at - 1] - 1 }),
    ...(at === count - 1 ? {} : { created_at_before: starts[at] }),
  }));
}
