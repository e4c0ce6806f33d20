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
  return {
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    parent: Number(fields[1]),
    ownTicks: userTime + systemTime,
    ticks: userTime + systemTime + endedUser + endedSystem,
  };
}

/** @returns CPU seconds so far of all processes of the machine. */
function machineSeconds() {
  const [, user, nice, system, , , irq, softIrq] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/, 8)
    .map(Number);
  return (user + nice + system + irq + softIrq) / TICKS_PER_SECOND;
}

/**
 * Starts counting.
 *
 * @returns a function that says how many CPU seconds each has used since, and this process, and all others: where those
 *   have used much, the machine was not ours, and times mean little.
 */
export function watchCpu(pids) {
  const names = Object.keys(pids);
  const now = () => names.map((name) => cpuSeconds(pids[name]));
  const [before, own, machine] = [now(), process.cpuUsage(), machineSeconds()];
  return () => {
    const [after, { user, system }, all] = [now(), process.cpuUsage(own), machineSeconds() - machine];
    const used = { ...Object.fromEntries(names.map((name, at) => [name, after[at] - before[at]])) };
    used['this process'] = (user + system) / 1e6;
    const ours = Object.values(used).reduce((sum, seconds) => sum + seconds, 0);
    return { ...used, others: Math.max(0, all - ours) };
  };
}

/** @returns CPU seconds so far of a process's threads, by their names, the busiest first. */
export function threadSeconds(pid) {
  const seconds = new Map();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = statOf(`${pid}/task/${thread}`);
    if (!stat) continue;
    const name = thread === String(pid) ? 'main thread' : stat.name;
    seconds.set(name, (seconds.get(name) ?? 0) + stat.ownTicks / TICKS_PER_SECOND);
  }
  return [...seconds].sort((a, b) => b[1] - a[1]);
}
