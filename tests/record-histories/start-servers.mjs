// Jest's global set-up of the recorder: the live tests' servers, and a second Temporal for long runs.
import path from 'node:path';
import { startTemporal } from '../../dist/embedded/start-temporal.js';
import startServers, { stopServers } from '../support/start-servers.mjs';

/** Temporal suggests continuing as new at 4,096 events; a history of that many would be megabytes of the same. */
const SUGGESTED_AT_EVENTS = 60;

export default async function startRecordingServers() {
  await startServers();
  const { folder, stop } = globalThis.testServers;
  try {
    const temporal = await startTemporal({
      cliPath: process.env.TEST_TEMPORAL_CLI,
      port: 0,
      headless: true,
      logFile: path.join(folder, 'temporal-suggesting.log'),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': String(SUGGESTED_AT_EVENTS) },
    });
    stop.push(temporal.stop);
    process.env.RECORD_SUGGESTING_ADDRESS = temporal.address;
  } catch (error) {
    await stopServers();
    throw error;
  }
}
