import { type ClerkClient, createClerkClient } from '@clerk/backend';
import { beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { applyDeletions } from '../../src/db/apply-deletions.js';
import { type SignInDependencies, syncUserWithDatabase } from '../../src/sign-in/sync-user-with-database.js';
import type { JsonObject } from '../../src/user-change.js';
import { signingIn } from './signing-in.js';

const world = signingIn();

let deps: SignInDependencies;
let sdk: ClerkClient;
beforeAll(() => {
  const { url: apiUrl, secretKey, publishableKey } = world.standIn;
  deps = { db: world.db, clerk: createClerkApi({ secretKey, apiUrl }) };
  sdk = createClerkClient({ apiUrl, secretKey, publishableKey, telemetry: { disabled: true } });
});

const sync = (user: Parameters<typeof syncUserWithDatabase>[0]) => syncUserWithDatabase(user, deps);
const json = (id: string) => structuredClone(world.standIn.users.get(id)) as unknown as JsonObject;
const writing = (id: string) =>
  world.db.$queryRaw`SELECT xmin::text, ctid::text FROM users WHERE clerk_id = ${id}`;
const kinds = async (clerkId: string) =>
  (await world.db.userChange.findMany({ where: { clerkId }, orderBy: { id: 'asc' } })).map(
    ({ kind }) => kind,
  );
const remove = (clerkUserId: string, deletedAtMs = Date.now()) =>
  applyDeletions(world.db, [{ clerkUserId, deletedAtMs }], {
    observedVia: 'webhook',
    writer: 'webhook',
    markUnknown: true,
  });

const FORMS: [string, (id: string) => Promise<Parameters<typeof syncUserWithDatabase>[0]>][] = [
  ['an id', async (id) => id],
  ["the SDK's User", (id) => sdk.users.getUser(id)],
  ["the SDK's raw JSON", async (id) => (await sdk.users.getUser(id)).raw ?? ''],
  ["a webhook's user", async (id) => json(id)],
];

test.each(FORMS)(
  '%s makes the row, the same as every other, and a second time writes nothing',
  async (_form, of) => {
    const id = world.signUp();
    const first = await sync(await of(id));
    expect(first).toMatchObject({
      outcome: 'created',
      row: {
        clerkId: id,
        firstName: 'Ada',
        email: expect.stringContaining('@example.com'),
        syncedBy: 'sign-in',
      },
    });
    expect(first.row).toEqual(await world.db.user.findUniqueOrThrow({ where: { clerkId: id } }));
    const { contentHash } = first.row ?? {};
    const written = await writing(id);
    for (const [, form] of FORMS) {
      const again = await sync(await form(id));
      expect(again).toMatchObject({ outcome: 'unchanged', row: { contentHash } });
    }
    expect(await writing(id)).toEqual(written);
    expect(await kinds(id)).toEqual(['created']);
  },
);

test('a newer object updates the row, an older one is stale and leaves it', async () => {
  const id = world.signUp();
  const older = await sdk.users.getUser(id);
  await sync(id);
  world.standIn.users.updateUser(id, { first_name: 'Augusta' });
  expect(await sync(await sdk.users.getUser(id))).toMatchObject({
    outcome: 'updated',
    row: { firstName: 'Augusta' },
  });
  expect(await sync(older)).toMatchObject({ outcome: 'stale', row: { firstName: 'Augusta' } });
});

test('many at once make one row and one created', async () => {
  const id = world.signUp();
  const user = await sdk.users.getUser(id);
  const all = await Promise.all(Array.from({ length: 12 }, (_, n) => sync(n % 2 ? id : user)));
  expect(all.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
  for (const { row } of all) expect(row).toMatchObject({ clerkId: id });
  expect(await kinds(id)).toEqual(['created']);
});

test('a user whom Clerk does not have is ignored, never created', async () => {
  const id = world.signUp();
  world.standIn.users.deleteUser(id);
  expect(await sync(id)).toEqual({ outcome: 'ignored', row: null });
  expect(await sync('user_unheardof')).toEqual({ outcome: 'ignored', row: null });
  expect(await world.db.user.count({ where: { clerkId: { in: [id, 'user_unheardof'] } } })).toBe(0);
});

test('a tombstone yields to no object, and to Clerk only when asked well after the deletion', async () => {
  const [recent, old] = [world.signUp(), world.signUp()];
  await remove(recent);
  await remove(old, Date.now() - 120_000);
  for (const id of [recent, old])
    expect(await sync({ ...json(id), updated_at: Date.now() + 10_000 })).toEqual({
      outcome: 'stale',
      row: null,
    });
  expect(await sync(recent)).toEqual({ outcome: 'stale', row: null });
  expect(await sync(old)).toMatchObject({ outcome: 'restored', row: { clerkId: old, deletedAt: null } });
});

test('private metadata is stored only where it is asked for', async () => {
  const [without, kept] = [world.signUp(), world.signUp()];
  for (const id of [without, kept])
    world.standIn.users.mergeMetadata(id, { private_metadata: { stripe: 'cus_1' } });
  expect(JSON.stringify((await sync(without)).row)).not.toContain('cus_1');
  const { row } = await syncUserWithDatabase(kept, { ...deps, keepPrivateMetadata: true });
  expect(JSON.stringify(row)).toContain('cus_1');
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ['a User without its JSON', async (id) => Object.assign(await sdk.users.getUser(id), { _raw: null })],
  ['a copy of a User', async (id) => ({ ...(await sdk.users.getUser(id)), object: 'user', _raw: null })],
  ['an organization', async () => ({ object: 'organization', id: 'org_1' })],
  ['an e-mail address', async () => 'ada@example.com'],
  ['an id that leads elsewhere', async () => '../sessions'],
  ['an empty id', async () => ''],
])('%s is refused with the way out, and Clerk is not asked', async (_what, of) => {
  const value = (await of(world.signUp())) as string;
  world.clerkRequests();
  await expect(sync(value)).rejects.toThrow(TypeError);
  await expect(sync(value)).rejects.toThrow(/id/);
  await expect(sync(value)).rejects.not.toThrow(/ada@/);
  expect(world.clerkRequests()).toBe(0);
});

test("a deleted user's event has no user to write", async () => {
  await expect(sync({ object: 'user', id: 'user_gone', deleted: true })).rejects.toMatchObject({
    type: 'USER_UNUSABLE',
  });
});

test("another instance's key is refused, and asked for only once", async () => {
  const other = await startStandIn({ instanceId: 'ins_other' });
  try {
    await sync(world.signUp());
    const { id } = other.users.createUser({ email_address: ['eve@example.com'] });
    const clerk = createClerkApi({ secretKey: other.secretKey, apiUrl: other.url });
    const attempt = () => syncUserWithDatabase(id, { db: world.db, clerk });
    await expect(attempt()).rejects.toMatchObject({ type: 'INSTANCE_CHANGED' });
    await expect(attempt()).rejects.toMatchObject({ type: 'INSTANCE_CHANGED' });
    expect(other.stats.byRoute).toEqual({ 'GET /v1/instance': 1 });
    expect(await world.db.user.count({ where: { clerkId: id } })).toBe(0);
  } finally {
    await other.stop();
  }
});

test('an aborted signal ends the request to Clerk, and writes nothing', async () => {
  const id = world.signUp();
  await sync(world.signUp());
  world.standIn.failWith({ kind: 'slow', latencyMs: 10_000 });
  const ended = syncUserWithDatabase(id, { ...deps, signal: AbortSignal.timeout(50) });
  await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(await world.db.user.count({ where: { clerkId: id } })).toBe(0);
});
