import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { getUsers, request } from './request.js';

let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn({ seedUsers: 100, rateLimit: null });
});
afterEach(() => standIn.stop());

async function walk(order: string, between: (page: number) => void): Promise<string[]> {
  const seen: string[] = [];
  for (let page = 0, after = ''; ; page++) {
    const { body } = await getUsers(
      standIn,
      `limit=10&order_by=${order}${after && `&starting_after=${after}`}`,
    );
    seen.push(...body.map((user) => user.id));
    if (body.length < 10) return seen;
    after = seen.at(-1) ?? '';
    between(page);
  }
}

test('an ascending cursor walk sees every surviving user once, and those who join meanwhile', async () => {
  const before = standIn.users.ids();
  const joined: string[] = [];
  const seen = await walk('%2Bcreated_at', (page) => {
    standIn.users.deleteUser(standIn.users.ids()[page] ?? '');
    joined.push(standIn.users.createUser({ email_address: [`join${page}@example.com`] }).id);
  });
  expect(new Set(seen).size).toBe(seen.length);
  const survivors = before.filter((id) => standIn.users.has(id));
  expect(survivors.filter((id) => !seen.includes(id))).toEqual([]);
  expect(joined.slice(0, -1).filter((id) => !seen.includes(id))).toEqual([]);
});

test('an offset walk skips a live user when one is deleted behind it: the trap is there', async () => {
  const seen: string[] = [];
  for (let offset = 0; offset < 100; offset += 10) {
    const { body } = await getUsers(standIn, `limit=10&offset=${offset}&order_by=created_at`);
    seen.push(...body.map((user) => user.id));
    if (offset === 0) standIn.users.deleteUser(seen[0] ?? '');
  }
  expect(standIn.users.ids().filter((id) => !seen.includes(id))).toHaveLength(1);
});

test('a cursor of a deleted user is 404 by default', async () => {
  const [first = ''] = standIn.users.ids();
  standIn.users.deleteUser(first);
  const { status, body } = await request(standIn, `/v1/users?order_by=created_at&starting_after=${first}`);
  expect([status, body.errors[0]?.code]).toEqual([404, 'resource_not_found']);
});

test('what a deleted cursor does is a setting, for Clerk does not say', async () => {
  const [first = '', second = '', third] = standIn.users.ids();
  standIn.users.deleteUser(second);
  const after = async () => {
    const { status, body } = await getUsers(standIn, `order_by=created_at&starting_after=${second}`);
    return [status, Array.isArray(body) ? body[0]?.id : 'error'];
  };
  standIn.settings.deletedCursor = 'continue';
  expect(await after()).toEqual([200, third]);
  standIn.settings.deletedCursor = 'from_start';
  expect(await after()).toEqual([200, first]);
  standIn.settings.deletedCursor = 'empty';
  expect(await after()).toEqual([200, undefined]);
  standIn.settings.deletedCursor = 'unprocessable';
  expect(await after()).toEqual([422, 'error']);
});

test('a created_at that is written moves the user across the walk', async () => {
  const [oldest = ''] = standIn.users.ids();
  standIn.users.updateUser(oldest, { created_at: '2030-01-01T00:00:00.000Z' });
  expect(standIn.users.ids().at(-1)).toBe(oldest);
});
