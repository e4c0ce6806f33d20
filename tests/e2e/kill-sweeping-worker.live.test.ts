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
  /** How often users, or their number, were asked for. */
  asked: number;
  /** The pages that were asked for, by their query. */
  pages: Set<string>;
  /** Called for each page that was never asked for before, before Clerk is asked. */
  onNewPage: () => void;
  stop(): Promise<void>;
}

/** Stands before the stand-in, and remembers which pages were asked for. */
async function startRecordingClerk(target: string): Promise<RecordingClerk> {
  const pages = new Set<string>();
  const server: Server = createServer(async (request, response) => {
    const { url = '', headers } = request;
    if (url.startsWith('/v1/users')) recording.asked += 1;
    if (url.includes('order_by') && !pages.has(url)) {
      pages.add(url);
      recording.onNewPage();
    }
    const { authorization = '' } = headers;
    const answer = await fetch(`${target}${url}`, { headers: { authorization } });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const recording: RecordingClerk = {
    url: `http://127.0.0.1:${port}`,
    asked: 0,
    pages,
    onNewPage: () => undefined,
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

/** @returns how often Temporal had each of the sweep's tasks begun: more than once when its worker died, or seemed to. */
async function attemptsOf(sweep: WorkflowHandle): Promise<number[]> {
  const { events } = await sweep.fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes?.attempt ?? []);
}

test(`a sweep in windows whose workers are killed ${DEATHS} times ends with the right rows, and reads again only what was lost with them`, async () => {
  for (let n = 0; n < WORKERS; n++) startWorkerProcess();
  const handle = await startReconcile(service);
  let deaths = 0;
  let newPages = 0;
  clerk.onNewPage = () => {
    newPages += 1;
    if (deaths === DEATHS || newPages < (deaths + 1) * PAGES_BETWEEN) return;
    // The oldest one, so that it has long begun to read; the page may be its own or another's.
    deaths += 1;
    workers.shift()?.kill('SIGKILL');
    startWorkerProcess();
  };
  const result = await handle.result();
  expect(deaths).toBe(DEATHS);
  expect(result).toMatchObject({ kind: 'sweep', seen: USERS, deleted: 0, failed: 0 });
  // Of a page that was written, but whose worker died before it could tell, the second reading finds nothing new.
  expect(result.created + result.unchanged).toBe(USERS);
  expect(result.windows).toBeGreaterThan(1);
  expect(await differences(service)).toEqual([]);
  expect(await service.db.userChange.count()).toBe(USERS);
  // A task that was lost is begun again, with its few requests. Those of all others the result knows.
  expect(clerk.pages.size).toBe(result.pages);
  const attempts = await attemptsOf(handle);
  const lost = attempts.reduce((sum, attempt) => sum + attempt - 1, 0);
  expect(lost).toBeGreaterThan(0);
  expect(clerk.asked).toBeLessThanOrEqual(result.clerkRequests + lost * PAGES_PER_TASK);
  expect(await service.db.reconcileRun.findMany()).toMatchObject([{ status: 'completed', seen: USERS }]);
}, 900_000);
