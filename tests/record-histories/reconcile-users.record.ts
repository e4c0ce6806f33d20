import { pause, resume } from '../../src/workflows/reconcile-messages.js';
import { failAfter } from '../support/fail-after.js';
import { type Reconcile, untilFailedWith } from '../support/reconciling.js';
import type { TestService, TestServiceOptions } from '../support/test-service.js';
import {
  begin,
  cancelled,
  deleteAtClerk,
  ended,
  failAfterPages,
  IN_WALKS,
  IN_WINDOWS,
  recordInService,
  SMALL,
  untilPaused,
  untilReported,
} from './record-reconcile.js';

const DOWN = { kind: 'status', status: 500 } as const;
const DOWN_LIST = { ...DOWN, pathPrefix: '/v1/users?order_by=%2Bcreated_at' };

/** A second sweep, stuck amid the pages of its windows. */
async function amidWindows(service: TestService): Promise<Reconcile> {
  await ended(await begin(service), { created: 42 });
  failAfterPages(service, 25, DOWN);
  const handle = await begin(service);
  await untilReported(handle);
  return handle;
}

async function pausedAmidWindows(service: TestService): Promise<Reconcile> {
  const handle = await amidWindows(service);
  await handle.signal(pause);
  await untilPaused(handle);
  service.standIn.settings.failures = [];
  await handle.signal(resume);
  return ended(handle, { windows: 2, seen: 42 });
}

recordInService('reconcileUsers', 'in-one-walk', SMALL, async (service) =>
  ended(await begin(service), { kind: 'sweep', pages: 5, created: 23 }),
);

// Its first three pages are read with what decides about them.
recordInService(
  'reconcileUsers',
  'in-one-walk-from-the-beginning',
  { ...SMALL, pagesPerTask: 4 },
  async (service) => ended(await begin(service), { pages: 5, created: 23 }),
);

recordInService(
  'reconcileUsers',
  'in-one-walk-at-the-beginning',
  { ...SMALL, pagesPerTask: 25 },
  async (service) => ended(await begin(service), { pages: 5, created: 23 }),
);

recordInService('reconcileUsers', 'in-one-walk-reading', SMALL, async (service) => {
  failAfterPages(service, 2, DOWN);
  const handle = await begin(service);
  await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
  return handle;
});

recordInService('reconcileUsers', 'in-one-walk-asking', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 3);
  return ended(await begin(service), { deleted: 3, withheld: 0 });
});

recordInService('reconcileUsers', 'in-one-walk-without-witness', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?order_by' });
  return ended(await begin(service), { seen: 0, deleted: 0, clerkRequests: 3 });
});

recordInService('reconcileUsers', 'in-one-walk-unwitnessed', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 3);
  service.standIn.failWith({ kind: 'empty-list', pathPrefix: '/v1/users?limit=100&user_id' });
  return ended(await begin(service), { seen: 20, deleted: 0, withheld: 0 });
});

recordInService('reconcileUsers', 'in-one-walk-unasked', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 3);
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/users?limit=100&user_id' });
  return ended(await begin(service), { seen: 20, deleted: 0, unasked: 3 });
});

recordInService('reconcileUsers', 'in-one-walk-uncounted', SMALL, async (service) => {
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/users/count' });
  return ended(await begin(service), { created: 23, clerkUsers: null });
});

recordInService('reconcileUsers', 'in-one-walk-held', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 12);
  return ended(await begin(service), { deleted: 0, withheld: 12 });
});

recordInService('reconcileUsers', 'in-one-walk-held-already', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 12);
  await ended(await begin(service), { withheld: 12 });
  return ended(await begin(service), { deleted: 0, withheld: 12 });
});

recordInService('reconcileUsers', 'in-one-walk-paused', SMALL, async (service) => {
  failAfterPages(service, 2, DOWN);
  const handle = await begin(service);
  await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
  await handle.signal(pause);
  await untilPaused(handle);
  service.standIn.settings.failures = [];
  await handle.signal(resume);
  return ended(handle, { pages: 5, created: 23 });
});

recordInService('reconcileUsers', 'in-one-walk-cancelled', SMALL, async (service) => {
  failAfterPages(service, 2, DOWN);
  const handle = await begin(service);
  await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
  return cancelled(handle);
});

recordInService('reconcileUsers', 'in-walks-cut-by-counts', IN_WALKS, async (service) =>
  ended(await begin(service), { windows: 2, created: 42 }),
);

recordInService('reconcileUsers', 'in-walks-cut-by-table', IN_WALKS, async (service) => {
  await ended(await begin(service), { created: 42 });
  return ended(await begin(service), { windows: 2, unchanged: 42 });
});

recordInService('reconcileUsers', 'in-walks-reading', IN_WALKS, amidWindows);

recordInService('reconcileUsers', 'in-walks-paused', IN_WALKS, pausedAmidWindows);

recordInService('reconcileUsers', 'in-walks-cancelled', IN_WALKS, async (service) =>
  cancelled(await amidWindows(service)),
);

recordInService('reconcileUsers', 'in-windows-cut-by-counts', IN_WINDOWS, async (service) =>
  ended(await begin(service), { windows: 2, created: 42 }),
);

recordInService('reconcileUsers', 'in-windows-cut-by-table', IN_WINDOWS, async (service) => {
  await ended(await begin(service), { created: 42 });
  deleteAtClerk(service, 2);
  return ended(await begin(service), { windows: 2, deleted: 2 });
});

recordInService('reconcileUsers', 'in-windows-reading', IN_WINDOWS, amidWindows);

recordInService('reconcileUsers', 'in-windows-paused', IN_WINDOWS, pausedAmidWindows);

recordInService('reconcileUsers', 'in-windows-cancelled', IN_WINDOWS, async (service) =>
  cancelled(await amidWindows(service)),
);

recordInService('reconcileUsers', 'cancelled-while-preparing', SMALL, async (service) => {
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/instance' });
  const handle = await begin(service);
  await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
  return cancelled(handle);
});

/** So little of a tick is a sweep's that 45 users on five pages are too many for one. */
const DELTAS: TestServiceOptions = {
  pageSize: 10,
  tickShare: 0,
  standIn: { seedUsers: 45, rateLimit: null },
};
const TICK = { kind: 'auto' } as const;

recordInService('reconcileUsers', 'delta-idle', DELTAS, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 45 });
  return ended(await begin(service, TICK), { kind: 'delta', clerkRequests: 2 });
});

recordInService('reconcileUsers', 'delta-changed', DELTAS, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 45 });
  for (const id of service.standIn.users.ids().slice(0, 12))
    service.standIn.users.updateUser(id, { first_name: 'Changed' });
  return ended(await begin(service, TICK), { kind: 'delta', updated: 12 });
});

recordInService('reconcileUsers', 'delta-then-sweep', DELTAS, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 45 });
  await service.db.$executeRaw`
    UPDATE reconcile_runs SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour'`;
  deleteAtClerk(service, 2);
  await ended(await begin(service, TICK), { kind: 'delta', deleted: 0 });
  return ended(await begin(service, TICK), { kind: 'sweep', deleted: 2 });
});

recordInService('reconcileUsers', 'delta-too-long', { ...DELTAS, pageSize: 6 }, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 45 });
  // On from its first page: those behind overlap by five.
  for (const id of service.standIn.users.ids())
    service.standIn.users.updateUser(id, { first_name: 'Changed' });
  return ended(await begin(service, TICK), { kind: 'sweep', updated: 45 });
});

recordInService('reconcileUsers', 'delta-in-place-of-sweep', SMALL, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 23 });
  service.standIn.failWith(DOWN_LIST);
  return ended(await begin(service, TICK), { kind: 'delta', created: 0 });
});

recordInService('reconcileUsers', 'delta-in-place-of-windows', IN_WINDOWS, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 42 });
  failAfter(service.standIn, 25, DOWN_LIST);
  return ended(await begin(service, TICK), { kind: 'delta', created: 0 });
});

recordInService('reconcileUsers', 'sweep-in-place-of-delta', DELTAS, async (service) => {
  await ended(await begin(service, TICK), { kind: 'sweep', created: 45 });
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/users?order_by=-updated_at' });
  return ended(await begin(service, TICK), { kind: 'sweep', unchanged: 45 });
});

const PLAN = { kind: 'sweep', mode: 'plan' } as const;

recordInService('reconcileUsers', 'planned', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 12);
  return ended(await begin(service, PLAN), { mode: 'plan', deleted: 12 });
});

recordInService('reconcileUsers', 'planned-in-windows', IN_WINDOWS, async (service) =>
  ended(await begin(service, PLAN), { mode: 'plan', windows: 2, seen: 42 }),
);

recordInService('reconcileUsers', 'planned-unasked', SMALL, async (service) => {
  await ended(await begin(service), { created: 23 });
  deleteAtClerk(service, 12);
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/users?limit=100&user_id' });
  return ended(await begin(service, PLAN), { mode: 'plan', deleted: 0, unasked: 12 });
});
