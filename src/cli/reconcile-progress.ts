import cliProgress from 'cli-progress';
import type { ReconcileResult, ReconcileStatus } from '../workflows/reconcile-messages.js';
import { duration, grouped } from './in-words.js';

/** Shows a reconcile's progress on standard error, so that standard output holds the result alone. */
export interface ReconcileProgress {
  show(status: ReconcileStatus): void;
  /** Writes a line beside the bar. */
  say(line: string): void;
  /** @param result without one, the bar stays where it was. */
  stop(result?: ReconcileResult): void;
}

/** In a log, a line now and then is enough. */
const IN_LOG_MS = 5_000;

/** @param stream a terminal gets a bar, anything else lines. */
export function showProgress(stream: NodeJS.WriteStream): ReconcileProgress {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: NodeJS.WriteStream): ReconcileProgress {
  const drawn = new cliProgress.SingleBar({
    format: '  {bar} {words}',
    stream,
    // Ctrl-C cancels the workflow; the bar must not end the process before that.
    gracefulExit: false,
    // What is said in between wipes the line.
    forceRedraw: true,
  });
  let started = false;
  return {
    show(status) {
      const { seen, total, words } = progressOf(status);
      if (!started) drawn.start(total, seen, { words });
      started = true;
      drawn.setTotal(total);
      drawn.update(seen, { words });
    },
    say(line) {
      stream.write(`${started ? '\r\u001b[2K' : ''}${line}\n`);
    },
    stop(result) {
      if (!started) return;
      if (result) {
        drawn.setTotal(result.seen);
        drawn.update(result.seen, { words: `${result.kind}: ${grouped(result.seen)} users` });
      }
      drawn.stop();
    },
  };
}

function lines(stream: NodeJS.WriteStream): ReconcileProgress {
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    show(status) {
      if (performance.now() - shownMs < IN_LOG_MS) return;
      shownMs = performance.now();
      stream.write(`${progressOf(status).words}\n`);
    },
    say(line) {
      stream.write(`${line}\n`);
    },
    stop() {},
  };
}

const STATES: Record<ReconcileStatus['state'], string | null> = {
  preparing: 'counting users',
  reading: null,
  paused: 'paused, waiting for the signal resume',
  asking: 'asking Clerk about rows that it did not list',
  deleting: 'deleting rows of users who are gone',
  done: 'done',
};

/** What the bar shows: `sweep: 1,200 of 2,003 users, 400 a second, 2 s left`. */
export function progressOf(status: ReconcileStatus): { seen: number; total: number; words: string } {
  const { kind, state, totals, clerkUsers, usersPerSecond, secondsLeft } = status;
  // Users sign up while one reads; a bar beyond its end would only puzzle.
  const total = Math.max(clerkUsers, totals.seen);
  const reading = state === 'reading';
  const words = [
    kind === null ? null : `${kind}: ${grouped(totals.seen)} of ${grouped(total)} users`,
    reading && usersPerSecond > 0 ? `${grouped(Math.round(usersPerSecond))} a second` : null,
    reading && secondsLeft !== null ? `${duration(secondsLeft * 1000)} left` : null,
    STATES[state],
  ];
  return { seen: totals.seen, total, words: words.filter((word) => word !== null).join(', ') };
}
