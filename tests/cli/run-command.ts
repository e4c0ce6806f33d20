import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitUntil } from '../support/wait-until.js';

const MAIN = path.resolve('dist/cli/main.js');

/** A command of ours as an operator runs it: a process of its own, with no setting but those given. */
export interface RunningCommand {
  /** Everything written so far, to both streams. */
  output(): string;
  /** The log lines so far, parsed. */
  logs(): LogLine[];
  /** Resolves with the first log line that says so. */
  logged(message: string): Promise<LogLine>;
  signal(name: NodeJS.Signals): void;
  /** Resolves once it ended. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export type LogLine = Record<string, unknown> & { msg?: string };

const running = new Set<ChildProcess>();

/** @param options the command's own, as on a command line. */
export function runCommand(
  command: string,
  env: Record<string, string> = {},
  options: readonly string[] = [],
): RunningCommand {
  const child = spawn(process.execPath, [MAIN, command, ...options], {
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  // 'close' comes after the last output.
  const exited = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    return { code, signal };
  });
  const logs = () => output.split('\n').flatMap(parsed);
  return {
    output: () => output,
    logs,
    logged: (message) =>
      waitUntil(
        () => {
          const line = logs().find(({ msg }) => msg === message);
          if (line === undefined && child.exitCode !== null) throw new Error(`it ended: ${output}`);
          return line;
        },
        { describe: () => `"${message}" in the log of ${command}: ${output}` },
      ).then((line) => line ?? {}),
    signal: (name) => {
      child.kill(name);
    },
    exited,
  };
}

/** Ends at once what still runs. For `afterEach` and `afterAll`. */
export async function endCommands(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    }),
  );
}

function parsed(line: string): LogLine[] {
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return [];
  }
}
