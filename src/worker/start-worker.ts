import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type NativeConnection, Worker } from '@temporalio/worker';
import type { ActivityDependencies } from '../activities/dependencies.js';
import { createActivities } from '../activities/index.js';
import { pagesPerTask } from '../activities/pages-per-task.js';
import { RECONCILE_TASK_QUEUE, SYNC_TASK_QUEUE } from '../names.js';

/** Made by the build; the replay tests load the same file. */
const WORKFLOW_BUNDLE = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** As many as a sweep reads side by side; they mostly wait for Clerk, and only then for a connection to Postgres. */
const MOST_WINDOWS = 16;

export interface WorkerOptions {
  connection: NativeConnection;
  namespace: string;
  deps: ActivityDependencies;
  /** Activities at a time; more than the database pool has connections would only wait for one. */
  concurrency: number;
}

export interface RunningWorker {
  /** Rejects when a worker fails; resolves after stop(). */
  finished: Promise<void>;
  /** Takes no more tasks, gives those in progress 10 s to end, then resolves. */
  stop(): Promise<void>;
}

/**
 * Runs the two workers of this process: one for workflows and their own activities, one for requests to Clerk, whose
 * task queue has the rate that reconciling may use, whatever the number of processes.
 */
export async function startWorker({
  connection,
  namespace,
  deps,
  concurrency,
}: WorkerOptions): Promise<RunningWorker> {
  if (!existsSync(WORKFLOW_BUNDLE))
    throw new Error(`${WORKFLOW_BUNDLE} is missing. Make it with: npm run build`);
  const activities = createActivities(deps);
  const { requestsPerSecond } = deps.reconcile;
  const common = {
    connection,
    namespace,
    activities,
    shutdownGraceTime: '10s',
    shutdownForceTime: '20s',
  } as const;
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: SYNC_TASK_QUEUE,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      maxConcurrentActivityTaskExecutions: concurrency,
      maxCachedWorkflows: 500,
      // How long a run waits for a worker that died; Temporal's default is 10 s.
      stickyQueueScheduleToStartTimeout: '5s',
    }),
    Worker.create({
      ...common,
      taskQueue: RECONCILE_TASK_QUEUE,
      maxConcurrentActivityTaskExecutions: Math.max(concurrency, MOST_WINDOWS),
      maxTaskQueueActivitiesPerSecond: requestsPerSecond / pagesPerTask(requestsPerSecond),
    }),
  ]);
  const runs = workers.map((worker) => worker.run());
  const stopAll = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // One without the other would look alive and do half the work.
  for (const run of runs) run.then(stopAll, stopAll);
  const finished = Promise.all(runs).then(() => undefined);
  return {
    finished,
    async stop() {
      stopAll();
      await finished;
    },
  };
}
