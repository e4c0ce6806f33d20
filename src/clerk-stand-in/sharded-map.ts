const SHARDS = 256;

/**
 * A Map of strings in many small ones: a Map of a million entries stops the process for 100 ms and more each time it
 * grows, which would look like latency of the stand-in.
 */
export class ShardedMap<Value> {
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<string, Value>());

  get size(): number {
    return this.#shards.reduce((total, shard) => total + shard.size, 0);
  }

  get(key: string): Value | undefined {
    return this.#shardOf(key).get(key);
  }

  set(key: string, value: Value): void {
    this.#shardOf(key).set(key, value);
  }

  delete(key: string): boolean {
    return this.#shardOf(key).delete(key);
  }

  *values(): Generator<Value> {
    for (const shard of this.#shards) yield* shard.values();
  }

  #shardOf(key: string): Map<string, Value> {
    let hash = key.length;
    for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
    const shard = this.#shards[(hash ^ (hash >>> 16)) & (SHARDS - 1)];
    if (!shard) throw new Error('unreachable: the shard number is masked');
    return shard;
  }
}
