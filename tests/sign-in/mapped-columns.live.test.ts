import { beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { syncUserWithDatabase } from '../../src/sign-in/sync-user-with-database.js';
import { defineUserMapping } from '../../src/user-mapping.js';
import { waitUntil } from '../support/wait-until.js';
import { signingIn } from './signing-in.js';

const world = signingIn();
const mapping = defineUserMapping({
  plan: { type: 'text', from: (user) => user.public_metadata.plan },
  joined_at: { type: 'timestamptz', from: (user) => user.created_at },
});
beforeAll(
  () => world.db.$executeRaw`ALTER TABLE users ADD COLUMN plan text, ADD COLUMN joined_at timestamptz`,
);

function signUp(): string {
  const id = world.signUp();
  world.standIn.users.mergeMetadata(id, { public_metadata: { plan: 'pro' } });
  return id;
}
const joinedAt = (id: string) => new Date(world.standIn.users.get(id)?.created_at ?? 0);

test('the row that a sync answers has the mapped columns, whether it was made now or before', async () => {
  const { secretKey, url: apiUrl } = world.standIn;
  const deps = { db: world.db, clerk: createClerkApi({ secretKey, apiUrl }), mapping };
  const id = signUp();
  for (const outcome of ['created', 'unchanged'] as const) {
    const synced = await syncUserWithDatabase(id, deps);
    expect([synced.outcome, synced.row?.plan, synced.row?.joined_at]).toEqual([outcome, 'pro', joinedAt(id)]);
  }
  world.standIn.users.deleteUser(id);
  expect(await syncUserWithDatabase(id, deps)).toMatchObject({ outcome: 'ignored', row: { plan: 'pro' } });
  const { row } = await syncUserWithDatabase(signUp(), { ...deps, mapping: undefined });
  expect(row).not.toHaveProperty('plan');
});

test('the row of a request has them: newly made, read by another process, and remembered while Postgres is down', async () => {
  const [first, second] = await Promise.all([world.start({ mapping }), world.start({ mapping })]);
  const id = signUp();
  const token = world.token(id);
  const mapped = { clerkId: id, plan: 'pro', joined_at: joinedAt(id).toISOString() };
  expect((await first.get(token)).body.user).toMatchObject(mapped);
  expect((await second.get(token)).body.user).toMatchObject(mapped);
  await world.database.goDown();
  try {
    expect((await second.get(token)).body.user).toMatchObject(mapped);
  } finally {
    await world.database.comeBack();
  }
  expect((await (await world.start()).get(token)).body.user).not.toHaveProperty('plan');
});

test('a row made of claims has them empty until the whole user comes', async () => {
  const application = await world.start({ mapping, readClaims: ({ email }) => ({ email: String(email) }) });
  const token = world.token(signUp(), { email: 'claimed@example.com' });
  expect((await application.get(token)).body.user).toMatchObject({ plan: null, joined_at: null });
});

test('a mapped column that the table lacks is SCHEMA_MISSING, and no row, until it is added', async () => {
  const wider = defineUserMapping({ company: { type: 'text', from: () => 'Analytical Engines' } });
  const application = await world.start({ mapping: wider, whenMissing: 'refuse' });
  const id = signUp();
  await (await world.start()).get(world.token(id));
  const token = world.token(id);
  expect((await application.get(token)).status).toBe(503);
  expect(world.logged).toContainEqual(expect.objectContaining({ clerkUserId: id, code: 'SCHEMA_MISSING' }));
  await world.db.$executeRaw`ALTER TABLE users ADD COLUMN company text`;
  // It was there before it was mapped: the next sweep fills it.
  await waitUntil(async () => (await application.get(token)).status === 200, {
    describe: 'the row to be read again, after the rest of a second',
  });
  expect((await application.get(token)).body.user).toMatchObject({ clerkId: id, company: null });
});
