import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { DELETE_GONE_USERS_WORKFLOW_ID, SYNC_TASK_QUEUE } from '../../src/names.js';
import type { deleteGoneUsers } from '../../src/workflows/delete-gone-users.js';
import {
  type ReconcileInput,
  type ReconcileResult,
  type ReconcileStatus,
  reconcileStatus,
} from '../../src/workflows/reconcile-messages.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import type { TestService } from './test-service.js';
import { waitUntil } from './wait-until.js';

export type Reconcile = WorkflowHandle<typeof reconcileUsers>;

/** Starts a reconcile as an operator does, by hand and beside any other. */
export async function startReconcile(
  { client }: TestService,
  input: ReconcileInput = { kind: 'sweep' },
): Promise<Reconcile> {
  const workflowId = `reconcile-${randomBytes(4).toString('hex')}`;
  await client.workflow.start(reconcileUsers, { workflowId, taskQueue: SYNC_TASK_QUEUE, args: [input] });
  return client.workflow.getHandle<typeof reconcileUsers>(workflowId);
}

export const reconcile = async (service: TestService, input?: ReconcileInput): Promise<ReconcileResult> =>
  (await startReconcile(service, input)).result();

export const statusOf = (handle: WorkflowHandle): Promise<ReconcileStatus> => handle.query(reconcileStatus);

/** Resolves once the reconcile has read so many pages. */
export const untilPages = (handle: WorkflowHandle, pages: number): Promise<boolean> =>
  waitUntil(async () => (await statusOf(handle)).totals.pages >= pages, {
    describe: `${pages} pages`,
  });

/** What Temporal's Web UI shows of a run as its details. */
export async function detailsOf(handle: WorkflowHandle): Promise<string> {
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  return currentDetails;
}

/** The one workflow that holds deletions until an operator decides. */
export const heldDeletions = ({ client }: TestService): WorkflowHandle<typeof deleteGoneUsers> =>
  client.workflow.getHandle<typeof deleteGoneUsers>(DELETE_GONE_USERS_WORKFLOW_ID);

/** Resolves once an activity of the run waits for its next attempt, having failed with the code. */
export const untilFailedWith = (handle: WorkflowHandle, code: string): Promise<boolean> =>
  waitUntil(
    async () => {
      const { pendingActivities } = (await handle.describe()).raw;
      return (
        pendingActivities?.some(({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === code) ??
        false
      );
    },
    { describe: `a pending activity that failed with ${code}` },
  );

/** @returns the names of the activities that a run has scheduled, in their order. */
export async function activitiesOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );
}

/** @returns the rows that a reconcile has in the table of runs: one, once it has begun. */
export const recordedRuns = ({ db }: TestService, { workflowId }: WorkflowHandle) =>
  db.reconcileRun.findMany({ where: { id: { startsWith: `${workflowId}/` } } });

/** @returns ids of the rows that are not deleted, in order. */
export async function liveIds({ db }: TestService): Promise<string[]> {
  const rows = await db.user.findMany({ where: { deletedAt: null }, select: { clerkId: true } });
  return rows.map((row) => row.clerkId).sort();
}

/** @returns ids of the users whom Clerk has, in order. */
export const clerkIds = ({ standIn }: TestService): string[] => standIn.users.ids().sort();

/** @returns what differs between Clerk's users and the live rows: ids of those missing, outdated and left over. */
export async function differences(service: TestService): Promise<string[]> {
  const rows = await service.db.user.findMany({ where: { deletedAt: null } });
  const versions = new Map(rows.map((row) => [row.clerkId, row.clerkUpdatedAt.getTime()]));
  const ids = clerkIds(service);
  const known = new Set(ids);
  return [
    ...ids.filter((id) => !versions.has(id)).map((id) => `${id} is missing`),
    ...ids
      .filter((id) => versions.has(id) && versions.get(id) !== service.standIn.users.get(id).updated_at)
      .map((id) => `${id} is outdated`),
    ...[...versions.keys()].filter((id) => !known.has(id)).map((id) => `${id} is left over`),
  ];
}

/** @returns ids of users whom Clerk has although the log says that they were once taken for deleted. */
export async function wronglyDeleted(service: TestService): Promise<string[]> {
  const deletions = await service.db.userChange.findMany({ where: { kind: 'deleted' } });
  return deletions.map((change) => change.clerkId).filter((id) => service.standIn.users.has(id));
}

/** Another one after every write to any row of `users`, even of what it had. */
export const writesToUsers = ({ db }: TestService): Promise<unknown> =>
  db.$queryRaw`SELECT clerk_id, xmin::text, ctid::text FROM users ORDER BY clerk_id`;
