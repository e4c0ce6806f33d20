import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { EMPTY_METADATA, NO_RARE_PARTS, type UserRecord } from './user-record.js';

const header = z.object({ clerkStandIn: z.literal(1), instanceId: z.string(), privateKeyPem: z.string() });
const requiredKeys = z.looseObject({ id: z.string(), createdAtMs: z.number(), updatedAtMs: z.number() });

export interface SavedUsers {
  readonly instanceId: string;
  readonly privateKeyPem: string;
  readonly users: UserRecord[];
}

/**
 * Writes a header and one user a line; whoever reads the file sees the old one or the whole new one. A user who
 * changes meanwhile is in it as before or after, never half.
 */
export async function saveUsers(
  file: string,
  saved: Omit<SavedUsers, 'users'>,
  users: Iterable<UserRecord>,
): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  try {
    // The file holds a key, if only of a stand-in: scanners and other accounts need not see it.
    await pipeline(Readable.from(lines(saved, users)), createWriteStream(partial, { mode: 0o600 }));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * @returns undefined when there is no such file
 * @throws Error naming the line that is not what `saveUsers` writes
 */
export async function loadUsers(file: string): Promise<SavedUsers | undefined> {
  if (!(await stat(file).catch(() => undefined))) return undefined;
  const users: UserRecord[] = [];
  let head: z.infer<typeof header> | undefined;
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      line++;
      if (!head) head = header.parse(JSON.parse(text));
      else if (text) users.push(restored(JSON.parse(text)));
    }
  } catch (cause) {
    throw new Error(`${file}, line ${line}, is not a saved user: move the file away to start afresh`, {
      cause,
    });
  }
  return head && { instanceId: head.instanceId, privateKeyPem: head.privateKeyPem, users };
}

const LINES_A_CHUNK = 500;

function* lines(
  { instanceId, privateKeyPem }: Omit<SavedUsers, 'users'>,
  users: Iterable<UserRecord>,
): Generator<string> {
  let chunk = [JSON.stringify({ clerkStandIn: 1, instanceId, privateKeyPem })];
  for (const user of users) {
    chunk.push(JSON.stringify(user));
    if (chunk.length < LINES_A_CHUNK) continue;
    yield `${chunk.join('\n')}\n`;
    chunk = [];
  }
  yield `${chunk.join('\n')}\n`;
}

/** Built key by key, so that all users share one shape, and empty parts one object. */
function restored(parsed: unknown): UserRecord {
  const saved = { ...emptyUser, ...requiredKeys.parse(parsed) } as UserRecord;
  return {
    id: saved.id,
    createdAtMs: saved.createdAtMs,
    updatedAtMs: saved.updatedAtMs,
    lastSignInAtMs: saved.lastSignInAtMs,
    lastActiveDay: saved.lastActiveDay,
    firstName: saved.firstName,
    lastName: saved.lastName,
    username: saved.username,
    externalId: saved.externalId,
    email: saved.email,
    banned: saved.banned,
    publicMetadata: isEmpty(saved.publicMetadata) ? EMPTY_METADATA : saved.publicMetadata,
    rare: isEmpty(saved.rare) ? NO_RARE_PARTS : saved.rare,
  };
}

const isEmpty = (part: object): boolean => Object.keys(part).length === 0;

const emptyUser: Omit<UserRecord, 'id' | 'createdAtMs' | 'updatedAtMs'> = {
  lastSignInAtMs: null,
  lastActiveDay: null,
  firstName: null,
  lastName: null,
  username: null,
  externalId: null,
  email: null,
  banned: false,
  publicMetadata: EMPTY_METADATA,
  rare: NO_RARE_PARTS,
};
