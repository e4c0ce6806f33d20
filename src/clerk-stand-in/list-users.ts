import { ClerkError } from './clerk-error.js';
import type { ListParameters } from './list-parameters.js';
import type { SortedIndex } from './sorted-index.js';
import { type UserFilter, userFilter } from './user-filter.js';
import { type UserOrder, userOrder } from './user-order.js';
import type { UserRecord } from './user-record.js';
import type { UserStore } from './user-store.js';

/**
 * What a cursor means whose user was deleted since. Clerk does not say; `continue` goes on where the user stood.
 */
export type DeletedCursor = 'not_found' | 'unprocessable' | 'empty' | 'from_start' | 'continue';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 500;

/**
 * GET /users.
 * @throws ClerkError 422 for parameters that Clerk refuses, 404 for an unknown cursor
 */
export function listUsers(
  store: UserStore,
  parameters: ListParameters,
  deletedCursor: DeletedCursor,
): UserRecord[] {
  const filter = userFilter(parameters, store);
  const order = userOrder(parameters.first('order_by'));
  const limit = pageLimit(parameters);
  const offset = parameters.integer('offset') ?? 0;
  if (offset < 0) throw ClerkError.invalid('offset', 'offset must be 0 or greater.');
  const cursor = startingAfter(store, parameters, order, offset, deletedCursor);
  if (cursor === 'empty') return [];
  const indexed = order.field === 'created_at' || order.field === 'updated_at';
  if (filter.candidates || !indexed) {
    const source = filter.candidates ?? store.records();
    return firstOf(matching(source, filter, cursor, order), order, offset + limit).slice(offset);
  }
  const index = order.field === 'created_at' ? store.byCreation : store.byUpdate;
  return fromIndex(index, filter, order, cursor, offset, limit);
}

/** GET /users/count: the same filters, neither order nor page. */
export function countUsers(store: UserStore, parameters: ListParameters): number {
  const filter = userFilter(parameters, store);
  if (!filter.candidates && filter.tests.length === 0) {
    const [from, to] = createdRange(store.byCreation, filter);
    return Math.max(0, to - from);
  }
  let count = 0;
  for (const record of filter.candidates ?? store.records()) if (passes(record, filter)) count++;
  return count;
}

/** Out of range falls back to the default without an error: `limit=501` was seen to answer 10 users. */
function pageLimit(parameters: ListParameters): number {
  const limit = parameters.integer('limit') ?? DEFAULT_LIMIT;
  return limit >= 1 && limit <= MAX_LIMIT ? limit : DEFAULT_LIMIT;
}

type Cursor = Pick<UserRecord, 'id' | 'createdAtMs'>;

function startingAfter(
  store: UserStore,
  parameters: ListParameters,
  order: UserOrder,
  offset: number,
  deletedCursor: DeletedCursor,
): Cursor | 'empty' | undefined {
  const id = parameters.first('starting_after');
  if (!id) return undefined;
  if (order.field !== 'created_at') {
    throw ClerkError.invalid(
      'starting_after',
      'starting_after can only be used when ordering by created_at.',
    );
  }
  if (offset !== 0)
    throw ClerkError.invalid('starting_after', 'starting_after cannot be combined with offset.');
  const record = store.get(id);
  if (record) return record;
  const createdAtMs = store.deletedAt.get(id);
  if (deletedCursor === 'unprocessable')
    throw ClerkError.invalid('starting_after', `No user was found with id ${id}.`);
  if (createdAtMs === undefined || deletedCursor === 'not_found') throw ClerkError.notFound('user', id);
  if (deletedCursor === 'empty') return 'empty';
  return deletedCursor === 'continue' ? { id, createdAtMs } : undefined;
}

function fromIndex(
  index: SortedIndex,
  filter: UserFilter,
  { field, descending }: UserOrder,
  cursor: Cursor | undefined,
  offset: number,
  limit: number,
): UserRecord[] {
  let [from, to] = field === 'created_at' ? createdRange(index, filter) : [0, index.size];
  if (cursor) {
    const rank = index.rankOf(cursor.createdAtMs, cursor.id);
    if (descending) to = Math.min(to, rank);
    // '~' follows every character of an id, so this is the rank behind the cursor whether or not it still exists.
    else from = Math.max(from, index.rankOf(cursor.createdAtMs, `${cursor.id}~`));
  }
  const everyUser = filter.tests.length === 0 && field === 'created_at';
  let toSkip = everyUser ? 0 : offset;
  const jump = everyUser ? offset : 0;
  let left = to - from - jump;
  const page: UserRecord[] = [];
  if (left <= 0) return page;
  index.walk(descending ? to - 1 - jump : from + jump, descending, (record) => {
    if (passes(record, filter) && toSkip-- <= 0) page.push(record);
    return page.length < limit && --left > 0;
  });
  return page;
}

function createdRange(index: SortedIndex, filter: UserFilter): [number, number] {
  const from = filter.createdAfterMs === -Infinity ? 0 : index.rankOf(filter.createdAfterMs, '~');
  const to = filter.createdBeforeMs === Infinity ? index.size : index.rankOf(filter.createdBeforeMs, '');
  return [from, to];
}

function passes(record: UserRecord, filter: UserFilter): boolean {
  if (record.createdAtMs <= filter.createdAfterMs || record.createdAtMs >= filter.createdBeforeMs)
    return false;
  return filter.tests.every((test) => test(record));
}

function* matching(
  records: Iterable<UserRecord>,
  filter: UserFilter,
  cursor: Cursor | undefined,
  { descending }: UserOrder,
): Generator<UserRecord> {
  for (const record of records) {
    if (cursor && !isBehind(record, cursor, descending)) continue;
    if (passes(record, filter)) yield record;
  }
}

function isBehind(record: UserRecord, cursor: Cursor, descending: boolean): boolean {
  const difference = record.createdAtMs - cursor.createdAtMs || (record.id < cursor.id ? -1 : 1);
  return record.id !== cursor.id && (descending ? difference < 0 : difference > 0);
}

/** The first `count` in order, without sorting everything: most users are behind the last one kept so far. */
function firstOf(records: Iterable<UserRecord>, { compare }: UserOrder, count: number): UserRecord[] {
  let kept: UserRecord[] = [];
  let last: UserRecord | undefined;
  for (const record of records) {
    if (last && compare(record, last) > 0) continue;
    kept.push(record);
    if (kept.length < count * 4) continue;
    kept = kept.sort(compare).slice(0, count);
    last = kept[count - 1];
  }
  return kept.sort(compare).slice(0, count);
}
