/** The entry of a child process: downloads Temporal's dev server into a folder, and tries it. See download-by-sdk.ts. */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [downloadDir = '', version = ''] = process.argv.slice(2);
try {
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'cached-download', downloadDir, version },
      log: { format: 'pretty', level: 'error' },
    },
  });
  await environment.teardown();
} catch (error) {
  process.exitCode = 1;
  process.send?.((error as Error).message);
} finally {
  process.disconnect?.();
}
