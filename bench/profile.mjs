// Reads what `node --cpu-prof` writes: a file for each thread.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { printTable } from './print.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MOST = 15;
const NOT_BUSY = new Set(['(root)', '(idle)']);

/** Prints the functions, and the packages and files, in which most time was spent itself; for each thread, the busiest first. */
export async function printProfiles(folder) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
  const threads = await Promise.all(
    files.map(async (file) => selfTimes(JSON.parse(await readFile(path.join(folder, file), 'utf8')))),
  );
  for (const [at, { busyMs, wholeMs, functions, places }] of threads
    .sort((a, b) => b.busyMs - a.busyMs)
    .entries()) {
    const shown = (times) =>
      times
        .slice(0, MOST)
        .map(([name, ms]) => [name, Math.round(ms), `${((ms / busyMs) * 100).toFixed(1)} %`]);
    const title = `Thread ${at + 1}: ${(busyMs / 1000).toFixed(1)} s busy of ${(wholeMs / 1000).toFixed(1)} s`;
    printTable([`${title}, by function`, 'self ms', 'of busy'], shown(functions));
    printTable([`${title}, by place`, 'self ms', 'of busy'], shown(places));
  }
}

/** @see https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = (keyOf) => {
    const times = new Map();
    for (const [at, id] of samples.entries()) {
      const key = keyOf(frames.get(id));
      times.set(key, (times.get(key) ?? 0) + timeDeltas[at] / 1000);
    }
    return [...times].sort((a, b) => b[1] - a[1]);
  };
  const isBusy = ([name]) => !NOT_BUSY.has(name);
  const total = (times) => times.reduce((sum, [, ms]) => sum + ms, 0);
  const everything = sums(functionOf);
  const functions = everything.filter(isBusy);
  return {
    wholeMs: total(everything),
    busyMs: total(functions),
    functions,
    places: sums(placeOf).filter(isBusy),
  };
}

function functionOf({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  return url === '' ? name : `${name} ${fileOf(url)}:${lineNumber + 1}`;
}

/** A package, or a file of ours; what has neither is the engine's own. */
function placeOf({ functionName, url }) {
  if (url === '') return /^\(/.test(functionName) ? functionName : '(built into Node)';
  const file = fileOf(url);
  const [, dependency] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  return dependency ?? file;
}

const fileOf = (url) =>
  (url.startsWith('file:') ? url.slice('file:'.length) : url).replace('//', '').replace(ROOT, '');
