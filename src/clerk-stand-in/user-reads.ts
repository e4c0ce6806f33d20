import { ListParameters } from './list-parameters.js';
import { countUsers, type DeletedCursor, listUsers } from './list-users.js';
import { renderUser } from './render-user.js';
import type { ClerkUserJson } from './user-json.js';
import type { UserStore } from './user-store.js';

interface UserReadsDeps {
  readonly store: UserStore;
  readonly now: () => number;
  readonly deletedCursor: () => DeletedCursor;
}

/** What can be asked about users. An answer is of the moment it was asked for, whole pages too. */
export class UserReads {
  readonly #deps: UserReadsDeps;

  constructor(deps: UserReadsDeps) {
    this.#deps = deps;
  }

  /** @param query as after the `?` of GET /users/count; without one, the number of users */
  count(query: string | URLSearchParams = ''): number {
    return countUsers(this.#deps.store, new ListParameters(new URLSearchParams(query)));
  }

  /**
   * GET /users.
   * @param query as after its `?`: `limit=500&order_by=created_at`
   * @throws ClerkError 404 and 422, where Clerk would
   */
  list(query: string | URLSearchParams = ''): ClerkUserJson[] {
    const { store, now, deletedCursor } = this.#deps;
    const nowMs = now();
    const page = listUsers(store, new ListParameters(new URLSearchParams(query)), deletedCursor());
    return page.map((record) => renderUser(record, nowMs));
  }

  /** @returns every user's id, oldest first */
  ids(): string[] {
    const ids: string[] = [];
    this.#deps.store.byCreation.walk(0, false, (record) => ids.push(record.id) > 0);
    return ids;
  }

  /** @param rank from 0, the oldest */
  at(rank: number): ClerkUserJson | undefined {
    const { store, now } = this.#deps;
    const record = store.byCreation.at(rank);
    return record && renderUser(record, now());
  }

  /** @throws ClerkError 404 */
  get(id: string): ClerkUserJson {
    return renderUser(this.#deps.store.mustGet(id), this.#deps.now());
  }

  has(id: string): boolean {
    return this.#deps.store.get(id) !== undefined;
  }
}
