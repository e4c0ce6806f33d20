// Processes of the service, run as operators run them, each measured from outside.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SIGNING_SECRET } from './webhooks.mjs';

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
      if (lines.length < 1000) lines.push(line);
      if (ready.test(line)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code} before it was ready`)));
  });
  return {
    pid: child.pid,
    lines,
    /** @returns null while it runs, then its exit code or the signal that ended it. */
    ended: () => child.exitCode ?? child.signalCode,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
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

/** The starter process, whose Schedules do not fire while one watches. */
export async function startStarter({ servers, database, env = {} }) {
  const starter = await startProcess(
    ['starter'],
    {
      PORT: '0',
      HOST: '127.0.0.1',
      CLERK_WEBHOOK_SIGNING_SECRET: SIGNING_SECRET,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: servers.temporalAddress,
      RECONCILE_INTERVAL_SECONDS: '86400',
      SWEEP_INTERVAL_SECONDS: '604800',
      ...env,
    },
    /Starter listening/,
  );
  const line = starter.lines.find((each) => each.includes('Starter listening'));
  return { ...starter, url: JSON.parse(line).url };
}

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
