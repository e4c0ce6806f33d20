// Over 150 lines because it is the whole list of what can happen to a user: each operation is a few lines, and
// the rule that each one bumps `updated_at` and emits its webhook stands here once.
import { ClerkError } from './clerk-error.js';
import { createUser } from './create-user.js';
import type { DeletedCursor } from './list-users.js';
import { mergeMetadata, storedMetadata } from './metadata.js';
import { renderEmail } from './render-identifications.js';
import { renderUser } from './render-user.js';
import type { SessionJson, SessionStore } from './session-store.js';
import { updateUser } from './update-user.js';
import {
  type CreateEmailBody,
  type CreateUserBody,
  createEmailBody,
  createUserBody,
  type MetadataBody,
  metadataBody,
  parseBody,
  type UpdateEmailBody,
  type UpdateUserBody,
  updateEmailBody,
  updateUserBody,
} from './user-bodies.js';
import { withChangedEmail, withNewEmail, withoutEmail } from './user-emails.js';
import { emailsOf } from './user-identifications.js';
import type { ClerkUserJson, DeletedUserJson, EmailAddressJson } from './user-json.js';
import { UserReads } from './user-reads.js';
import { EMPTY_METADATA, type RareParts, type UserRecord } from './user-record.js';
import type { UserStore } from './user-store.js';
import type { EventType, RequestOrigin } from './webhook-message.js';

const DAY_MS = 86_400_000;
const LOCK_MS = 3_600_000;

export interface UserOperationsDeps {
  readonly store: UserStore;
  readonly sessions: SessionStore;
  readonly now: () => number;
  readonly emit: (type: EventType, data: object, timestampMs: number, origin?: RequestOrigin) => void;
  readonly deletedCursor: () => DeletedCursor;
}

/**
 * Everything that can be done to users, the same whether it came over HTTP or through the handle: bodies are in
 * Clerk's own words, refusals are ClerkErrors, and each change emits its webhook.
 */
export class UserOperations extends UserReads {
  readonly #deps: UserOperationsDeps;

  constructor(deps: UserOperationsDeps) {
    super(deps);
    this.#deps = deps;
  }

  createUser(body: CreateUserBody, origin?: RequestOrigin): ClerkUserJson {
    const record = createUser(parseBody(createUserBody, body), this.#deps.now());
    this.#deps.store.insert(record);
    return this.#announce('user.created', record, origin);
  }

  /** PATCH /users/{id}, metadata included, as in API versions before 2026-05-12. */
  updateUser(id: string, body: UpdateUserBody, origin?: RequestOrigin): ClerkUserJson {
    const record = this.#deps.store.mustGet(id);
    return this.#change(
      record,
      updateUser(record, parseBody(updateUserBody, body), this.#deps.now()),
      origin,
    );
  }

  deleteUser(id: string, origin?: RequestOrigin): DeletedUserJson {
    const { store, sessions, now, emit } = this.#deps;
    const record = store.mustGet(id);
    store.remove(record);
    sessions.deleteAllOf(id);
    const deleted: DeletedUserJson = { object: 'user', id, deleted: true };
    const data = record.externalId === null ? deleted : { ...deleted, external_id: record.externalId };
    emit('user.deleted', data, Math.max(now(), record.updatedAtMs + 1), origin);
    return deleted;
  }

  banUser(id: string, origin?: RequestOrigin): ClerkUserJson {
    this.#deps.sessions.revokeAllOf(id, this.#deps.now());
    return this.#change(this.#deps.store.mustGet(id), { banned: true }, origin);
  }

  unbanUser(id: string, origin?: RequestOrigin): ClerkUserJson {
    return this.#change(this.#deps.store.mustGet(id), { banned: false }, origin);
  }

  /** Locks for an hour; the lock then ends by the clock, without a write or a webhook. */
  lockUser(id: string, origin?: RequestOrigin): ClerkUserJson {
    return this.#changeRare(id, { lock: { untilMs: this.#deps.now() + LOCK_MS } }, origin);
  }

  unlockUser(id: string, origin?: RequestOrigin): ClerkUserJson {
    const { lock: _lock, ...rare } = this.#deps.store.mustGet(id).rare;
    return this.#change(this.#deps.store.mustGet(id), { rare }, origin);
  }

  /** PATCH /users/{id}/metadata: a deep merge, null removes. */
  mergeMetadata(id: string, body: MetadataBody, origin?: RequestOrigin): ClerkUserJson {
    const change = parseBody(metadataBody, body);
    const record = this.#deps.store.mustGet(id);
    const { privateMetadata = EMPTY_METADATA, unsafeMetadata = EMPTY_METADATA } = record.rare;
    const merged = {
      public_metadata: mergeMetadata(record.publicMetadata, change.public_metadata ?? {}),
      private_metadata: mergeMetadata(privateMetadata, change.private_metadata ?? {}),
      unsafe_metadata: mergeMetadata(unsafeMetadata, change.unsafe_metadata ?? {}),
    };
    return this.replaceMetadata(id, merged, origin);
  }

  /** PUT /users/{id}/metadata: replaces those of the three that were sent. */
  replaceMetadata(id: string, body: MetadataBody, origin?: RequestOrigin): ClerkUserJson {
    const { public_metadata, private_metadata, unsafe_metadata } = parseBody(metadataBody, body);
    const record = this.#deps.store.mustGet(id);
    const rare: RareParts = {
      ...record.rare,
      ...(private_metadata ? { privateMetadata: storedMetadata('private_metadata', private_metadata) } : {}),
      ...(unsafe_metadata ? { unsafeMetadata: storedMetadata('unsafe_metadata', unsafe_metadata) } : {}),
    };
    const publicPart = public_metadata
      ? { publicMetadata: storedMetadata('public_metadata', public_metadata) }
      : {};
    return this.#change(record, { ...publicPart, rare }, origin);
  }

  addEmailAddress(body: CreateEmailBody, origin?: RequestOrigin): EmailAddressJson {
    const { user_id, email_address, ...flags } = parseBody(createEmailBody, body);
    const record = this.#deps.store.mustGet(user_id);
    const { email, rare } = withNewEmail(record, email_address, flags, this.#deps.now());
    this.#change(record, { rare }, origin);
    return renderEmail(email);
  }

  getEmailAddress(id: string): EmailAddressJson {
    const email = emailsOf(this.#ownerOfEmail(id)).find((candidate) => candidate.id === id);
    if (!email) throw ClerkError.notFound('email address', id);
    return renderEmail(email);
  }

  updateEmailAddress(id: string, body: UpdateEmailBody, origin?: RequestOrigin): EmailAddressJson {
    const record = this.#ownerOfEmail(id);
    const rare = withChangedEmail(record, id, parseBody(updateEmailBody, body), this.#deps.now());
    this.#change(record, { rare }, origin);
    return this.getEmailAddress(id);
  }

  deleteEmailAddress(
    id: string,
    origin?: RequestOrigin,
  ): { object: 'email_address'; id: string; deleted: true } {
    const record = this.#ownerOfEmail(id);
    this.#change(record, { rare: withoutEmail(record, id) }, origin);
    return { object: 'email_address', id, deleted: true };
  }

  /** A directory (SCIM) put the user away: Clerk sends `user.updated` with `deprovisioned`, not `user.deleted`. */
  deprovisionUser(id: string, origin?: RequestOrigin): ClerkUserJson {
    this.#deps.sessions.revokeAllOf(id, this.#deps.now());
    return this.#changeRare(id, { deprovisioned: true }, origin);
  }

  /**
   * A sign-in: moves `last_sign_in_at`, `last_active_at` (day precision) and `updated_at`; emits `session.created`
   * with the user in it, and `user.updated`.
   * @throws ClerkError 404, or 403 for a banned or locked user
   */
  signIn(id: string, origin?: RequestOrigin): SessionJson {
    const { store, sessions, now, emit } = this.#deps;
    const record = store.mustGet(id);
    const nowMs = now();
    const { banned, locked } = renderUser(record, nowMs);
    if (banned || locked) {
      const message = `The user is ${banned ? 'banned' : 'locked'}.`;
      throw new ClerkError(403, {
        message,
        long_message: message,
        code: banned ? 'user_banned' : 'user_locked',
      });
    }
    const session = sessions.create(id, nowMs);
    this.#bump(record, { lastSignInAtMs: nowMs, lastActiveDay: Math.floor(nowMs / DAY_MS) });
    const timestampMs = Math.max(now(), record.updatedAtMs);
    emit('session.created', { ...session, user: renderUser(record, nowMs, true) }, timestampMs, origin);
    this.#announce('user.updated', record, origin);
    return session;
  }

  /** @throws ClerkError 404 */
  revokeSession(id: string, origin?: RequestOrigin): SessionJson {
    const { store, sessions, now, emit } = this.#deps;
    const session = sessions.revoke(id, now());
    const user = store.get(session.user_id);
    const rendered = user ? renderUser(user, now(), true) : null;
    emit('session.revoked', { ...session, user: rendered }, now(), origin);
    return session;
  }

  #ownerOfEmail(id: string): UserRecord {
    const { store } = this.#deps;
    const record = store.owner('identification_id', id) ?? store.get(id.replace('idn_', 'user_'));
    if (!record || !emailsOf(record).some((email) => email.id === id))
      throw ClerkError.notFound('email address', id);
    return record;
  }

  #changeRare(id: string, rare: RareParts, origin?: RequestOrigin): ClerkUserJson {
    const record = this.#deps.store.mustGet(id);
    return this.#change(record, { rare: { ...record.rare, ...rare } }, origin);
  }

  #change(record: UserRecord, patch: Partial<UserRecord>, origin?: RequestOrigin): ClerkUserJson {
    this.#bump(record, patch);
    return this.#announce('user.updated', record, origin);
  }

  /** Clerk's database takes milliseconds a write, so no two states of one user share an `updated_at`; nor here. */
  #bump(record: UserRecord, patch: Partial<UserRecord>): void {
    const updatedAtMs = Math.max(this.#deps.now(), record.updatedAtMs + 1);
    this.#deps.store.change(record, { ...patch, updatedAtMs });
  }

  #announce(
    type: 'user.created' | 'user.updated',
    record: UserRecord,
    origin?: RequestOrigin,
  ): ClerkUserJson {
    const nowMs = this.#deps.now();
    this.#deps.emit(type, renderUser(record, nowMs, true), Math.max(nowMs, record.updatedAtMs), origin);
    return renderUser(record, nowMs);
  }
}
