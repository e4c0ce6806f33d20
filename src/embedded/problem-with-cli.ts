import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @returns why that `temporal` cannot run our dev server; undefined when it can. */
export async function problemWithCli(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(file, ['--version'], { timeout: 15_000 });
    const [, major, minor] = /^temporal version (\d+)\.(\d+)/.exec(stdout) ?? [];
    if (major === undefined) return `${file} is not Temporal's CLI: it answered "${stdout.split('\n')[0]}"`;
    const isOld = Number(major) < 1 || (Number(major) === 1 && Number(minor) < 3);
    return isOld ? `${file} is version ${major}.${minor}, and 1.3 is the oldest that will do` : undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      return file.includes('/') ? `${file} does not exist` : `there is no ${file} on PATH`;
    return `${file} does not run: ${message.trim()}`;
  }
}
