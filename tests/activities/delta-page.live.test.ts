import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type DeltaPage, type DeltaPlace, deltaPage } from '../../src/activities/delta-page.js';
import { toUserSnapshot } from '../../src/clerk/to-user-snapshot.js';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { type ScriptedClerk, startScriptedClerk } from '../clerk/start-scripted-clerk.js';
import { activityDependencies } from '../support/activity-dependencies.js';
import { clerkUser } from '../support/clerk-user.js';
import { connectedDatabase } from '../support/connected-database.js';

const BEHIND_MS = 600_000;
const USERS = 12;
const BROUGHT = 10;

const own = connectedDatabase();
let clerk: ScriptedClerk;
let clerksMs: number;

/** Newest change first, a second apart. */
const users = () =>
  Array.from({ length: USERS }, (_, nth) => clerkUser(`user_${nth}`, clerksMs - (nth + 1) * 1_000));

beforeEach(async () => {
  clerksMs = Math.floor((Date.now() - BEHIND_MS) / 1000) * 1000;
  clerk = await startScriptedClerk(({ pathname, searchParams }) => {
    const offset = Number(searchParams.get('offset'));
    const limit = Number(searchParams.get('limit'));
    return {
      headers: { date: new Date(clerksMs).toUTCString() },
      body: pathname.endsWith('/instance') ? { id: 'ins_1' } : users().slice(offset, offset + limit),
    };
  });
});
afterEach(() => clerk.stop());

test("where Postgres' clock is ahead of Clerk's, a delta reads back to what is known all the same", async () => {
  const deps = activityDependencies({ db: own.db, clerk: clerk.api });
  const known = users()
    .slice(0, BROUGHT)
    .map((user) =>
      toUserSnapshot(user, { observedAtMs: clerksMs, observedVia: 'webhook', keepPrivateMetadata: false }),
    );
  await applySnapshots(own.db, known, 'webhook');
  const read = (place: DeltaPlace) =>
    new MockActivityEnvironment().run(() => deltaPage(deps, place)) as Promise<DeltaPage>;
  // As the run before this one has it, a minute ago by Postgres' clock.
  const sinceMs = Date.now() - 60_000;
  const first = await read({ offset: 0, sinceMs });
  expect(first).toMatchObject({ totals: { seen: BROUGHT, created: 0 }, nextOffset: expect.any(Number) });
  expect(await read({ offset: first.nextOffset ?? 0, sinceMs })).toMatchObject({ totals: { created: 2 } });
});
