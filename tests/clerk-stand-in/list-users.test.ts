import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import type { ClerkUserJson } from '../../src/clerk-stand-in/user-json.js';
import { getUsers, request } from './request.js';

const SEEDED = 230;
let standIn: StandIn;
let all: ClerkUserJson[];
beforeAll(async () => {
  standIn = await startStandIn({ seedUsers: SEEDED, rateLimit: null });
  all = standIn.users.list('limit=500&order_by=created_at');
});
afterAll(() => standIn.stop());

const ids = (users: readonly ClerkUserJson[]) => users.map((user) => user.id);
const idsOf = async (query: string) => ids((await getUsers(standIn, query)).body);
const wanted = (holds: (user: ClerkUserJson) => boolean) => ids(all.filter(holds)).sort();
const found = async (query: string) => (await idsOf(`limit=500&${query}`)).sort();

describe('pages', () => {
  test('without parameters, the ten newest come, newest first', async () => {
    expect(await idsOf('')).toEqual(ids(all).toReversed().slice(0, 10));
  });

  test.each(['501', '0', '-3', '100000'])('limit=%s is silently 10', async (limit) => {
    expect(await idsOf(`limit=${limit}`)).toHaveLength(10);
  });

  test('limit=500 is the largest page', async () => {
    expect(await idsOf('limit=500')).toHaveLength(SEEDED);
  });

  test('an offset goes on where the page before ended', async () => {
    const both = await idsOf('limit=20&order_by=-updated_at');
    expect(await idsOf('limit=10&offset=10&order_by=-updated_at')).toEqual(both.slice(10));
    expect(await idsOf('limit=10&offset=225')).toEqual(ids(all).toReversed().slice(225));
    expect(await idsOf('offset=1000')).toEqual([]);
  });

  test('users of one millisecond are ordered by id', () => {
    const times = all.map((user) => user.created_at);
    expect(new Set(times).size).toBeLessThan(SEEDED);
    const sorted = all.toSorted((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
    expect(ids(all)).toEqual(ids(sorted));
  });

  test('only the first order_by counts, and a bare plus is ascending', async () => {
    expect(await idsOf('order_by=+created_at&order_by=-updated_at&limit=5')).toEqual(ids(all).slice(0, 5));
    expect(await idsOf('order_by=created_at&limit=5')).toEqual(ids(all).slice(0, 5));
  });

  test.each([
    ['starting_after with order_by=updated_at', 'order_by=updated_at&starting_after=user_x'],
    ['starting_after with an offset', 'offset=5&starting_after=user_x'],
    ['an unknown order_by', 'order_by=shoe_size'],
    ['a negative offset', 'offset=-1'],
    ['a limit that is no number', 'limit=ten'],
    ['101 user ids', Array.from({ length: 101 }, (_, at) => `user_id[]=user_${at}`).join('&')],
    ['provider without provider_user_id', 'provider=oauth_google'],
    ['a banned that is no boolean', 'banned=maybe'],
  ])('%s is refused with 422', async (_what, query) => {
    const { status, body } = await request(standIn, `/v1/users?${query}`);
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ code: 'form_param_value_invalid', message: expect.any(String) });
    expect(body.clerk_trace_id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('order', () => {
  const primary = (user: ClerkUserJson) =>
    user.email_addresses.find((email) => email.id === user.primary_email_address_id)?.email_address ?? null;
  const phone = (user: ClerkUserJson) => user.phone_numbers[0]?.phone_number ?? null;
  const keys: [string, (user: ClerkUserJson) => string | number | null][] = [
    ['created_at', (user) => user.created_at],
    ['updated_at', (user) => user.updated_at],
    ['email_address', primary],
    ['web3wallet', () => null],
    ['first_name', (user) => user.first_name],
    ['last_name', (user) => user.last_name],
    ['phone_number', phone],
    ['username', (user) => user.username],
    ['last_active_at', (user) => user.last_active_at],
    ['last_sign_in_at', (user) => user.last_sign_in_at],
  ];

  test.each(keys)(
    '%s orders every user, the missing last, and backwards with a minus',
    async (field, keyOf) => {
      const compare = (a: ClerkUserJson, b: ClerkUserJson) => {
        const [x, y] = [keyOf(a), keyOf(b)];
        if (x === y) return a.id < b.id ? -1 : 1;
        if (x === null) return 1;
        return y === null || x < y ? -1 : 1;
      };
      const ascending = ids(all.toSorted(compare));
      expect(await idsOf(`order_by=${field}&limit=500`)).toEqual(ascending);
      expect(await idsOf(`order_by=-${field}&limit=7&offset=3`)).toEqual(ascending.toReversed().slice(3, 10));
    },
  );
});

describe('filters', () => {
  test('user_id takes many, ignores the unknown, and excludes with a minus', async () => {
    const [first = '', second = ''] = ids(all);
    expect(await found(`user_id=${first}&user_id[]=${second}&user_id[]=user_nobody`)).toEqual(
      [first, second].sort(),
    );
    expect(await found(`user_id[]=%2B${first}&user_id[]=-${second}`)).toEqual([first]);
    expect(await found(`user_id[]=+${first}`)).toEqual([first]);
    expect(await found(`user_id[]=-${first}`)).toEqual(wanted((user) => user.id !== first));
    expect(await found(`user_id[]=${first}&user_id[]=-${first}`)).toEqual([]);
  });

  test('external_id includes and excludes', async () => {
    const some = all.find((user) => user.external_id !== null);
    expect(await found(`external_id[]=${some?.external_id}`)).toEqual([some?.id]);
    expect(await found(`external_id[]=-${some?.external_id}`)).toEqual(wanted((user) => user !== some));
  });

  test('email_address finds secondary addresses, whatever their case', async () => {
    const some = all.find((user) => user.email_addresses.length === 3);
    const address = some?.email_addresses[1]?.email_address.toUpperCase() ?? '';
    expect(await found(`email_address=${encodeURIComponent(address)}`)).toEqual([some?.id]);
  });

  test('phone_number is exact, its plus encoded or not', async () => {
    const some = all.find((user) => user.phone_numbers.length > 0);
    const number = some?.phone_numbers[0]?.phone_number ?? '';
    expect(await found(`phone_number=${number}`)).toEqual([some?.id]);
    expect(await found(`phone_number=${encodeURIComponent(number)}`)).toEqual([some?.id]);
    expect(await found(`phone_number=${number.slice(0, -1)}`)).toEqual([]);
  });

  test('username and web3_wallet are exact', async () => {
    const wallet = '0x52908400098527886E0F7030069857D2E4169EE7';
    const created = standIn.users.createUser({ username: 'wallet_owner', web3_wallet: [wallet] });
    expect(await found('username=wallet_owner')).toEqual([created.id]);
    expect(await found(`web3_wallet=${wallet}`)).toEqual([created.id]);
    standIn.users.deleteUser(created.id);
    expect(await found('username=wallet_owner')).toEqual([]);
  });

  test.each(['lovelace', 'EXAMPLE.COM', 'user_2', '+1555'])(
    'query=%s matches in parts, in any field',
    async (text) => {
      const texts = (user: ClerkUserJson) =>
        [user.id, user.username, user.first_name, user.last_name, `${user.first_name} ${user.last_name}`]
          .concat(user.email_addresses.map((email) => email.email_address))
          .concat(user.phone_numbers.map((phone) => phone.phone_number));
      const expected = wanted((user) =>
        texts(user).some((one) => one?.toLowerCase().includes(text.toLowerCase())),
      );
      expect(await found(`query=${encodeURIComponent(text)}`)).toEqual(expected);
    },
  );

  test('the partial filters look at their own field', async () => {
    const lower = (text: string | null | undefined) => text?.toLowerCase() ?? '';
    expect(await found('name_query=ADA')).toEqual(
      wanted((user) => lower(`${user.first_name} ${user.last_name}`).includes('ada')),
    );
    expect(await found('username_query=ada')).toEqual(wanted((user) => lower(user.username).includes('ada')));
    expect(await found('email_address_query=work.')).toEqual(
      wanted((user) => user.email_addresses.some((email) => email.email_address.includes('work.'))),
    );
    expect(await found('phone_number_query=155500')).toEqual(wanted((user) => user.phone_numbers.length > 0));
  });

  test('banned=false is a filter too', async () => {
    expect(await found('banned=true')).toEqual(wanted((user) => user.banned));
    expect(await found('banned=false')).toEqual(wanted((user) => !user.banned));
  });

  test.each(['created_at', 'last_sign_in_at', 'last_active_at'] as const)(
    '%s bounds are exclusive',
    async (field) => {
      const at = all[100]?.[field] ?? all[101]?.[field] ?? 0;
      expect(await found(`${field}_after=${at}`)).toEqual(wanted((user) => (user[field] ?? -1) > at));
      expect(await found(`${field}_before=${at}`)).toEqual(wanted((user) => (user[field] ?? Infinity) < at));
    },
  );

  test('provider and provider_user_id find an external account', async () => {
    const some = all.find((user) => user.external_accounts.length > 0);
    const query = `provider=oauth_google&provider_user_id[]=${some?.external_accounts[0]?.provider_user_id}`;
    expect(await found(query)).toEqual([some?.id]);
  });

  test('any filters together, counted and paged by cursor, give what filtering by hand gives', async () => {
    const time = fc.option(fc.integer({ min: 0, max: SEEDED - 1 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(time, time, fc.boolean(), fc.boolean(), async (after, before, banned, descending) => {
        const [afterMs, beforeMs] = [all[after ?? -1]?.created_at, all[before ?? -1]?.created_at];
        const filter = new URLSearchParams();
        if (afterMs !== undefined) filter.set('created_at_after', String(afterMs));
        if (beforeMs !== undefined) filter.set('created_at_before', String(beforeMs));
        if (banned) filter.set('banned', 'false');
        const expected = ids(
          all.filter(
            (user) =>
              user.created_at > (afterMs ?? 0) &&
              user.created_at < (beforeMs ?? Infinity) &&
              (!banned || !user.banned),
          ),
        );
        expect(standIn.users.count(filter)).toBe(expected.length);
        filter.set('order_by', descending ? '-created_at' : 'created_at');
        filter.set('limit', '40');
        const walked: string[] = [];
        for (let page = standIn.users.list(filter); ; page = standIn.users.list(filter)) {
          walked.push(...ids(page));
          if (page.length < 40) break;
          filter.set('starting_after', page.at(-1)?.id ?? '');
        }
        expect(walked).toEqual(descending ? expected.toReversed() : expected);
      }),
      { numRuns: 60 },
    );
  });
});
