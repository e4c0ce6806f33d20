import { ApplicationFailure, allHandlersFinished, condition, Trigger } from '@temporalio/workflow';
import type { Outcome } from '../user-change.js';
import type { SyncFailureState, SyncNowResult } from './sync-user-messages.js';

/** What becomes of those whose changes are being applied; one of these is called, unless the run ends first. */
export interface TakenCallers {
  readonly count: number;
  applied(outcome: Outcome): void;
  /** For good: they get the failure for an answer. */
  failed(failure: SyncFailureState): void;
  /** They wait for the next attempt. */
  putBack(): void;
}

/** The callers of `syncNow`: each waits until a state that includes its change was applied. */
export class WaitingCallers {
  #waiting: Trigger<SyncNowResult>[] = [];
  #taken: Trigger<SyncNowResult>[] = [];
  #runEnds = false;

  /** Of those whose changes are not being applied yet. */
  get count(): number {
    return this.#waiting.length;
  }

  async wait(): Promise<SyncNowResult> {
    if (this.#runEnds) return { outcome: null };
    const answer = new Trigger<SyncNowResult>();
    this.#waiting.push(answer);
    return await answer;
  }

  /** Takes those who wait now, whose changes are in what is applied next; who comes later waits for more. */
  take(): TakenCallers {
    const taken = this.#waiting;
    this.#taken = taken;
    this.#waiting = [];
    return {
      count: taken.length,
      applied: (outcome) => {
        for (const caller of taken) caller.resolve({ outcome });
      },
      failed: ({ code, message }) => {
        for (const caller of taken) caller.reject(ApplicationFailure.nonRetryable(message, code));
      },
      putBack: () => {
        this.#waiting = [...taken, ...this.#waiting];
      },
    };
  }

  /** Before a run continues as new: an update cannot be handed over, its change is. Nobody is left without an answer. */
  async sendToNextRun(): Promise<void> {
    this.#runEnds = true;
    // Of those who have their answer already, this changes nothing.
    for (const caller of [...this.#taken, ...this.#waiting.splice(0)]) caller.resolve({ outcome: null });
    await condition(allHandlersFinished);
  }
}
