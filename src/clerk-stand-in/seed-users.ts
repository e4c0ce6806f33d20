import { newId } from './new-id.js';
import { seededRandom } from './seeded-random.js';
import {
  EMPTY_METADATA,
  type JsonObject,
  NO_RARE_PARTS,
  type RareParts,
  type UserRecord,
} from './user-record.js';

const FIRST_NAMES =
  'Ada Alan Barbara Claude Donald Edsger Frances Grace Hedy Ivan Joan Katherine Leslie Margaret Niklaus'
    .concat(' Olga Peter Radia Sophie Tim Ulla Vint Wang Xu Yukihiro Zoë')
    .split(' ');
const LAST_NAMES =
  'Lovelace Turing Liskov Shannon Knuth Dijkstra Allen Hopper Lamarr Sutherland Clarke Johnson Lamport'
    .concat(
      ' Hamilton Wirth Ladyzhenskaya Naur Perlman Wilson Berners-Lee Franke Cerf Xiaoyun Li Matsumoto Curie',
    )
    .split(' ');
const PUBLIC_METADATA: readonly JsonObject[] = [
  { plan: 'free' },
  { plan: 'pro', seats: 3 },
  { plan: 'team', seats: 12 },
];

const START_MS = Date.UTC(2023, 0, 1);
const END_MS = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;

interface Person {
  readonly rank: number;
  readonly address: string;
  readonly createdAtMs: number;
  readonly id: (prefix: string) => string;
}

/**
 * The uncommon kinds of user, by their rank from the newest modulo 40: the first 40 users show them all. None of the
 * ten newest has `verification: null`, which Clerk sends although its published schema does not allow it.
 */
const KINDS: Readonly<Record<number, (person: Person) => { email?: null; banned?: true; rare?: RareParts }>> =
  {
    2: (person) => ({ email: null, rare: googleUser(person) }),
    5: (person) => ({ email: null, rare: manyAddresses(person) }),
    8: () => ({ email: null }),
    11: (person) => ({ email: null, rare: oneAddress(person, 'unverified') }),
    14: (person) => ({ rare: onePhone(person) }),
    17: (person) => ({ email: null, rare: oneAddress(person, 'reserved') }),
    20: () => ({ banned: true }),
    23: () => ({ rare: { lock: { untilMs: null } } }),
    26: (person) => ({ rare: { scim: { directory_id: 'dir_standin', external_id: `scim-${person.rank}` } } }),
    29: ({ rank }) => ({
      rare: { privateMetadata: { crmId: rank }, unsafeMetadata: { theme: 'dark' }, locale: 'pt-BR' },
    }),
    32: (person) => ({ email: null, rare: onePhone(person) }),
    35: ({ createdAtMs }) => ({
      rare: { passwordSetAtMs: createdAtMs, totpEnabled: true, mfaEnabledAtMs: createdAtMs },
    }),
  };

/**
 * Users that were there before anything ran, so without webhooks: created in 2023 and 2024, some in the same
 * millisecond as others, of every kind that a sync must cope with.
 * @returns the same users for the same count and seed, newest first
 */
export function seedUsers(count: number, seed: number): UserRecord[] {
  const random = seededRandom(seed);
  const stepMs = (END_MS - START_MS) / count;
  return Array.from({ length: count }, (_, rank) => {
    const step = rank % 50 === 49 ? rank : rank + 1;
    return seedUser(rank, Math.floor(END_MS - step * stepMs), random);
  });
}

function seedUser(rank: number, createdAtMs: number, random: () => number): UserRecord {
  const firstName = FIRST_NAMES[Math.floor(random() * FIRST_NAMES.length)] ?? null;
  const lastName = LAST_NAMES[Math.floor(random() * LAST_NAMES.length)] ?? null;
  const handle = `${firstName}.${lastName}.${rank.toString(36)}`.toLowerCase().replaceAll(/[^\w.]/g, '');
  const person = {
    rank,
    address: `${handle}@example.com`,
    createdAtMs,
    id: (p: string) => newId(p, createdAtMs, random),
  };
  const kind = KINDS[rank % 40]?.(person);
  const signedInAtMs = random() < 0.8 ? createdAtMs + Math.floor(random() * (END_MS - createdAtMs)) : null;
  return {
    id: newId('user_', createdAtMs, random),
    createdAtMs,
    updatedAtMs: (signedInAtMs ?? createdAtMs) + 30,
    lastSignInAtMs: signedInAtMs,
    lastActiveDay: signedInAtMs === null ? null : Math.floor(signedInAtMs / DAY_MS),
    firstName,
    lastName,
    username: rank % 40 === 8 || rank % 5 === 1 ? flat(handle.replaceAll('.', '_')) : null,
    externalId: rank % 6 === 3 ? flat(`crm-${rank}`) : null,
    email: kind?.email === null ? null : flat(person.address),
    banned: kind?.banned ?? false,
    publicMetadata: PUBLIC_METADATA[rank % 5] ?? EMPTY_METADATA,
    rare: kind?.rare ?? NO_RARE_PARTS,
  };
}

/** A joined string keeps its parts alive, which a million users would notice. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

const times = ({ createdAtMs }: Person) => ({ createdAtMs, updatedAtMs: createdAtMs });

function oneAddress(person: Person, status: 'unverified' | 'reserved'): RareParts {
  const id = person.id('idn_');
  const email = { id, address: person.address, status, strategy: 'email_code' as const, ...times(person) };
  return { emails: [email], primaryEmailId: id };
}

/** The primary address is the last of three, behind a secondary that is not verified. */
function manyAddresses(person: Person): RareParts {
  const addresses = [`work.${person.address}`, `old.${person.address}`, person.address];
  const emails = addresses.map((address, at) => ({
    id: person.id('idn_'),
    address,
    status: at === 1 ? ('unverified' as const) : ('verified' as const),
    strategy: 'email_code' as const,
    ...times(person),
  }));
  return { emails, primaryEmailId: emails[2]?.id ?? null };
}

function googleUser(person: Person): RareParts {
  const account = {
    id: person.id('eac_'),
    provider: 'oauth_google' as const,
    providerUserId: `10${String(person.rank).padStart(19, '0')}`,
    email: person.address,
    createdAtMs: person.createdAtMs,
  };
  const linkedTo = account.id.replace('eac_', 'idn_');
  const status = 'verified' as const;
  const strategy = 'from_oauth_google' as const;
  const email = {
    id: person.id('idn_'),
    address: person.address,
    status,
    strategy,
    linkedTo,
    ...times(person),
  };
  return { emails: [email], primaryEmailId: email.id, externalAccounts: [account] };
}

function onePhone(person: Person): RareParts {
  const id = person.id('idn_');
  const number = `+1555${String(person.rank).padStart(7, '0')}`;
  return { phones: [{ id, number, status: 'verified', ...times(person) }], primaryPhoneId: id };
}
