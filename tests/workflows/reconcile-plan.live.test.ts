import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ReconcileInput } from '../../src/workflows/reconcile-messages.js';
import { detailsOf, heldDeletions, reconcile, startReconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

const PLAN: ReconcileInput = { kind: 'sweep', mode: 'plan' };
let service: TestService;
beforeAll(async () => {
  service = await startTestService({ pageSize: 5, standIn: { seedUsers: 230, rateLimit: null } });
  await service.startWorker();
});
afterAll(() => service.stop());

/** Where each row of each table stands; another one after every write, even of what was there. */
async function everyRow(): Promise<Record<string, unknown>> {
  const tables = await service.db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;
  const rows: Record<string, unknown> = {};
  for (const { name } of tables)
    rows[name] = await service.db.$queryRawUnsafe(
      `SELECT xmin::text, ctid::text FROM "${name}" ORDER BY 1, 2`,
    );
  return rows;
}

/** @returns the plan, once it is sure that it wrote nothing. */
async function plan(input: ReconcileInput = PLAN) {
  const before = await everyRow();
  const handle = await startReconcile(service, input);
  const result = await handle.result();
  expect(await everyRow()).toEqual(before);
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['users', 'deletion_candidates']));
  return { handle, result };
}

test('before the first sweep it reads everybody, and leaves even the instance to that sweep', async () => {
  const { result, handle } = await plan();
  expect(result).toMatchObject({ kind: 'sweep', mode: 'plan', seen: 230, windows: 2, deleted: 0 });
  expect(await detailsOf(handle)).toContain('**Plan**, done');
  expect(await service.db.syncedInstance.count()).toBe(0);
  await expect(reconcile(service)).resolves.toMatchObject({ created: 230 });
  expect(await service.db.syncedInstance.count()).toBe(1);
});

test('with nothing to repair it says so', async () => {
  const { result } = await plan();
  expect(result).toMatchObject({
    created: 0,
    updated: 0,
    deleted: 0,
    unchanged: 230,
    fields: {},
    examples: [],
  });
  expect(result.summary).toMatch(/^Sweep of 230 users: no difference; \d+ requests to Clerk\.$/);
});

describe('with users gone from Clerk', () => {
  let gone: string[];
  beforeAll(() => {
    const ids = service.standIn.users.ids();
    gone = [0, 50, 100, 150, 200, 229].map((at) => ids[at] ?? '').sort();
    for (const id of gone) service.standIn.users.deleteUser(id);
  });

  test('it asks Clerk for those by id, names them, and deletes nobody', async () => {
    const { result } = await plan();
    expect(result).toMatchObject({ deleted: 6, drift: { missed_delete: 6 }, withheld: 0 });
    expect(result.summary).toContain('6 missed_delete to repair');
    expect(result.examples?.map(({ clerkUserId }) => clerkUserId).sort()).toEqual(gone);
    expect(result.examples?.every(({ label }) => label === 'missed_delete')).toBe(true);
  });

  test('it names nobody whom Clerk shows by id, though a list left them out', async () => {
    const [first, ...others] = service.standIn.users.list('limit=6&order_by=%2Bcreated_at');
    service.standIn.failWith({
      kind: 'status',
      status: 200,
      body: others,
      pathPrefix: '/v1/users?order_by=%2Bcreated_at&limit=5&created_at_before',
      times: 1,
    });
    const { result } = await plan();
    expect(result).toMatchObject({ deleted: 6 });
    expect(result.examples?.map(({ clerkUserId }) => clerkUserId)).not.toContain(first?.id);
  });

  test('more than one run may delete are told all the same, and nothing is held', async () => {
    for (const id of service.standIn.users.ids().slice(100, 120)) service.standIn.users.deleteUser(id);
    const { result } = await plan();
    expect(result).toMatchObject({ deleted: 26, withheld: 0 });
    await expect(heldDeletions(service).describe()).rejects.toThrow();
  });

  test('a number of deletions changes nothing about that', async () => {
    expect((await plan({ ...PLAN, mostDeletions: 1 })).result).toMatchObject({ deleted: 26, withheld: 0 });
  });

  test('an answer without a witness tells nobody gone', async () => {
    service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?limit=100&user_id', times: 1 });
    expect((await plan()).result).toMatchObject({ deleted: 0, examples: [] });
  });
});
