import type { SyncFailureState } from './sync-user-messages.js';

/** What a run hands to the next one of changes of one kind. */
export interface PendingState<Change> {
  /** What remains to be applied, folded into one. */
  change: Change | null;
  /** Why it did not go through; stays until one does. */
  failure: SyncFailureState | null;
  /** Whether trying again is left to an operator or to the next change. */
  parked: boolean;
}

export const nothingPending = { change: null, failure: null, parked: false } as const;

/** Changes of one kind: those that wait are folded into one while another is applied. */
export class PendingChange<Change> {
  #waiting: Change | null;
  #applying: Change | null = null;
  #failure: SyncFailureState | null;
  #parked: boolean;
  readonly #fold: (a: Change, b: Change) => Change;

  constructor({ change, failure, parked }: PendingState<Change>, fold: (a: Change, b: Change) => Change) {
    this.#fold = fold;
    this.#waiting = change;
    this.#failure = failure;
    this.#parked = parked;
  }

  get failure(): SyncFailureState | null {
    return this.#failure;
  }

  get isParked(): boolean {
    return this.#parked;
  }

  get isApplying(): boolean {
    return this.#applying !== null;
  }

  /** Whether there is something to apply, and nothing of this kind is being applied. */
  get isDue(): boolean {
    return this.#waiting !== null && this.#applying === null && !this.#parked;
  }

  /** For the next run; what is being applied counts as not applied. */
  get state(): PendingState<Change> {
    return { change: this.#all(), failure: this.#failure, parked: this.#parked };
  }

  add(change: Change): void {
    this.#waiting = this.#waiting === null ? change : this.#fold(this.#waiting, change);
    this.#parked = false;
  }

  /** Ends the parking, if it is parked. */
  tryAgain(): void {
    this.#parked = false;
  }

  /** Call it only while {@link isDue}; one of the three below follows. */
  take(): Change {
    const change = this.#waiting;
    if (change === null) throw new TypeError('Nothing waits to be applied.');
    this.#applying = change;
    this.#waiting = null;
    return change;
  }

  applied(): void {
    this.#applying = null;
    this.#failure = null;
  }

  /** The attempt came to nothing: what it was about waits again, with what came meanwhile. */
  putBack(): void {
    this.#waiting = this.#all();
    this.#applying = null;
  }

  /** For good, unless something newer came meanwhile, which is then tried together with it and may cure it. */
  failed(failure: SyncFailureState): void {
    this.#parked = this.#waiting === null;
    this.#failure = failure;
    this.putBack();
  }

  #all(): Change | null {
    if (this.#applying === null || this.#waiting === null) return this.#applying ?? this.#waiting;
    return this.#fold(this.#waiting, this.#applying);
  }
}
