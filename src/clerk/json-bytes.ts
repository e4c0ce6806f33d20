const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/**
 * UTF-8 text that is written piece by piece, into one buffer that is used again and again: strings put together so were
 * more than half of what a sweep leaves to the garbage collector.
 */
export class JsonBytes {
  #bytes = Buffer.allocUnsafe(8_192);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** @returns what was written since it was cleared; good until something else is. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** @returns what `write` writes, which is taken back. */
  aside(write: () => void): string {
    const start = this.#length;
    write();
    const text = this.#bytes.toString('utf8', start, this.#length);
    this.#length = start;
    return text;
  }

  byte(byte: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Writes text as it stands. */
  append(text: string): void {
    this.#makeRoom(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Writes what JSON.stringify says. */
  scalar(value: string | number | boolean | null): void {
    if (typeof value === 'string') this.string(value);
    else this.#ascii(typeof value === 'number' && !Number.isFinite(value) ? 'null' : `${value}`);
  }

  /** @see https://tc39.es/ecma262/#sec-quotejsonstring */
  string(value: string): void {
    this.#makeRoom(value.length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let nth = 0; nth < value.length; nth++) {
      const unit = value.charCodeAt(nth);
      if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) {
        // Over what was begun: the length still stands before it.
        this.append(JSON.stringify(value));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  /** In place of `append` for the shortest of texts, for which the call costs more than the work. */
  #ascii(text: string): void {
    this.#makeRoom(text.length);
    for (let nth = 0; nth < text.length; nth++) this.#bytes[this.#length++] = text.charCodeAt(nth);
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const bytes = Buffer.allocUnsafe(2 * (this.#length + more));
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
  }
}
