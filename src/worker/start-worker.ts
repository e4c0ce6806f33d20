import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { type ActivityInterceptorsFactory, type NativeConnection, Worker } from '@temporalio/worker';
import type { ActivityDependencies } from '../activities/dependencies.js';
import { createHookActivities } from '../activities/hook-activities.js';
import { createHooksSwitch } from '../activities/hooks-switch.js';
import { createActivities } from '../activities/index.js';
import { pagesPerTask } from '../activities/pages-per-task.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import { MOST_WINDOWS } from '../sweep-windows.js';
import { WITHOUT_EXECUTION_LIMIT } from './without-execution-limit.js';
import { WORKFLOW_TASKS } from './workflow-tasks.js';

/** Made by the build; the replay tests load the same file. */
const WORKFLOW_BUNDLE = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

/** Longer answers of Clerk's are taken as a failing of its. */
const SLOW_ANSWER_SECONDS = 5;

export interface WorkerOptions {
  connection: NativeConnection;
  namespace: string;
  deps: ActivityDependencies;
  /** Activities at a time; more than the database pool has connections would only wait for one. */
  concurrency: number;
  /** The share of Clerk's rate limit that questions about one user may use, whatever the number of workers. */
  refetchesPerSecond: number;
  /** Default: those without a prefix. */
  names?: Names;
}

export interface RunningWorker {
  /** Rejects when a worker fails; resolves after stop(). */
  finished: Promise<void>;
  /** Takes no more tasks, gives those in progress 10 s to end, then resolves. */
  stop(): Promise<void>;
}

/**
 * Runs the workers of this process: one for workflows and activities that need Postgres only; two for requests to Clerk,
 * of reconciles and about one user, whose task queues have the rates that those may use, whatever the number of processes;
 * and, where there are hooks, one for them.
 */
export async function startWorker({
  connection,
  namespace,
  deps,
  concurrency,
  refetchesPerSecond,
  names = PLAIN_NAMES,
}: WorkerOptions): Promise<RunningWorker> {
  if (!existsSync(WORKFLOW_BUNDLE))
    throw new Error(`${WORKFLOW_BUNDLE} is missing. Make it with: npm run build`);
  const activities = createActivities(deps);
  const { hooks } = deps;
  const turnOnHooks =
    hooks && createHooksSwitch({ db: deps.db, hooks }, new Client({ connection, namespace }), names);
  // A worker starts while Postgres is away; its activities then see to it.
  await turnOnHooks?.().catch(() => undefined);
  const common = {
    connection,
    namespace,
    activities,
    interceptors: { activity: turnOnHooks ? [onceHooksAreOn(turnOnHooks)] : [] },
    // The SDK would hold back heartbeats until 2 s before Temporal gives the attempt up, and a busy machine is later than that.
    maxHeartbeatThrottleInterval: '3s',
    shutdownGraceTime: '10s',
    shutdownForceTime: '20s',
  } as const;
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: names.syncTaskQueue,
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
      maxConcurrentActivityTaskExecutions: concurrency,
      maxCachedWorkflows: 500,
      ...WORKFLOW_TASKS,
      // How long a run waits for a worker that died; Temporal's default is 10 s.
      stickyQueueScheduleToStartTimeout: '5s',
      ...WITHOUT_EXECUTION_LIMIT,
    }),
    Worker.create({
      ...common,
      taskQueue: names.reconcileTaskQueue,
      // They mostly wait for Clerk, and only then for a connection to Postgres.
      maxConcurrentActivityTaskExecutions: Math.max(concurrency, MOST_WINDOWS),
      maxTaskQueueActivitiesPerSecond: deps.reconcile.requestsPerSecond / pagesPerTask(deps.reconcile),
    }),
    Worker.create({
      ...common,
      taskQueue: names.refetchTaskQueue,
      // Slots of their own: a Clerk that hangs must not keep whole users from being written. So many that answers which
      // take some seconds do not lower the rate.
      maxConcurrentActivityTaskExecutions: Math.max(
        concurrency,
        Math.ceil(SLOW_ANSWER_SECONDS * refetchesPerSecond),
      ),
      maxTaskQueueActivitiesPerSecond: refetchesPerSecond,
    }),
    ...(hooks
      ? [
          // Of their own, for an application's hook may take a minute, and a webhook may not.
          Worker.create({
            ...common,
            activities: createHookActivities({ db: deps.db, mapping: deps.mapping, hooks }),
            taskQueue: names.hooksTaskQueue,
            maxConcurrentActivityTaskExecutions: concurrency,
          }),
        ]
      : []),
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

/** No activity of this worker writes a row before changes are noted for its hooks. */
const onceHooksAreOn =
  (turnOn: () => Promise<void>): ActivityInterceptorsFactory =>
  () => ({
    inbound: {
      async execute(input, next) {
        await turnOn();
        return next(input);
      },
    },
  });
