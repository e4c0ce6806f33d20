import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { needsAttention } from '../../src/cli/needs-attention.js';
import { statusText } from '../../src/cli/status-text.js';
import { migrate } from '../../src/db/migrate.js';
import { readStatus } from '../../src/db/read-status.js';
import { createEmptyDatabase, type EmptyDatabase, onServer } from '../db/empty-database.js';
import { type StartupProxy, startStartupProxy } from '../db/startup-proxy.js';
import { fromSetUp } from '../support/from-set-up.js';
import { clerkIds, differences, liveIds, reconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

/** Settings that a person gave the database or a role for reasons of their own, and that sessions begin with. */
const ALWAYS = {
  default_transaction_read_only: 'on',
  extra_float_digits: '-15',
  IntervalStyle: 'sql_standard',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
  standard_conforming_strings: 'off',
};

const STYLES = ['ISO, MDY', 'SQL, DMY', 'German', 'Postgres'];
const ZONES = ['Asia/Tokyo', 'America/Los_Angeles'];
const ISOLATIONS = ['repeatable read', 'serializable'];
/** What gives the session its search path, and what stands between. */
const WAYS = [
  ['role', 'refuses'],
  ['database', 'drops'],
  ['options', null],
] as const;

/** Every style with every way; and every two values of two kinds together. */
const CASES = STYLES.flatMap((style, s) =>
  WAYS.map(([path, pooler], w) => {
    const zone = ZONES[(s + w) % 2] ?? '';
    const isolation = ISOLATIONS[((s >> 1) + w) % 2] ?? '';
    return { style, zone, isolation, path, pooler };
  }),
);

let proxies: Record<'drops' | 'refuses', StartupProxy>;
beforeAll(async () => {
  const server = fromSetUp('TEST_POSTGRES_URL');
  const [drops, refuses] = await Promise.all([
    startStartupProxy(server, 'drops'),
    startStartupProxy(server, 'refuses'),
  ]);
  proxies = { drops, refuses };
});
afterAll(() => Promise.all([proxies.drops.close(), proxies.refuses.close()]));

let database: EmptyDatabase;
let role: string;
let service: TestService | undefined;
beforeEach(async () => {
  database = await createEmptyDatabase();
  role = `role_${randomBytes(8).toString('hex')}`;
  await onServer(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
});
afterEach(async () => {
  if (service === undefined) await database.drop();
  await service?.stop();
  service = undefined;
  await onServer(`DROP ROLE ${role}`);
});

test.each(CASES)(
  'DateStyle $style, $zone, $isolation, search_path of the $path, pooler: $pooler',
  async ({ pooler, ...given }) => {
    const direct = await settle(given);
    const url = pooler === null ? direct : proxies[pooler].through(direct);
    expect(await migrate(url)).not.toEqual([]);
    const { drop } = database;
    const none = () => Promise.resolve();
    service = await startTestService({
      pageSize: 10,
      standIn: { seedUsers: 30, rateLimit: null },
      database: { url, goDown: none, comeBack: none, drop },
      deletion: { mode: 'hard', holdbackMs: 0 },
    });
    await service.startWorker();
    expect(await reconcile(service)).toMatchObject({ created: 30 });
    const [gone = ''] = clerkIds(service);
    service.standIn.users.deleteUser(gone);
    expect(await reconcile(service)).toMatchObject({ created: 0, updated: 0, deleted: 1, withheld: 0 });

    expect(await differences(service)).toEqual([]);
    expect(await liveIds(service)).toHaveLength(29);
    expect(
      await database.query(
        "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE '%user%' AND schemaname !~ '^pg_'",
      ),
    ).toEqual([{ schemaname: 'own' }]);
    // Hard deletion erases in every isolation.
    expect(await database.query('SELECT clerk_id FROM own.user_tombstones')).toEqual([{ clerk_id: gone }]);
    const nowMs = Date.now();
    const status = await readStatus(service.db, nowMs);
    expect(status).toMatchObject({
      liveRows: 29,
      deletedRows: 1,
      deletionsWaiting: 0,
      lastSweep: { failed: 0 },
    });
    expect(Math.abs(nowMs - (status.lastSweep?.finishedAt.getTime() ?? 0))).toBeLessThan(10 * 60_000);
    expect(needsAttention(status, nowMs, 15_000, 3_600_000)).toEqual([]);
    expect(statusText(status, [], nowMs)).not.toMatch(/Invalid|NaN|undefined/);
  },
);

/** Makes the schema `own`, and sessions as the case has them. @returns the role's URL. */
async function settle({
  style,
  zone,
  isolation,
  path,
}: Omit<(typeof CASES)[number], 'pooler'>): Promise<string> {
  await database.query(`CREATE SCHEMA own AUTHORIZATION ${role}`);
  const [found] = await database.query<{ name: string }>('SELECT current_database() AS name');
  const settings = { ...ALWAYS, DateStyle: style, TimeZone: zone, default_transaction_isolation: isolation };
  for (const [name, value] of Object.entries(settings))
    await database.query(`ALTER ROLE ${role} SET ${name} = '${value}'`);
  if (path === 'role') await database.query(`ALTER ROLE ${role} SET search_path = own, public`);
  if (path === 'database')
    await database.query(`ALTER DATABASE ${found?.name} SET search_path = own, public`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  return `${url.href}${path === 'options' ? '?options=-c%20search_path%3Down,public' : ''}`;
}
