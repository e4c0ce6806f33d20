const BASE62 = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 'latin1');
const KSUID_EPOCH_SECONDS = 1_400_000_000;
/** 2^128 / 62^21: how many steps of a KSUID's first six base62 digits one second is. */
const STEPS_PER_SECOND = 2 ** 128 / 62 ** 21;
const BODY_LENGTH = 27;

/**
 * An id as Clerk makes them: a prefix and a KSUID, so that ids sort roughly by the second they were made in.
 * @param prefix with its underscore, such as `user_`
 * @param random answers numbers in [0, 1)
 */
export function newId(prefix: string, atMs: number, random: () => number = Math.random): string {
  // One flat string: concatenation would keep a second object alive for each of a million ids.
  const bytes = Buffer.allocUnsafe(prefix.length + BODY_LENGTH);
  bytes.write(prefix, 'latin1');
  let time = Math.floor((atMs / 1000 - KSUID_EPOCH_SECONDS + random()) * STEPS_PER_SECOND);
  for (let at = prefix.length + 5; at >= prefix.length; at--) {
    bytes[at] = BASE62[Math.max(0, time % 62)] ?? 48;
    time = Math.floor(time / 62);
  }
  for (let at = prefix.length + 6; at < bytes.length; at++)
    bytes[at] = BASE62[Math.floor(random() * 62)] ?? 48;
  return bytes.toString('latin1');
}
