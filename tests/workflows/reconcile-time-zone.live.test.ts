import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { connectDatabase } from '../../src/db/database.js';
import { readEarlierReconciles } from '../../src/db/read-earlier-reconciles.js';
import { SYNC_TASK_QUEUE } from '../../src/names.js';
import { reconcileUsers } from '../../src/workflows/reconcile-users.js';
import { startTestService, type TestService } from '../support/test-service.js';

const sweep = ({ client }: TestService) =>
  client.workflow.execute(reconcileUsers, {
    workflowId: 'sweep',
    taskQueue: SYNC_TASK_QUEUE,
    args: [{ kind: 'sweep' }],
  });

test.each(['Asia/Tokyo', 'America/Los_Angeles'])(
  "with the database's time zone %s, deletions are found at once and times are the same instants",
  async (zone) => {
    const service = await startTestService({ pageSize: 10, standIn: { seedUsers: 25, rateLimit: null } });
    const admin = new Client({ connectionString: service.database.url });
    await admin.connect();
    await admin.query(`ALTER DATABASE "${admin.database}" SET timezone = '${zone}'`);
    await admin.end();
    const db = connectDatabase({ url: service.database.url, poolSize: 1 });
    await service.startWorker();
    const startedMs = Date.now();
    try {
      await sweep(service);
      const [gone = ''] = service.standIn.users.ids();
      service.standIn.users.deleteUser(gone);
      await expect(sweep(service)).resolves.toMatchObject({ deleted: 1, withheld: 0 });
      const lastMs = (await readEarlierReconciles(db))?.startedAtMs ?? 0;
      expect(Math.abs(lastMs - startedMs)).toBeLessThan(60_000);
      const [alive = ''] = service.standIn.users.ids();
      const row = await db.user.findUnique({ where: { clerkId: alive } });
      expect(row?.clerkUpdatedAt.getTime()).toBe(service.standIn.users.get(alive).updated_at);
    } finally {
      await db.$disconnect();
      await service.stop();
    }
  },
);
