import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ReplayError, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import {
  endOf,
  type HistoryJson,
  listHistoryFiles,
  parseHistory,
  readHistory,
} from '../record-histories/history-files.js';
import { SCENARIOS } from '../record-histories/scenarios.js';

/** What workers load; `npm test` has just built it. */
const codePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));
const quiet = () => undefined;
Runtime.install({
  logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet },
  telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
  shutdownSignals: [],
});

const files = listHistoryFiles();
/** With the run's own ID, of which those of its children are made. */
const replay = (history: HistoryJson) =>
  Worker.runReplayHistory(
    { workflowBundle: { codePath } },
    history,
    history.events[0].workflowExecutionStartedEventAttributes?.workflowId,
  );

describe('replayed by the built workflows, runs that were recorded do again what they did:', () => {
  test.each(files)('$workflow $scenario ($name)', async (file) => {
    const history = await readHistory(file);
    expect(history.events[0].workflowExecutionStartedEventAttributes?.workflowType.name).toBe(file.workflow);
    await replay(history).catch((cause: unknown) => {
      throw cause instanceof DeterminismViolationError || cause instanceof ReplayError
        ? new Error(whatToDo(file.name), { cause })
        : cause;
    });
  });
});

const whatToDo = (file: string) =>
  `${file} does not replay: with this build, a run that got as far as this one would stall.
Keep its path beside the new one: put the change behind patched('a-name'), or give the workflow a new type.
Recording again cures nothing: the file stands for runs that are open out there. See docs/replay.md.`;

describe('the recorded histories', () => {
  test.each(Object.entries(SCENARIOS))('show every scenario of %s, to its end', async (workflow, ends) => {
    const ours = files.filter((file) => file.workflow === workflow);
    const missing = Object.keys(ends).filter((name) => !ours.some(({ scenario }) => scenario === name));
    if (missing.length > 0)
      throw new Error(
        `tests/histories/${workflow} lacks ${missing.join(', ')}. Bring them back, or, if they are new, run: npm run record-histories`,
      );
    const expected = new Map<string, string>(Object.entries(ends));
    for (const file of ours) {
      const end = endOf(await readHistory(file));
      expect([file.name, end]).toEqual([file.name, expected.get(file.scenario) ?? end]);
    }
  });

  test('name nobody but made-up users at example.com, nor who recorded them', async () => {
    for (const file of files) {
      const text = JSON.stringify(await readHistory(file), decoded);
      const addresses = text.match(/[\w.+-]+@[\w-]+(\.[\w-]+)*/g) ?? [];
      // The SDK's version looks like one.
      const allowed = /@example\.com$|^worker@\d/;
      expect({ file: file.name, addresses: addresses.filter((address) => !allowed.test(address)) }).toEqual({
        file: file.name,
        addresses: [],
      });
    }
  });
});

/** Payloads are base64, which would hide what they say. */
const decoded = (key: string, value: unknown): unknown =>
  key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value;

describe('a replay', () => {
  const readFirst = async () => {
    const [file] = files.filter(({ scenario }) => scenario === 'created-then-closed');
    if (file === undefined) throw new Error('There is no history to try it with.');
    return readHistory(file);
  };

  test('fails when the workflow would do something else than the history says', async () => {
    const other = JSON.stringify(await readFirst()).replaceAll('"applyUserChange"', '"somethingElse"');
    await expect(replay(parseHistory(other))).rejects.toThrow(DeterminismViolationError);
  });

  test('is refused with fewer than two events, for which it would wait for ever', async () => {
    const [first] = (await readFirst()).events;
    expect(() => parseHistory(JSON.stringify({ events: [first] }))).toThrow('cannot be replayed');
    expect(() => parseHistory('{"events":[]}')).toThrow('cannot be replayed');
  });
});
