import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const MAIN = path.resolve('dist/cli/main.js');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A `temporal` that tells its version, starts no server, and notes what it was asked for. */
async function noteTakingCli(): Promise<{ cliPath: string; calls: () => Promise<string> }> {
  const cliPath = path.join(folder, 'temporal');
  const notes = path.join(folder, 'calls');
  await writeFile(cliPath, `#!/bin/sh\necho "$@" >> '${notes}'\necho 'temporal version 1.9.1'\n`, {
    mode: 0o755,
  });
  return { cliPath, calls: () => readFile(notes, 'utf8') };
}

test('where Postgres refuses its folder, Temporal is not started on its file', async () => {
  const { cliPath, calls } = await noteTakingCli();
  const data = path.join(folder, '.data', 'postgres');
  await mkdir(data, { recursive: true });
  await writeFile(path.join(data, 'notes.txt'), '');

  const { code, output } = await start({ TEMPORAL_CLI_PATH: cliPath });

  expect(code).toBe(1);
  expect(output).toContain(`${data} holds something other than this project's Postgres data`);
  expect(await calls()).toBe('--version\n');
});

function start(env: Record<string, string>): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, 'start'],
      { cwd: folder, env: { PATH: process.env.PATH ?? '', HOME: folder, ...env } },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}
