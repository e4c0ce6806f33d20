import type { WorkflowHandle } from '@temporalio/client';
import { pause, resume } from '../../src/workflows/reconcile-messages.js';
import { untilFailedWith } from '../support/reconciling.js';
import { waitUntil } from '../support/wait-until.js';
import {
  begin,
  cancelled,
  ended,
  failAfterPages,
  IN_WINDOWS,
  recordInService,
  untilPaused,
  untilReported,
  windowOf,
} from './record-reconcile.js';

const DOWN = { kind: 'status', status: 500 } as const;

recordInService('sweepWindow', 'read-through', IN_WINDOWS, async (service) => {
  const sweep = await ended(await begin(service), { windows: 2, created: 42 });
  return windowOf(service, sweep, 1);
});

recordInService('sweepWindow', 'reading', IN_WINDOWS, async (service) => {
  failAfterPages(service, 25, DOWN);
  const sweep = await begin(service);
  await untilReported(sweep);
  return stuck(await windowOf(service, sweep, 0));
});

// A hundred pages a run. Users of one creation time are not split, so one window has them all.
recordInService(
  'sweepWindow',
  ['continued-1', 'continued-2'],
  { pageSize: 1, pagesPerRun: 10, pagesPerTask: 1, standIn: { rateLimit: null } },
  async (service) => {
    const users = 103;
    for (let n = 0; n < users; n++) {
      service.standIn.users.createUser({
        email_address: [`user${n}@example.com`],
        created_at: '2024-01-01T00:00:00.000Z',
      });
    }
    await ended(await begin(service), { created: users });
    const sweep = await ended(await begin(service), { windows: 1, unchanged: users });
    const last = await windowOf(service, sweep, 0);
    const { firstRunId } = (await last.describe()).raw.workflowExecutionInfo ?? {};
    return [service.client.workflow.getHandle(last.workflowId, firstRunId ?? ''), last];
  },
);

recordInService('sweepWindow', 'paused-and-resumed', IN_WINDOWS, async (service) => {
  failAfterPages(service, 25, DOWN);
  const sweep = await begin(service);
  await untilReported(sweep);
  const window = await stuck(await windowOf(service, sweep, 0));
  await sweep.signal(pause);
  await untilPaused(sweep);
  await waitUntil(async () => isSignalled(window), { describe: 'its signal' });
  service.standIn.settings.failures = [];
  await sweep.signal(resume);
  await sweep.result();
  return window;
});

recordInService('sweepWindow', 'given-up', IN_WINDOWS, async (service) => {
  const tick = { kind: 'auto' } as const;
  await ended(await begin(service, tick), { windows: 2, created: 42 });
  service.standIn.failWith({ ...DOWN, pathPrefix: '/v1/users?order_by=%2Bcreated_at' });
  const sweep = await ended(await begin(service, tick), { kind: 'delta' });
  return windowOf(service, sweep, 0);
});

recordInService('sweepWindow', 'cancelled', IN_WINDOWS, async (service) => {
  failAfterPages(service, 25, DOWN);
  const sweep = await begin(service);
  await untilReported(sweep);
  const window = await stuck(await windowOf(service, sweep, 0));
  return cancelled(window);
});

/** @returns the run, once it waits for Clerk amid its pages. */
async function stuck<H extends WorkflowHandle>(handle: H): Promise<H> {
  await untilFailedWith(handle, 'CLERK_UNAVAILABLE');
  return handle;
}

async function isSignalled(handle: WorkflowHandle): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  return events?.some((event) => event.workflowExecutionSignaledEventAttributes != null) ?? false;
}
