// Processes of the service, run as operators run them, each measured from outside.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../bin/clerk-sync.js', import.meta.url));

/**
 * @param nodeFlags for Node itself: `--cpu-prof`.
 * @returns once a line matches `ready`, with all lines up to it.
 */
export async function startProcess(args, env, ready, nodeFlags = []) {
  const child = spawn(process.execPath, [...nodeFlags, CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  const output = createInterface({ input: child.stdout });
  await new Promise((resolve, reject) => {
    output.on('line', (line) => {
      if (lines.length < 100) lines.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code} before it was ready`)));
  });
  return {
    pid: child.pid,
    lines,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** The worker process. @param budget Clerk requests a second. */
export const startWorker = ({ servers, clerk, database, budget, env = {}, nodeFlags }) =>
  startProcess(
    ['worker'],
    {
      ...clerk.env,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: servers.temporalAddress,
      RECONCILE_REQUESTS_PER_SECOND: String(budget),
      ...env,
    },
    /Worker running/,
    nodeFlags,
  );

/** Samples a process's resident memory until stopped. */
export function watchMemory(pid, everyMs = 200) {
  const samples = [];
  const timer = setInterval(() => {
    const [, kB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    samples.push(Math.round(Number(kB) / 1024));
  }, everyMs);
  return () => {
    clearInterval(timer);
    return samples;
  };
}
