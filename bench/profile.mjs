// Reads what `node --cpu-prof` writes: a file for each thread.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { printTable } from './print.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MOST = 15;
const NOT_BUSY = new Set(['(root)', '(idle)']);

/** Prints the functions in which most time was spent themselves, for each thread, the busiest first. */
export async function printProfiles(folder) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
  const threads = await Promise.all(
    files.map(async (file) => selfTimes(JSON.parse(await readFile(path.join(folder, file), 'utf8')))),
  );
  for (const [at, { busyMs, wholeMs, functions }] of threads.sort((a, b) => b.busyMs - a.busyMs).entries()) {
    printTable(
      [
        `Thread ${at + 1}: ${(busyMs / 1000).toFixed(1)} s busy of ${(wholeMs / 1000).toFixed(1)} s`,
        'self ms',
        'of busy',
      ],
      functions
        .slice(0, MOST)
        .map(([name, ms]) => [name, Math.round(ms), `${((ms / busyMs) * 100).toFixed(1)} %`]),
    );
  }
}

/** @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
function selfTimes({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map();
  for (const [at, id] of samples.entries()) {
    const name = names.get(id);
    times.set(name, (times.get(name) ?? 0) + timeDeltas[at] / 1000);
  }
  const wholeMs = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  const functions = [...times].filter(([name]) => !NOT_BUSY.has(name)).sort((a, b) => b[1] - a[1]);
  return { wholeMs, busyMs: functions.reduce((sum, [, ms]) => sum + ms, 0), functions };
}

function nameOf({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const file = url.startsWith('file:') ? path.relative(ROOT, fileURLToPath(url)) : url;
  return `${name} ${file}:${lineNumber + 1}`;
}
