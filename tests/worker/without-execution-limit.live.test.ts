import { expect, test } from '@jest/globals';
import { NativeConnection, Worker } from '@temporalio/worker';
import { WITHOUT_EXECUTION_LIMIT } from '../../src/worker/without-execution-limit.js';
import { fromSetUp } from '../support/from-set-up.js';
import { quietRuntime } from '../support/test-service.js';

test('the SDK still takes the option that its types do not show', async () => {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: fromSetUp('TEST_TEMPORAL_ADDRESS') });
  const worker = await Worker.create({
    connection,
    taskQueue: 'without-execution-limit',
    workflowBundle: { codePath: 'dist/workflow-bundle.js' },
    ...WITHOUT_EXECUTION_LIMIT,
  });
  const running = worker.run();
  worker.shutdown();
  await running;
  await connection.close();
  // biome-ignore lint/complexity/useLiteralKeys: it is protected, and nothing public tells it.
  expect(worker['options'].isolateExecutionTimeoutMs).toBe(4_294_967_295);
});
