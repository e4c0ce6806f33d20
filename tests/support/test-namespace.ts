import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { temporal } from '@temporalio/proto';
import { SYNC_STATUS_ATTRIBUTE } from '../../src/names.js';
import { fromSetUp } from './from-set-up.js';

/**
 * @returns a new Temporal namespace, with the SyncStatus attribute unless it is left out: files that run side by side don't see each other's
 *   workflows, task queues and schedules. It is gone when the test server stops.
 * @remarks Takes 10 ms, and is usable at once. Namespaces made ahead (`--namespace`) save nothing and cost the server
 *   2 ms of CPU a second each.
 */
export async function createTestNamespace({ syncStatus = true } = {}): Promise<string> {
  const namespace = `test-${randomBytes(8).toString('hex')}`;
  const connection = await Connection.connect({
    address: fromSetUp('TEST_TEMPORAL_ADDRESS'),
    connectTimeout: '2m',
  });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    if (syncStatus) await registerSyncStatus(connection, namespace);
  } finally {
    await connection.close();
  }
  return namespace;
}

export async function registerSyncStatus(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<void> {
  await operatorService.addSearchAttributes({
    namespace,
    searchAttributes: {
      [SYNC_STATUS_ATTRIBUTE]: temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    },
  });
}
