import { ClerkError } from './clerk-error.js';
import { newId } from './new-id.js';

const WEEK_MS = 604_800_000;
const MONTH_MS = 2_592_000_000;
const MAX_SESSIONS = 100_000;

export interface SessionJson {
  readonly object: 'session';
  readonly id: string;
  readonly user_id: string;
  readonly client_id: string;
  readonly actor: null;
  readonly status: 'active' | 'revoked';
  readonly last_active_organization_id: null;
  readonly last_active_at: number;
  readonly expire_at: number;
  readonly abandon_at: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** The latest 100,000 sessions: Clerk purges old ones too. */
export class SessionStore {
  readonly #byId = new Map<string, SessionJson>();

  get size(): number {
    return this.#byId.size;
  }

  create(userId: string, nowMs: number): SessionJson {
    const session: SessionJson = {
      object: 'session',
      id: newId('sess_', nowMs),
      user_id: userId,
      client_id: newId('client_', nowMs),
      actor: null,
      status: 'active',
      last_active_organization_id: null,
      last_active_at: nowMs,
      expire_at: nowMs + WEEK_MS,
      abandon_at: nowMs + MONTH_MS,
      created_at: nowMs,
      updated_at: nowMs,
    };
    const oldest = this.#byId.size >= MAX_SESSIONS ? this.#byId.keys().next() : undefined;
    if (oldest && !oldest.done) this.#byId.delete(oldest.value);
    this.#byId.set(session.id, session);
    return session;
  }

  /** @throws ClerkError 404 */
  mustGet(id: string): SessionJson {
    const session = this.#byId.get(id);
    if (!session) throw ClerkError.notFound('session', id);
    return session;
  }

  /** @throws ClerkError 404; 422 when it was revoked or has expired */
  mustGetActive(id: string, nowMs: number): SessionJson {
    const session = this.mustGet(id);
    if (session.status === 'active' && session.expire_at > nowMs) return session;
    throw ClerkError.invalid('session_id', `Session ${id} is not active any more.`, 'session_not_active');
  }

  /** @throws ClerkError 404 */
  revoke(id: string, nowMs: number): SessionJson {
    const session: SessionJson = { ...this.mustGet(id), status: 'revoked', updated_at: nowMs };
    this.#byId.set(id, session);
    return session;
  }

  revokeAllOf(userId: string, nowMs: number): void {
    for (const session of this.#byId.values()) {
      if (session.user_id === userId && session.status === 'active') this.revoke(session.id, nowMs);
    }
  }

  deleteAllOf(userId: string): void {
    for (const session of this.#byId.values()) if (session.user_id === userId) this.#byId.delete(session.id);
  }
}
