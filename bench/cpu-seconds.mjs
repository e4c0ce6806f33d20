// CPU time of processes, as Linux counts it.
import { readdirSync, readFileSync } from 'node:fs';

/** Of getconf CLK_TCK: a constant of Linux's interface, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** @returns CPU seconds so far of a process and of its children, those that ended included. */
export function cpuSeconds(pid) {
  const all = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = statOf(entry);
    if (stat) all.set(Number(entry), stat);
  }
  const isBelow = (child) => child === pid || (all.has(child) && isBelow(all.get(child).parent));
  let ticks = 0;
  for (const [id, stat] of all) if (isBelow(id)) ticks += stat.ticks;
  return ticks / TICKS_PER_SECOND;
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statOf(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended while we looked.
    return undefined;
  }
  // The second field is the name, which may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [userTime, systemTime, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1]), ticks: userTime + systemTime + endedUser + endedSystem };
}

/** Starts counting. @returns a function that says how many CPU seconds each has used since, and this process. */
export function watchCpu(pids) {
  const names = Object.keys(pids);
  const before = names.map((name) => cpuSeconds(pids[name]));
  const own = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(own);
    const used = names.map((name, at) => [name, cpuSeconds(pids[name]) - before[at]]);
    return { ...Object.fromEntries(used), bench: (user + system) / 1e6 };
  };
}
