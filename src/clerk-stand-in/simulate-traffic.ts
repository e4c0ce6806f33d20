import { ClerkError } from './clerk-error.js';
import { seededRandom } from './seeded-random.js';
import type { StandIn } from './start-stand-in.js';

export interface TrafficRates {
  readonly signUpsPerMinute?: number;
  readonly editsPerMinute?: number;
  readonly signInsPerMinute?: number;
  readonly deletionsPerMinute?: number;
  /** Of who does what, when. Default 1. */
  readonly seed?: number;
}

const FIRST_NAMES = [
  'Amina',
  'Bram',
  'Chiara',
  'Deniz',
  'Emeka',
  'Freya',
  'Goran',
  'Hana',
  'Ines',
  'Jun',
  'Kofi',
  'Lena',
];
const LAST_NAMES = [
  'Almeida',
  'Bauer',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Garcia',
  'Haddad',
  'Ito',
  'Jansen',
];
const PLANS = ['free', 'pro', 'team'];
const MINUTE_MS = 60_000;

/**
 * Lets made-up people use the application: sign-ups, edits (a new name, a new e-mail made primary, metadata, a ban or
 * its end), sign-ins, deletions, at random moments of the given rates. Each emits its webhooks.
 * @returns `stop`, after which nothing more happens
 */
export function simulateTraffic({ users }: Pick<StandIn, 'users'>, rates: TrafficRates): { stop(): void } {
  const random = seededRandom(rates.seed ?? 1);
  const timers = new Map<string, NodeJS.Timeout>();
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const someone = () => users.at(Math.floor(random() * users.count()));
  const address = (first: string, last: string) =>
    `${first}.${last}.${Math.floor(random() * 2 ** 40).toString(36)}@example.com`;
  const name = () => ({ first_name: pick(FIRST_NAMES) ?? 'Amina', last_name: pick(LAST_NAMES) ?? 'Almeida' });

  const signUp = () => {
    const { first_name, last_name } = name();
    const { id } = users.createUser({
      first_name,
      last_name,
      email_address: [address(first_name, last_name)],
    });
    users.signIn(id);
  };
  const edits: ((id: string, banned: boolean) => void)[] = [
    (id) => users.updateUser(id, { last_name: name().last_name }),
    (id) => users.mergeMetadata(id, { public_metadata: { plan: pick(PLANS) } }),
    (id) => {
      const email_address = address(name().first_name, name().last_name);
      users.addEmailAddress({ user_id: id, email_address, verified: true, primary: true });
    },
    (id, banned) => (banned ? users.unbanUser(id) : users.banUser(id)),
  ];
  // Renames and metadata are daily, bans are not.
  const frequentEdits = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3];
  const edit = () => {
    const user = someone();
    if (user) edits[pick(frequentEdits) ?? 0]?.(user.id, user.banned);
  };
  const signIn = () => {
    const user = someone();
    if (user && !user.banned && !user.locked) users.signIn(user.id);
  };
  const deletion = () => {
    const user = someone();
    if (user) users.deleteUser(user.id);
  };

  const keepDoing = (what: string, perMinute: number | undefined, act: () => void) => {
    if (!perMinute) return;
    // Independent people: the waits between them are exponential.
    const waitMs = (-Math.log(1 - random()) * MINUTE_MS) / perMinute;
    const next = () => {
      try {
        act();
      } catch (error) {
        // Somebody wanted an address that is taken, as happens; they try something else next time.
        if (!(error instanceof ClerkError)) throw error;
      }
      keepDoing(what, perMinute, act);
    };
    timers.set(what, setTimeout(next, waitMs));
  };
  keepDoing('sign-up', rates.signUpsPerMinute, signUp);
  keepDoing('edit', rates.editsPerMinute, edit);
  keepDoing('sign-in', rates.signInsPerMinute, signIn);
  keepDoing('deletion', rates.deletionsPerMinute, deletion);
  return {
    stop: () => {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
