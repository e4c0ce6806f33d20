import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { endOf, historyFile, parseHistory, renderHistory, writeHistory } from './history-files.js';
import { SCENARIOS, type Scenario, type Workflow } from './scenarios.js';

const all = process.env.RECORD_HISTORIES_ALL === 'yes';
const label = process.env.RECORD_HISTORIES_BESIDE;

/**
 * Registers a scenario with Jest: runs it and keeps its history in tests/histories, unless that is there already.
 *
 * A recorded history is evidence of what runs in the wild. When its replay turns red, add `patched()`; don't record it
 * again. Only before the first release, with nothing in the wild, is `--all` right.
 *
 * @param names of the histories, one a run.
 * @param run brings about what the names say, and gives those runs, first one first; open ones are terminated then.
 * @param cleanUp once the histories are fetched, however that went.
 * @throws Error, and nothing is written, when a history does not end as {@link SCENARIOS} says.
 */
export function record<W extends Workflow>(
  workflow: W,
  names: Scenario<W> | Scenario<W>[],
  run: () => Promise<WorkflowHandle | WorkflowHandle[]>,
  cleanUp: () => Promise<void> = async () => undefined,
): void {
  const scenarios = [names].flat();
  const files = scenarios.map((scenario) => historyFile(workflow, scenario, label));
  const title = `${workflow}: ${scenarios.join(', ')}`;
  const kept = all ? [] : files.filter((file) => existsSync(file.path));
  if (kept.length === files.length) {
    test(`${title} (kept as it is)`, () => undefined);
    return;
  }
  test(title, async () => {
    if (kept[0])
      throw new Error(
        `${kept[0].name} is there without the other run of its chain: restore that, or remove this.`,
      );
    try {
      const handles = [await run()].flat();
      const texts = await Promise.all(
        handles.map(async (handle) => renderHistory(await handle.fetchHistory())),
      );
      const ends: Readonly<Record<string, string>> = SCENARIOS[workflow];
      expect(texts.map((text) => endOf(parseHistory(text)))).toEqual(scenarios.map((name) => ends[name]));
      for (const [at, file] of files.entries()) await writeHistory(file, texts[at] ?? '', all);
      for (const handle of handles) {
        if ((await handle.describe()).status.name === 'RUNNING') await handle.terminate('It is recorded.');
      }
    } finally {
      await cleanUp();
    }
  });
}
