import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import type { Database } from '../../src/db/database.js';
import type { SyncOnSignInOptions } from '../../src/sign-in/sync-on-sign-in.js';
import { connectedDatabase } from '../support/connected-database.js';
import type { TestDatabase } from '../support/test-database.js';
import { type Application, startApplication } from './start-application.js';

export interface LoggedLine {
  sentence: string;
  clerkUserId?: string;
  code?: string;
}

/** What a test file about sign-ins has: Clerk, a table, and applications that are stopped after each test. */
export interface SigningIn {
  readonly standIn: StandIn;
  readonly db: Database;
  readonly database: TestDatabase;
  /** Who was handed over to Temporal since the test began, in order. */
  readonly handedOver: string[];
  readonly logged: LoggedLine[];
  /**
   * An application with an API client and a memory of its own, as a process has. Its time box is minutes, unless the
   * options say otherwise: how long a busy machine takes is not what most tests are about.
   */
  start(options?: Partial<SyncOnSignInOptions>): Promise<Application>;
  /** A new user at Clerk; their webhook does not come. */
  signUp(): string;
  /** @returns a token of a new session. */
  token(clerkUserId: string, claims?: Record<string, unknown>): string;
  /** Requests that Clerk answered or was to answer, since the last time this was asked. */
  clerkRequests(): number;
}

const PATIENT_MS = 120_000;

export function signingIn(): SigningIn {
  const connected = connectedDatabase(10);
  let standIn: StandIn | undefined;
  let sessions = 0;
  let requestsBefore = 0;
  const handedOver: string[] = [];
  const logged: LoggedLine[] = [];
  const applications: Application[] = [];
  beforeAll(async () => {
    standIn = await startStandIn({ rateLimit: null });
  });
  afterEach(async () => {
    await Promise.all(applications.splice(0).map((application) => application.stop()));
    if (standIn) standIn.settings.failures = [];
    handedOver.length = 0;
    logged.length = 0;
  });
  afterAll(() => standIn?.stop());
  const clerk = () => {
    if (standIn === undefined) throw new Error('Clerk is there once the tests run.');
    return standIn;
  };
  const log = (fields: object, sentence: string) => {
    logged.push({ ...fields, sentence });
  };
  return {
    get standIn() {
      return clerk();
    },
    get db() {
      return connected.db;
    },
    get database() {
      return connected.database;
    },
    handedOver,
    logged,
    async start(options = {}) {
      const { secretKey, url: apiUrl } = clerk();
      const application = await startApplication(clerk(), {
        db: connected.db,
        clerk: createClerkApi({ secretKey, apiUrl, timeoutMs: PATIENT_MS }),
        timeoutMs: PATIENT_MS,
        handOver: (clerkUserId) => handedOver.push(clerkUserId),
        log: { info: log, warn: log },
        ...options,
      });
      applications.push(application);
      return application;
    },
    signUp: () =>
      clerk().users.createUser({ email_address: [`ada${++sessions}@example.com`], first_name: 'Ada' }).id,
    token: (clerkUserId, claims = {}) =>
      clerk().mintToken({ sub: clerkUserId, sid: `sess_${++sessions}`, ...claims }),
    clerkRequests() {
      const { total } = clerk().stats;
      const since = total - requestsBefore;
      requestsBefore = total;
      return since;
    },
  };
}
