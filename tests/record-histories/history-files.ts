import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type History, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { End } from './scenarios.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = path.join(root, 'tests', 'histories');

export interface HistoryFile {
  workflow: string;
  scenario: string;
  /** Absolute. */
  path: string;
  /** From the checkout's root, for messages. */
  name: string;
}

/** @param label what `--beside` was given: a history of the same scenario on a later path. */
export function historyFile(workflow: string, scenario: string, label?: string): HistoryFile {
  const base = label === undefined ? scenario : `${scenario}.${label}`;
  const file = path.join(folder, workflow, `${base}.json`);
  return { workflow, scenario, path: file, name: path.relative(root, file).replaceAll(path.sep, '/') };
}

/** @returns every recorded history, whoever put it there, in the order of their names. */
export function listHistoryFiles(): HistoryFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const [scenario = '', ...labels] = path.basename(name, '.json').split('.');
      return historyFile(path.dirname(name), scenario, labels.length === 0 ? undefined : labels.join('.'));
    });
}

/** The parts of a history's JSON that the tests look at. */
export interface HistoryJson {
  events: [HistoryEventJson, ...HistoryEventJson[]];
}
interface HistoryEventJson {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string }; workflowId?: string };
}

/** @throws Error for a history that is no use: a replay of fewer than two events never ends. */
export function parseHistory(text: string): HistoryJson {
  const { events } = JSON.parse(text) as { events?: HistoryEventJson[] };
  const [first, ...others] = events ?? [];
  if (first === undefined || others.length === 0) {
    throw new Error(
      `A history of ${events?.length ?? 'no'} events cannot be replayed: Temporal would wait for more.`,
    );
  }
  return { events: [first, ...others] };
}

export const readHistory = async (file: HistoryFile): Promise<HistoryJson> =>
  parseHistory(await readFile(file.path, 'utf8'));

/** @returns the text of a history's file, one event a line: small, and still readable in a diff. */
export function renderHistory(history: History): string {
  // JSON.stringify of the history itself would lose its times and enums.
  const { events } = JSON.parse(historyToJSON(history)) as { events: unknown[] };
  const lines = events.map((event) => withoutOurMachine(JSON.stringify(event, withoutStacks)));
  return `{"events":[\n${lines.join(',\n')}\n]}\n`;
}

/** Who recorded it is nobody's business: their machine's name is in every identity, their folders in every stack. */
const withoutOurMachine = (json: string) => json.replaceAll(`${process.pid}@${hostname()}`, 'recorder');
const withoutStacks = (key: string, value: unknown) => (key === 'stackTrace' ? undefined : value);

export async function writeHistory(file: HistoryFile, text: string, overwrite: boolean): Promise<void> {
  await mkdir(path.dirname(file.path), { recursive: true });
  await writeFile(file.path, text, { flag: overwrite ? 'w' : 'wx' });
}

const ENDS: Readonly<Record<string, End>> = {
  EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: 'completed',
  EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: 'continued as new',
  EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: 'cancelled',
  EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: 'failed',
  EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: 'timed out',
  EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: 'terminated',
};

export const endOf = ({ events }: HistoryJson): End => ENDS[events.at(-1)?.eventType ?? ''] ?? 'open';
