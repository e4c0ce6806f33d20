import { ClerkError } from './clerk-error.js';
import type { ListParameters } from './list-parameters.js';
import { emailsOf, phonesOf, walletsOf } from './user-identifications.js';
import type { UserRecord } from './user-record.js';
import type { UserStore } from './user-store.js';

type Test = (record: UserRecord) => boolean;

const DAY_MS = 86_400_000;

export interface UserFilter {
  /** The only users that can match, when ids or other unique values were asked for. */
  readonly candidates: readonly UserRecord[] | undefined;
  /** Exclusive bounds of `created_at`, apart from `tests` because an index answers them. */
  readonly createdAfterMs: number;
  readonly createdBeforeMs: number;
  readonly tests: readonly Test[];
}

/** @throws ClerkError 422 for a parameter that Clerk would refuse */
export function userFilter(parameters: ListParameters, store: UserStore): UserFilter {
  const tests: Test[] = [];
  const candidates = new Candidates();
  const unique = [
    ['email_address', 'email_address'],
    ['phone_number', 'phone_number'],
    ['username', 'username'],
    ['web3_wallet', 'web3_wallet'],
  ] as const;
  for (const [name, field] of unique) {
    const values = parameters.values(name);
    if (values.length > 0)
      candidates.keep(values.map((value) => store.owner(field, value.replace(/^ /, '+'))));
  }
  const ids = parameters.signedValues('user_id');
  if (ids.include.length > 0) candidates.keep(ids.include.map((id) => store.get(id)));
  exclude(tests, ids.exclude, (record) => [record.id]);
  const externalIds = parameters.signedValues('external_id');
  if (externalIds.include.length > 0) {
    candidates.keep(externalIds.include.map((id) => store.owner('external_id', id)));
  }
  exclude(tests, externalIds.exclude, (record) => (record.externalId === null ? [] : [record.externalId]));
  const organizations = parameters.signedValues('organization_id');
  if (organizations.include.length > 0) {
    tests.push((record) => organizations.include.some((id) => record.rare.organizationIds?.includes(id)));
  }
  exclude(tests, organizations.exclude, (record) => record.rare.organizationIds ?? []);
  const banned = parameters.boolean('banned');
  if (banned !== undefined) tests.push((record) => record.banned === banned);
  addPartialMatches(parameters, tests);
  addTimes(parameters, tests);
  addProvider(parameters, tests);
  return {
    candidates: candidates.list(),
    createdAfterMs: parameters.integer('created_at_after') ?? -Infinity,
    createdBeforeMs: parameters.integer('created_at_before') ?? Infinity,
    tests,
  };
}

/** The users that every list of unique values so far has named. */
class Candidates {
  #kept: Set<UserRecord> | undefined;

  keep(found: readonly (UserRecord | undefined)[]): void {
    const records = found.filter((record) => record !== undefined);
    this.#kept = new Set(records.filter((record) => this.#kept?.has(record) ?? true));
  }

  list(): readonly UserRecord[] | undefined {
    return this.#kept && [...this.#kept];
  }
}

function exclude(
  tests: Test[],
  values: readonly string[],
  own: (record: UserRecord) => readonly string[],
): void {
  const refused = new Set(values);
  if (refused.size > 0) tests.push((record) => !own(record).some((value) => refused.has(value)));
}

function addPartialMatches(parameters: ListParameters, tests: Test[]): void {
  const emails = (record: UserRecord) => emailsOf(record).map((email) => email.address);
  const phones = (record: UserRecord) => phonesOf(record).map((phone) => phone.number);
  const names = (record: UserRecord) => [
    record.firstName,
    record.lastName,
    `${record.firstName ?? ''} ${record.lastName ?? ''}`,
  ];
  const everything = (record: UserRecord) => [
    record.id,
    record.username,
    ...emails(record),
    ...phones(record),
    ...walletsOf(record).map((wallet) => wallet.address),
    ...names(record),
  ];
  const partial = (name: string, textsOf: (record: UserRecord) => readonly (string | null)[]) => {
    const wanted = parameters.first(name)?.toLowerCase();
    if (wanted) tests.push((record) => textsOf(record).some((text) => text?.toLowerCase().includes(wanted)));
  };
  partial('query', everything);
  partial('email_address_query', emails);
  partial('phone_number_query', phones);
  partial('username_query', (record) => [record.username]);
  partial('name_query', names);
}

/** All bounds are exclusive; a user without the time matches neither side. */
function addTimes(parameters: ListParameters, tests: Test[]): void {
  const bounds = (name: string, timeOf: (record: UserRecord) => number | null) => {
    const afterMs = parameters.integer(`${name}_after`);
    const beforeMs = parameters.integer(`${name}_before`);
    if (afterMs !== undefined) tests.push((record) => (timeOf(record) ?? -Infinity) > afterMs);
    if (beforeMs !== undefined) tests.push((record) => (timeOf(record) ?? Infinity) < beforeMs);
  };
  const lastActiveMs = (record: UserRecord) =>
    record.lastActiveDay === null ? null : record.lastActiveDay * DAY_MS;
  bounds('last_active_at', lastActiveMs);
  bounds('last_sign_in_at', (record) => record.lastSignInAtMs);
  const sinceMs = parameters.integer('last_active_at_since');
  if (sinceMs !== undefined) tests.push((record) => (lastActiveMs(record) ?? -Infinity) >= sinceMs);
}

function addProvider(parameters: ListParameters, tests: Test[]): void {
  const provider = parameters.first('provider');
  const providerUserIds = parameters.values('provider_user_id');
  if (provider === undefined && providerUserIds.length === 0) return;
  if (provider === undefined || providerUserIds.length === 0) {
    throw ClerkError.invalid('provider', 'provider and provider_user_id must be used together.');
  }
  const name = provider.replace(/^oauth_/, '');
  tests.push((record) =>
    (record.rare.externalAccounts ?? []).some(
      (account) => account.provider === `oauth_${name}` && providerUserIds.includes(account.providerUserId),
    ),
  );
}
