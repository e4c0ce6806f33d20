import type { UserRecord } from './user-record.js';

const FULL = 1024;
const AFTER_LOAD = 768;
const SPARSE = 128;

/**
 * Users sorted by (a time, id), in blocks of at most 1,024: at a million users an insertion or removal moves a few
 * kilobytes, and a rank costs one addition a block. A user's time must not change while the user is in here.
 */
export class SortedIndex {
  #blocks: UserRecord[][] = [];
  #size = 0;
  readonly #timeOf: (record: UserRecord) => number;

  constructor(timeOf: (record: UserRecord) => number) {
    this.#timeOf = timeOf;
  }

  get size(): number {
    return this.#size;
  }

  /** Replaces everything: sorting once is far cheaper than a million insertions. */
  load(records: UserRecord[]): void {
    const sorted = records.toSorted((a, b) => (this.#before(a, this.#timeOf(b), b.id) ? -1 : 1));
    this.#blocks = [];
    for (let at = 0; at < sorted.length; at += AFTER_LOAD)
      this.#blocks.push(sorted.slice(at, at + AFTER_LOAD));
    this.#size = sorted.length;
  }

  insert(record: UserRecord): void {
    const timeMs = this.#timeOf(record);
    const blockAt = Math.min(this.#blockFor(timeMs, record.id), this.#blocks.length - 1);
    const block = this.#blocks[blockAt];
    this.#size++;
    if (!block) {
      this.#blocks.push([record]);
      return;
    }
    block.splice(this.#placeIn(block, timeMs, record.id), 0, record);
    // The newest end grows by appending: splitting there in halves would leave every block half empty.
    const keep = blockAt === this.#blocks.length - 1 ? AFTER_LOAD : FULL / 2;
    if (block.length > FULL) this.#blocks.splice(blockAt + 1, 0, block.splice(keep));
  }

  remove(record: UserRecord): void {
    const timeMs = this.#timeOf(record);
    const blockAt = this.#blockFor(timeMs, record.id);
    const block = this.#blocks[blockAt];
    const place = block ? this.#placeIn(block, timeMs, record.id) : -1;
    if (!block || block[place] !== record)
      throw new Error(`index has lost ${record.id}: its time changed in place`);
    block.splice(place, 1);
    this.#size--;
    const next = this.#blocks[blockAt + 1];
    if (block.length === 0) this.#blocks.splice(blockAt, 1);
    else if (next && block.length < SPARSE && next.length < AFTER_LOAD - SPARSE) {
      this.#blocks.splice(blockAt, 2, [...block, ...next]);
    }
  }

  /** @returns how many users stand before (timeMs, id); with `id` '' those strictly earlier than `timeMs`. */
  rankOf(timeMs: number, id: string): number {
    const blockAt = this.#blockFor(timeMs, id);
    const block = this.#blocks[blockAt];
    let rank = block ? this.#placeIn(block, timeMs, id) : 0;
    for (let at = 0; at < blockAt; at++) rank += this.#blocks[at]?.length ?? 0;
    return rank;
  }

  at(rank: number): UserRecord | undefined {
    let found: UserRecord | undefined;
    this.walk(rank, false, (record) => {
      found = record;
      return false;
    });
    return found;
  }

  /** Visits users from `rank` on, towards the newest or, descending, the oldest, until `visit` answers false. */
  walk(rank: number, descending: boolean, visit: (record: UserRecord) => boolean): void {
    if (rank < 0 || rank >= this.#size) return;
    let blockAt = 0;
    let place = rank;
    for (let block = this.#blocks[0]; block && place >= block.length; block = this.#blocks[++blockAt]) {
      place -= block.length;
    }
    const step = descending ? -1 : 1;
    for (let block = this.#blocks[blockAt]; block; block = this.#blocks[blockAt]) {
      for (let record = block[place]; record; record = block[place]) {
        if (!visit(record)) return;
        place += step;
      }
      blockAt += step;
      place = descending ? (this.#blocks[blockAt]?.length ?? 0) - 1 : 0;
    }
  }

  #before(record: UserRecord, timeMs: number, id: string): boolean {
    const ownMs = this.#timeOf(record);
    return ownMs < timeMs || (ownMs === timeMs && record.id < id);
  }

  /** The first block whose last user does not stand before the key. */
  #blockFor(timeMs: number, id: string): number {
    return firstWhere(this.#blocks.length, (at) => {
      const last = this.#blocks[at]?.at(-1);
      return last !== undefined && !this.#before(last, timeMs, id);
    });
  }

  #placeIn(block: UserRecord[], timeMs: number, id: string): number {
    return firstWhere(block.length, (at) => {
      const record = block[at];
      return record !== undefined && !this.#before(record, timeMs, id);
    });
  }
}

/** Binary search: `holds` must be false up to some number and true from there. */
function firstWhere(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
