import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { pagesPerTask } from '../../src/activities/pages-per-task.js';
import { fromSetUp } from '../support/from-set-up.js';
import { differences, startReconcile } from '../support/reconciling.js';
import { startTestService, type TestService } from '../support/test-service.js';

/** So many that ten deaths fit in between, also on a busy machine, where it takes longer until nothing is tried again. */
const USERS = 480;
const PAGE_SIZE = 2;
const REQUESTS_PER_SECOND = 20;
const PAGES_PER_TASK = pagesPerTask({ requestsPerSecond: REQUESTS_PER_SECOND });
const DEATHS = 10;
/** Deaths come so many pages after one another, and the tenth well before the end. */
const PAGES_BETWEEN = 9;
/** So that two workers are up while a third one starts. */
const WORKERS = 3;

let service: TestService;
let clerk: RecordingClerk;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  service = await startTestService({ standIn: { seedUsers: USERS, rateLimit: null } });
  clerk = await startRecordingClerk(service.standIn.url);
});
afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await clerk.stop();
  await service.stop();
});

interface RecordingClerk {
  url: string;
  /** How often each page was asked for, by its query. */
  pages: Map<string, number>;
  /** How often a page was asked for that had been asked for before. */
  askedAgain: number;
  /** Is told of each page that was never asked for before, and awaited before Clerk hears of it. */
  onNewPage: () => Promise<void>;
  stop(): Promise<void>;
}

/** Stands before the stand-in, and remembers which pages were asked for. */
async function startRecordingClerk(target: string): Promise<RecordingClerk> {
  const pages = new Map<string, number>();
  const server: Server = createServer(async (request, response) => {
    const { url = '', headers } = request;
    const isPage = url.includes('order_by');
    const asked = pages.get(url) ?? 0;
    if (isPage) pages.set(url, asked + 1);
    if (isPage && asked > 0) recording.askedAgain += 1;
    if (isPage && asked === 0) await recording.onNewPage();
    const { authorization = '' } = headers;
    const answer = await fetch(`${target}${url}`, { headers: { authorization } });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const recording: RecordingClerk = {
    url: `http://127.0.0.1:${port}`,
    pages,
    askedAgain: 0,
    onNewPage: async () => undefined,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return recording;
}

/** The worker as operators run it. */
function startWorkerProcess(): void {
  workers.push(
    spawn(process.execPath, ['dist/cli/main.js', 'worker'], {
      env: {
        DATABASE_URL: service.database.url,
        CLERK_SECRET_KEY: service.standIn.secretKey,
        CLERK_API_URL: clerk.url,
        TEMPORAL_ADDRESS: fromSetUp('TEST_TEMPORAL_ADDRESS'),
        TEMPORAL_NAMESPACE: service.namespace,
        RECONCILE_PAGE_SIZE: String(PAGE_SIZE),
        RECONCILE_REQUESTS_PER_SECOND: String(REQUESTS_PER_SECOND),
        LOG_LEVEL: 'error',
      },
      stdio: 'ignore',
    }),
  );
}

/** Whether an activity of the sweep is in its second attempt, or waits for it. */
async function anyIsTriedAgain(sweep: WorkflowHandle): Promise<boolean> {
  const { pendingActivities } = (await sweep.describe()).raw;
  return pendingActivities?.some(({ attempt }) => Number(attempt) > 1) ?? false;
}

test(`a sweep in windows whose workers are killed ${DEATHS} times ends with the right rows, and no page is read a third time`, async () => {
  for (let n = 0; n < WORKERS; n++) startWorkerProcess();
  const handle = await startReconcile(service);
  let deaths = 0;
  let newPages = 0;
  let isDeciding = false;
  clerk.onNewPage = async () => {
    newPages += 1;
    if (isDeciding || !mayDie()) return;
    isDeciding = true;
    // Whichever is the oldest; the page may be its own or another's. It stands still meanwhile: else it could begin a
    // second attempt between Temporal's answer and its death.
    const [victim] = workers;
    victim?.kill('SIGSTOP');
    const { askedAgain } = clerk;
    // What is read for the second time is let through, up to its end in Temporal: dying twice over one page is a
    // misfortune of its own.
    if ((await anyIsTriedAgain(handle)) || clerk.askedAgain !== askedAgain) victim?.kill('SIGCONT');
    else {
      deaths += 1;
      workers.shift()?.kill('SIGKILL');
      startWorkerProcess();
    }
    isDeciding = false;
  };
  const mayDie = () => deaths < DEATHS && newPages >= (deaths + 1) * PAGES_BETWEEN;
  const result = await handle.result();
  expect(deaths).toBe(DEATHS);
  expect(result).toMatchObject({ kind: 'sweep', seen: USERS, deleted: 0, failed: 0 });
  // Of a page that was written, but whose worker died before it could tell, the second reading finds nothing new.
  expect(result.created + result.unchanged).toBe(USERS);
  expect(result.windows).toBeGreaterThan(1);
  expect(await differences(service)).toEqual([]);
  expect(await service.db.userChange.count()).toBe(USERS);
  // What was lost with a worker is read once more, and nothing else.
  expect(clerk.pages.size).toBe(result.pages);
  const readAgain = [...clerk.pages.values()].filter((times) => times > 1);
  expect(new Set(readAgain)).toEqual(new Set([2]));
  expect(readAgain.length).toBeLessThanOrEqual(DEATHS * result.windows * PAGES_PER_TASK);
  expect(await service.db.reconcileRun.findMany()).toMatchObject([{ status: 'completed', seen: USERS }]);
}, 180_000);
