import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { simulateTraffic } from '../../src/clerk-stand-in/simulate-traffic.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';

let standIn: StandIn;
beforeEach(async () => {
  standIn = await startStandIn({ seedUsers: 60 });
  jest.useFakeTimers();
});
afterEach(async () => {
  jest.useRealTimers();
  await standIn.stop();
});

const typesSeen = () => {
  const counts: Record<string, number> = {};
  for (const { type } of standIn.webhooks.messages()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};

test('traffic runs at about the rates asked for, until it is stopped', () => {
  const rates = { signUpsPerMinute: 60, editsPerMinute: 120, signInsPerMinute: 90, deletionsPerMinute: 30 };
  const traffic = simulateTraffic(standIn, rates);
  jest.advanceTimersByTime(60_000);
  traffic.stop();
  const seen = typesSeen();
  expect(Math.abs((seen['user.created'] ?? 0) - 60)).toBeLessThan(30);
  expect(Math.abs((seen['user.deleted'] ?? 0) - 30)).toBeLessThan(20);
  expect(seen['session.created']).toBeGreaterThan(100);
  expect(seen['user.updated']).toBeGreaterThan(200);
  jest.advanceTimersByTime(60_000);
  expect(typesSeen()).toEqual(seen);
  expect(jest.getTimerCount()).toBe(0);
});

test('edits rename, move the primary address, change metadata and ban', () => {
  const before = new Map(standIn.users.list('limit=60').map((user) => [user.id, user]));
  const traffic = simulateTraffic(standIn, { editsPerMinute: 300 });
  jest.advanceTimersByTime(60_000);
  traffic.stop();
  const changed = (field: 'last_name' | 'primary_email_address_id' | 'banned') =>
    standIn.users.list('limit=60').filter((user) => user[field] !== before.get(user.id)?.[field]).length;
  expect(changed('last_name')).toBeGreaterThan(10);
  expect(changed('primary_email_address_id')).toBeGreaterThan(10);
  expect(changed('banned')).toBeGreaterThan(3);
});

test('an instance without users is no error', () => {
  for (const id of standIn.users.ids()) standIn.users.deleteUser(id);
  const traffic = simulateTraffic(standIn, {
    editsPerMinute: 60,
    signInsPerMinute: 60,
    deletionsPerMinute: 60,
  });
  jest.advanceTimersByTime(10_000);
  traffic.stop();
  expect(standIn.users.count()).toBe(0);
});

test('the same traffic once more, whose addresses are taken by now, does not end it', () => {
  const rates = { signUpsPerMinute: 60, editsPerMinute: 120, signInsPerMinute: 60 };
  for (let round = 0; round < 2; round++) {
    const traffic = simulateTraffic(standIn, { ...rates, seed: 7 });
    expect(() => jest.advanceTimersByTime(60_000)).not.toThrow();
    traffic.stop();
  }
});
