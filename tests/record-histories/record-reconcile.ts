import type { WorkflowHandle } from '@temporalio/client';
import type { InjectedFailure } from '../../src/clerk-stand-in/stand-in-settings.js';
import type { ReconcileInput, ReconcileResult } from '../../src/workflows/reconcile-messages.js';
import type { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import type { sweepWindow } from '../../src/workflows/sweep-window.js';
import { failAfter } from '../support/fail-after.js';
import { type Reconcile, startReconcile, statusOf } from '../support/reconciling.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';
import { waitUntil } from '../support/wait-until.js';
import { record } from './record.js';
import type { Scenario, Workflow } from './scenarios.js';

/** 23 users on pages of 5: one walk, each page a task of its own. */
export const SMALL: TestServiceOptions = {
  pageSize: 5,
  pagesPerTask: 1,
  standIn: { seedUsers: 23, rateLimit: null },
};
/** Twenty pages make a window, so two of them, read by one run. */
export const IN_WALKS: TestServiceOptions = {
  pageSize: 1,
  standIn: { seedUsers: 42, rateLimit: null },
};
/** The same, but each window a workflow. */
export const IN_WINDOWS: TestServiceOptions = { ...IN_WALKS, pagesPerRun: 10 };

/** A scenario in a service of its own: what one deletes would be missed in the next. */
export function recordInService<W extends Workflow>(
  workflow: W,
  names: Scenario<W> | Scenario<W>[],
  options: TestServiceOptions,
  run: (service: TestService) => Promise<WorkflowHandle | WorkflowHandle[]>,
): void {
  let stop: () => Promise<void>;
  record(
    workflow,
    names,
    async () => {
      const service = await startTestService(options);
      stop = () => service.stop();
      await service.startWorker();
      return run(service);
    },
    () => stop(),
  );
}

/** @returns a handle that stays with this very run. */
export async function begin(service: TestService, input?: ReconcileInput): Promise<Reconcile> {
  const handle = await startReconcile(service, input);
  const { runId } = await handle.describe();
  return service.client.workflow.getHandle<typeof reconcileUsers>(handle.workflowId, runId);
}

/** @throws Error unless the result has these values: the scenario would not show what it is named for. */
export async function ended(handle: Reconcile, expected: Partial<ReconcileResult>): Promise<Reconcile> {
  const result = await handle.result();
  for (const [key, value] of Object.entries(expected)) {
    if (result[key as keyof ReconcileResult] !== value)
      throw new Error(`The reconcile ended with ${JSON.stringify(result)}, not ${JSON.stringify(expected)}`);
  }
  return handle;
}

/** Answers so many pages, then fails. */
export function failAfterPages({ standIn }: TestService, pages: number, failure: InjectedFailure): void {
  failAfter(standIn, pages, { ...failure, pathPrefix: '/v1/users?order_by' });
}

export function deleteAtClerk({ standIn }: TestService, users: number): void {
  for (const id of standIn.users.ids().slice(0, users)) standIn.users.deleteUser(id);
}

/** @returns the run of a window, of a sweep in windows. */
export async function windowOf(
  { client }: TestService,
  sweep: Reconcile,
  number: number,
): Promise<WorkflowHandle<typeof sweepWindow>> {
  const workflowId = `${sweep.workflowId}/${(await sweep.describe()).runId}/window-${number}`;
  const { runId } = await waitUntil(() => client.workflow.getHandle(workflowId).describe());
  return client.workflow.getHandle<typeof sweepWindow>(workflowId, runId);
}

/** Resolves once a window has told how far it is: then all of them are being read. */
export const untilReported = (handle: Reconcile) =>
  waitUntil(async () => (await statusOf(handle)).totals.pages > 0, { describe: "a window's progress" });

export const untilPaused = (handle: Reconcile) =>
  waitUntil(async () => (await statusOf(handle)).state === 'paused', { describe: 'a paused sweep' });

export async function cancelled<H extends WorkflowHandle>(
  handle: H,
  cancelling: WorkflowHandle = handle,
): Promise<H> {
  await cancelling.cancel();
  await waitUntil(async () => (await handle.describe()).status.name === 'CANCELLED', {
    describe: 'a cancelled run',
  });
  return handle;
}
