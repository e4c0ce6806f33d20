import { ClerkError } from './clerk-error.js';
import { ShardedMap } from './sharded-map.js';
import { SortedIndex } from './sorted-index.js';
import { emailsOf, phonesOf, walletsOf } from './user-identifications.js';
import type { UserRecord } from './user-record.js';

type UniqueField =
  | 'email_address'
  | 'phone_number'
  | 'web3_wallet'
  | 'username'
  | 'external_id'
  | 'identification_id';

const KEPT_DELETIONS = 100_000;

/**
 * The users, their two sorted indexes and what is unique per instance. Every change is synchronous, so whoever reads
 * between two awaits sees one moment.
 */
export class UserStore {
  readonly byCreation = new SortedIndex((record) => record.createdAtMs);
  readonly byUpdate = new SortedIndex((record) => record.updatedAtMs);
  /** Where the latest deleted users stood, for a cursor that outlived its user. */
  readonly deletedAt = new Map<string, number>();
  /** Grows with every change; tells the saver that there is something to save. */
  changes = 0;
  readonly #byId = new ShardedMap<UserRecord>();
  readonly #owners: Record<UniqueField, ShardedMap<UserRecord>> = {
    email_address: new ShardedMap(),
    phone_number: new ShardedMap(),
    web3_wallet: new ShardedMap(),
    username: new ShardedMap(),
    external_id: new ShardedMap(),
    identification_id: new ShardedMap(),
  };

  get size(): number {
    return this.byCreation.size;
  }

  get(id: string): UserRecord | undefined {
    return this.#byId.get(id);
  }

  /** @throws ClerkError 404 `resource_not_found` */
  mustGet(id: string): UserRecord {
    const record = this.#byId.get(id);
    if (!record) throw ClerkError.notFound('user', id);
    return record;
  }

  /** @param value compared without regard to case, except external and identification ids */
  owner(field: UniqueField, value: string): UserRecord | undefined {
    const exact = field === 'external_id' || field === 'identification_id';
    return this.#owners[field].get(exact ? value : value.toLowerCase());
  }

  records(): Iterable<UserRecord> {
    return this.#byId.values();
  }

  /** Adds many at once, at a start: their uniqueness is the caller's concern. */
  load(records: UserRecord[]): void {
    for (const record of records) {
      this.#byId.set(record.id, record);
      for (const [field, value] of uniqueKeys(record)) this.#owners[field].set(value, record);
    }
    this.byCreation.load(records);
    this.byUpdate.load(records);
    this.changes++;
  }

  /** @throws ClerkError 422 `form_identifier_exists` */
  insert(record: UserRecord): void {
    const keys = uniqueKeys(record);
    this.#requireFree(keys, undefined);
    for (const [field, value] of keys) this.#owners[field].set(value, record);
    this.#byId.set(record.id, record);
    this.byCreation.insert(record);
    this.byUpdate.insert(record);
    this.changes++;
  }

  /**
   * Applies a patch to a user, all of it or nothing.
   * @throws ClerkError 422 `form_identifier_exists`
   */
  change(record: UserRecord, patch: Partial<UserRecord>): void {
    const before = uniqueKeys(record);
    const after = uniqueKeys({ ...record, ...patch });
    this.#requireFree(after, record);
    const moved = patch.createdAtMs !== undefined && patch.createdAtMs !== record.createdAtMs;
    if (moved) this.byCreation.remove(record);
    this.byUpdate.remove(record);
    Object.assign(record, patch);
    if (moved) this.byCreation.insert(record);
    this.byUpdate.insert(record);
    const kept = new Set(after.map(String));
    for (const key of before) if (!kept.has(String(key))) this.#owners[key[0]].delete(key[1]);
    for (const [field, value] of after) this.#owners[field].set(value, record);
    this.changes++;
  }

  remove(record: UserRecord): void {
    this.byCreation.remove(record);
    this.byUpdate.remove(record);
    this.#byId.delete(record.id);
    for (const [field, value] of uniqueKeys(record)) this.#owners[field].delete(value);
    this.deletedAt.set(record.id, record.createdAtMs);
    const oldest = this.deletedAt.size > KEPT_DELETIONS ? this.deletedAt.keys().next() : undefined;
    if (oldest && !oldest.done) this.deletedAt.delete(oldest.value);
    this.changes++;
  }

  #requireFree(keys: readonly UniqueKey[], except: UserRecord | undefined): void {
    for (const [field, value] of keys) {
      const owner = this.#owners[field].get(value);
      if (owner && owner !== except) throw ClerkError.taken(field);
    }
  }
}

type UniqueKey = readonly [UniqueField, string];

function uniqueKeys(record: UserRecord): UniqueKey[] {
  const keys: UniqueKey[] = [];
  if (record.username !== null) keys.push(['username', record.username.toLowerCase()]);
  if (record.externalId !== null) keys.push(['external_id', record.externalId]);
  if (record.email !== null && !record.rare.emails) keys.push(['email_address', record.email.toLowerCase()]);
  if (record.rare.emails) {
    for (const { id, address } of emailsOf(record)) {
      keys.push(['email_address', address.toLowerCase()], ['identification_id', id]);
    }
  }
  for (const { number } of phonesOf(record)) keys.push(['phone_number', number]);
  for (const { address } of walletsOf(record)) keys.push(['web3_wallet', address.toLowerCase()]);
  return keys;
}
