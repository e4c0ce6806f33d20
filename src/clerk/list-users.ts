import { failure } from '../failures.js';
import type { JsonObject } from '../user-change.js';
import type { ClerkApi } from './clerk-api.js';

/** Clerk's largest page; asked for more, it answers 10 without a word. */
export const LARGEST_PAGE = 500;
/** How many ids one list request may name. */
export const MOST_IDS = 100;

/** Users created from `fromMs` up to and without `toMs`; Unix milliseconds, null for no bound. */
export interface CreationWindow {
  fromMs: number | null;
  toMs: number | null;
}

export type UserSelection =
  /** The page after a user in order of creation: the only order whose cursor neither skips nor repeats. */
  | { by: 'creation'; window: CreationWindow; afterUserId: string | null; limit: number }
  /** Newest change first. Rows shift while one reads, so it finds what changed but never what is gone. */
  | { by: 'update'; offset: number; limit: number }
  | { by: 'id'; ids: readonly string[] };

export interface UserPage {
  users: JsonObject[];
  observedAtMs: number;
}

export interface ListedUsers extends UserPage {
  /** Of the answer as it came. */
  digest: string;
}

/** A page as it was before. */
export interface EarlierPage {
  digest: string;
  /** Whether an answer that is the same to the byte need not be looked at. */
  holds: Promise<boolean>;
}

/**
 * Lists users by the Backend API itself: the SDK's getUserList spends two requests a page and does not type the cursor.
 *
 * @param earlier of the same selection.
 * @returns the page; `earlier` itself if it holds and the answer is the same; or `cursor-refused` when Clerk does not accept the user
 *   to start after (it may be deleted by now).
 * @throws what {@link ClerkApi.get} throws, and CLERK_ANSWER_UNUSABLE when the body is no list of users.
 * @see https://clerk.com/docs/reference/backend-api/tag/users
 */
export async function listUsers<Earlier extends EarlierPage = never>(
  api: ClerkApi,
  selection: UserSelection,
  signal?: AbortSignal,
  earlier?: Earlier,
): Promise<ListedUsers | Earlier | 'cursor-refused'> {
  const query = queryOf(selection);
  const isKnown = earlier && ((digest: string) => digest === earlier.digest && earlier.holds);
  const { status, body, digest, observedAtMs } = await api.get('/users', query, signal, isKnown);
  if (status !== 200) {
    if (query.has('starting_after')) return 'cursor-refused';
    throw failure('CLERK_REQUEST_REFUSED', `GET /users: status ${status}.`);
  }
  if (earlier && body === undefined) return earlier;
  const most = Number(query.get('limit'));
  if (!Array.isArray(body) || body.length > most || !body.every(isUser)) {
    throw failure('CLERK_ANSWER_UNUSABLE', 'GET /users: not a list of at most as many users as asked for.');
  }
  return { users: body, observedAtMs, digest };
}

function queryOf(selection: UserSelection): URLSearchParams {
  switch (selection.by) {
    case 'creation': {
      const query = new URLSearchParams({ order_by: '+created_at', limit: `${selection.limit}` });
      const { fromMs, toMs } = selection.window;
      // Clerk does not say whether its bounds belong to the range: one millisecond more misses nobody either way.
      if (fromMs !== null) query.set('created_at_after', `${fromMs - 1}`);
      if (toMs !== null) query.set('created_at_before', `${toMs}`);
      if (selection.afterUserId !== null) query.set('starting_after', selection.afterUserId);
      return query;
    }
    case 'update':
      return new URLSearchParams({
        order_by: '-updated_at',
        limit: `${selection.limit}`,
        offset: `${selection.offset}`,
      });
    case 'id': {
      const query = new URLSearchParams({ limit: `${MOST_IDS}` });
      for (const id of selection.ids) query.append('user_id', id);
      return query;
    }
  }
}

const isUser = (value: unknown): value is JsonObject =>
  typeof value === 'object' &&
  value !== null &&
  'object' in value &&
  value.object === 'user' &&
  'id' in value &&
  typeof value.id === 'string';
