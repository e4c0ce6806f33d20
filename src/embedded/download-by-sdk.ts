import { type ChildProcess, fork } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface DownloadOptions {
  version: string;
  /** An empty folder, which the caller removes. */
  workshop: string;
  log: (message: string) => void;
}

const STALLED_MS = 15_000;
const POLL_MS = 500;

/**
 * Lets Temporal's SDK download its dev server, in a process of its own: the SDK can neither be told to give up nor be
 * given other Runtime options later.
 *
 * @returns the executable, in the workshop.
 * @throws Error when the host is out of reach, or when nothing arrives for 15 s.
 */
export async function downloadBySdk({ version, workshop, log }: DownloadOptions): Promise<string> {
  log(`Downloading Temporal's CLI ${version} (once, 45 MB)`);
  const entry = fileURLToPath(new URL('./sdk-download.js', import.meta.url));
  const child = fork(entry, [workshop, `v${version}`], { execArgv: [], silent: true });
  const failure = await outcome(child, workshop);
  if (failure) throw new Error(`temporal.download by Temporal's SDK: ${failure}`);
  const [file] = (await readdir(workshop)).filter((name) => name.startsWith('temporal-'));
  if (!file) throw new Error("temporal.download by Temporal's SDK: it left no executable");
  return path.join(workshop, file);
}

/** @returns what went wrong, if anything did; the process has then ended. */
async function outcome(child: ChildProcess, workshop: string): Promise<string | undefined> {
  let ended = false;
  let failure: string | undefined;
  child.on('message', (message) => {
    failure = String(message);
  });
  const exit = new Promise<void>((resolve) => {
    const end = (problem?: string) => {
      failure ??= problem;
      ended = true;
      resolve();
    };
    child.once('close', (code) =>
      end(code === 0 ? undefined : `its process ended with ${code ?? 'a signal'}`),
    );
    child.once('error', (error) => end(error.message));
  });
  let size = 0;
  let progressedAt = Date.now();
  while (!ended) {
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
    const sizeNow = await sizeOf(workshop);
    if (sizeNow !== size) progressedAt = Date.now();
    size = sizeNow;
    if (!ended && Date.now() - progressedAt > STALLED_MS) {
      failure = `nothing arrived for ${STALLED_MS / 1_000} s`;
      child.kill('SIGKILL');
      await exit;
    }
  }
  return failure;
}

async function sizeOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map((name) =>
    stat(path.join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
