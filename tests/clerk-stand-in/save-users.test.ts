import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';

let folder: string;
let dataFile: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'clerk-stand-in-'));
  dataFile = path.join(folder, 'data', 'users.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const now = () => Date.UTC(2026, 0, 1);

test('a restart finds the users, the indexes, the instance and the signing key as they were', async () => {
  const first = await startStandIn({ seedUsers: 90, dataFile, now });
  const created = first.users.createUser({ email_address: ['kept@example.com'], external_id: 'crm-kept' });
  first.users.deleteUser(first.users.ids()[0] ?? '');
  first.users.lockUser(first.users.ids()[5] ?? '');
  const users = first.users.list('limit=500&order_by=-updated_at');
  await first.stop();

  const second = await startStandIn({ seedUsers: 90, dataFile, now });
  expect(second.users.list('limit=500&order_by=-updated_at')).toEqual(users);
  expect(second.users.list('external_id=crm-kept')).toEqual([created]);
  expect(second.jwtKey).toBe(first.jwtKey);
  expect(second.instanceId).toBe(first.instanceId);
  expect(() => second.users.createUser({ email_address: ['kept@example.com'] })).toThrow(
    'email address is taken',
  );
  await second.stop();
});

test('saving leaves one whole file, a header and a user a line', async () => {
  const standIn = await startStandIn({ seedUsers: 1200, dataFile });
  await standIn.stop();
  expect(await readdir(path.dirname(dataFile))).toEqual(['users.jsonl']);
  const lines = (await readFile(dataFile, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(1201);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ clerkStandIn: 1 });
});

test('nothing is written when nothing has changed', async () => {
  await (await startStandIn({ seedUsers: 3, dataFile })).stop();
  const text = `${await readFile(dataFile, 'utf8')}\n`;
  await writeFile(dataFile, text);
  await (await startStandIn({ dataFile })).stop();
  expect(await readFile(dataFile, 'utf8')).toBe(text);
});

test('a file of something else is refused by line, and left alone', async () => {
  dataFile = path.join(folder, 'notes.txt');
  await writeFile(dataFile, 'my notes\n');
  await expect(startStandIn({ dataFile })).rejects.toThrow('notes.txt, line 1, is not a saved user');
  expect(await readFile(dataFile, 'utf8')).toBe('my notes\n');
});
