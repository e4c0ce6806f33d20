import {
  allHandlersFinished,
  condition,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Counts } from '../activities/compare-counts.js';
import type { ReconcileRunRecord } from '../activities/record-reconcile-run.js';
import { addTotals, noTotals, type ReconcileTotals } from '../reconcile-totals.js';
import {
  pause,
  type ReconcileMode,
  type ReconcileStatus,
  reconcileStatus,
  resume,
  windowProgress,
} from './reconcile-messages.js';

/** A part of a reconcile that runs as a workflow of its own, and has to hear when it is to wait. */
interface Part {
  signal(signal: typeof pause | typeof resume): Promise<void>;
}

/** What a reconcile knows of itself while it runs, and what it shows of that. */
export class ReconcileRun {
  readonly mode: ReconcileMode;
  readonly startedAtMs = Date.now();
  /** One for the whole reconcile. */
  readonly id = `${workflowInfo().workflowId}/${workflowInfo().firstExecutionRunId}`;
  kind: 'sweep' | 'delta' | null = null;
  state: ReconcileStatus['state'] = 'preparing';
  counts: Counts = { clerkUsers: 0, liveRows: 0 };
  pageSize = 0;
  windows = 1;
  paused = false;
  /** What somebody should know of this run, in sentences. */
  readonly notes: string[] = [];
  /** What it left undone because Clerk failed, in sentences. */
  readonly problems: string[] = [];
  /** Up to when every change is known, if later ones were left unread; Unix milliseconds, by Postgres' clock. */
  changesKnownUpToMs?: number;
  readonly #parts: Part[] = [];
  #totals = noTotals();
  #readingSinceMs = this.startedAtMs;
  /** Of windows that are still being read, by their number. */
  readonly #underWay = new Map<number, ReconcileTotals>();

  constructor(mode: ReconcileMode) {
    this.mode = mode;
    setHandler(reconcileStatus, () => this.status());
    setHandler(pause, () => this.#setPaused(true));
    setHandler(resume, () => this.#setPaused(false));
    setHandler(windowProgress, ({ number, totals }) => this.progress(number, totals));
  }

  get totals(): ReconcileTotals {
    return [...this.#underWay.values()].reduce(addTotals, this.#totals);
  }

  /** For the table of runs. */
  record(): Omit<ReconcileRunRecord, 'status'> {
    const { id, startedAtMs, totals, windows, problems, changesKnownUpToMs } = this;
    return {
      id,
      kind: this.kind ?? 'delta',
      startedAtMs,
      totals,
      windows,
      problems,
      ...(changesKnownUpToMs !== undefined && { changesKnownUpToMs }),
    };
  }

  addProblem(problem: string): void {
    if (!this.problems.includes(problem)) this.problems.push(problem);
    this.show();
  }

  /** What a window that is still being read has done so far. */
  progress(window: number, totals: ReconcileTotals): void {
    this.#underWay.set(window, totals);
    this.show();
  }

  /** Adds what was done; of a window, in place of the progress that it reported. */
  add(totals: Partial<ReconcileTotals>, window?: number): void {
    if (window !== undefined) this.#underWay.delete(window);
    this.#totals = addTotals(this.#totals, { ...noTotals(), ...totals });
    this.show();
  }

  /** After a request that counted Clerk's users. */
  counted(counts: Counts): void {
    this.counts = counts;
    if (counts.uncounted !== undefined) this.addProblem(counts.uncounted);
    this.add({ clerkRequests: 1 });
  }

  startReading(kind: 'sweep' | 'delta'): void {
    // A delta may have read some of them before; what it repaired still counts.
    this.#totals = { ...this.#totals, seen: 0, unchanged: 0, stale: 0, failed: 0 };
    this.kind = kind;
    this.state = 'reading';
    this.#readingSinceMs = Date.now();
    this.show();
  }

  /** Lets a part hear of pauses, also of one since it was told with `paused` how to begin. */
  async join(part: Part, paused: boolean): Promise<void> {
    this.#parts.push(part);
    if (paused !== this.paused) await this.#tell(part);
  }

  async untilResumed(): Promise<void> {
    if (this.paused) this.show();
    await condition(() => !this.paused);
  }

  /** Before a run ends: a signal that is being handled is not to be lost. */
  async end(): Promise<void> {
    this.state = 'done';
    await condition(allHandlersFinished);
    this.show();
  }

  status(): ReconcileStatus {
    const { totals, pageSize, counts } = this;
    const clerkUsers = counts.clerkUsers ?? counts.liveRows;
    const seconds = (Date.now() - this.#readingSinceMs) / 1000;
    const usersPerSecond = seconds > 0 ? Math.round(totals.seen / seconds) : 0;
    const isReading = this.kind === 'sweep' && this.state === 'reading' && usersPerSecond > 0;
    return {
      kind: this.kind,
      mode: this.mode,
      state: this.paused && this.state !== 'done' ? 'paused' : this.state,
      totals,
      expectedPages: this.kind === 'sweep' && pageSize > 0 ? Math.ceil(clerkUsers / pageSize) : 0,
      clerkUsers,
      usersPerSecond,
      secondsLeft: isReading ? Math.max(0, Math.round((clerkUsers - totals.seen) / usersPerSecond)) : null,
    };
  }

  /** What the Web UI shows of an open run, and keeps of one that ended. */
  show(): void {
    const { kind, mode, state, totals, expectedPages, clerkUsers, usersPerSecond, secondsLeft } =
      this.status();
    const words = [
      `**${mode === 'plan' ? 'Plan' : kind === 'delta' ? 'Delta' : 'Sweep'}**, ${state}`,
      kind === 'sweep'
        ? `page ${totals.pages} of ${expectedPages}, ${totals.seen} of ${clerkUsers} users`
        : `${totals.seen} users on ${totals.pages} pages`,
      ...(this.windows > 1 ? [`${this.windows} windows`] : []),
      ...(usersPerSecond > 0 ? [`${usersPerSecond} users/s`] : []),
      ...(secondsLeft === null ? [] : [`${secondsLeft} s left`]),
    ];
    setCurrentDetails(
      [
        `${words.join('; ')}.`,
        `${mode === 'plan' ? 'To repair: created' : 'Created'} ${totals.created}, updated ${totals.updated}, restored ${totals.restored}, deleted ${totals.deleted}, withheld ${totals.withheld}, unasked ${totals.unasked}, failed ${totals.failed}; ${totals.clerkRequests} requests to Clerk.`,
        ...(this.paused ? ['**Paused**: the signal `resume` lets it go on.'] : []),
        ...this.problems.map((problem) => `**Left undone**: ${problem}`),
        ...this.notes,
      ].join('\n\n'),
    );
  }

  async #setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
    this.show();
    await Promise.all(this.#parts.map((part) => this.#tell(part)));
  }

  #tell(part: Part): Promise<void> {
    // A part that has ended needs no word.
    return part.signal(this.paused ? pause : resume).catch(() => undefined);
  }
}
