// A worker with a hook that notes its call in the database, and in the first process never ends.
import { NativeConnection } from '@temporalio/worker';
import { createClerkApi } from '../../dist/clerk/clerk-api.js';
import { connectDatabase } from '../../dist/db/database.js';
import { startWorker } from '../../dist/worker/start-worker.js';

const {
  DATABASE_URL,
  TEMPORAL_ADDRESS: address,
  TEMPORAL_NAMESPACE: namespace,
  HOOK: behaviour,
} = process.env;
const db = connectDatabase({ url: DATABASE_URL, poolSize: 5 });

const note = async ({ clerkUserId, kind, revision }) => {
  await db.$executeRaw`INSERT INTO hook_calls (worker, call) VALUES (${behaviour}, ${`${clerkUserId} ${kind} ${revision}`})`;
  if (behaviour === 'hangs') await new Promise(() => undefined);
};
await startWorker({
  connection: await NativeConnection.connect({ address }),
  namespace,
  concurrency: 5,
  refetchesPerSecond: 2,
  deps: {
    db,
    clerk: createClerkApi({ secretKey: 'sk_test_unused', apiUrl: 'http://127.0.0.1:9' }),
    keepPrivateMetadata: false,
    deletion: { mode: 'soft', holdbackMs: 0 },
    reconcile: {
      pageSize: 500,
      intervalMs: 15_000,
      requestsPerSecond: 2,
      tickShare: 0,
      mostDeletedShare: 0,
      deletionGraceMs: 0,
    },
    hooks: { onUserCreated: note, onUserUpdated: note },
  },
});
process.send?.('running');
