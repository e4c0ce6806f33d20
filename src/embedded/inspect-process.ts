import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface InspectedProcess {
  parentPid: number;
  /** Its command line; empty when it has ended and nobody took note yet. */
  command: string;
}

/** @returns what a process is; undefined when it is gone, or when this machine does not tell. */
export async function inspectProcess(pid: number): Promise<InspectedProcess | undefined> {
  return (await fromProc(pid)) ?? (await fromPs(pid));
}

/** Slim Linux images have no `ps`. */
async function fromProc(pid: number): Promise<InspectedProcess | undefined> {
  try {
    const [stat, commandLine] = await Promise.all(
      ['stat', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
    );
    // The name in brackets may itself hold blanks and brackets.
    const parentPid = /.*\) \S (\d+)/s.exec(stat ?? '')?.[1];
    if (parentPid === undefined || commandLine === undefined) return undefined;
    return { parentPid: Number(parentPid), command: commandLine.split('\0').join(' ') };
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<InspectedProcess | undefined> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', 'ppid=,args=', '-p', String(pid)]);
    const [, parentPid, command] = /^\s*(\d+)\s+(.*)$/m.exec(stdout) ?? [];
    return parentPid === undefined || command === undefined
      ? undefined
      : { parentPid: Number(parentPid), command };
  } catch {
    return undefined;
  }
}
