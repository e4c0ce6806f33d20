import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applySnapshots } from '../../src/db/apply-snapshots.js';
import { inJsonbOrder } from '../../src/db/jsonb-order.js';
import type { JsonObject } from '../../src/user-change.js';
import { fullClerkUser } from '../clerk/full-clerk-user.js';
import { answerOf, snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
let users = 0;
const newUserId = () => `user_text${++users}`;

beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

test('NUL characters and lone surrogates, in keys and values, are stored as U+FFFD, and once stored are unchanged', async () => {
  const id = newUserId();
  const fields = {
    first_name: 'A\0da',
    last_name: 'Love\uD800lace',
    public_metadata: {
      'k\0ey': 'v\0alue',
      'lone\uDC00': ['\uD83D', { '\uDFFF': '\u{1F600}' }],
      'literal\\u0000': 'a\\ud800b',
    },
    unsafe_metadata: { '\0': '\0' },
  };
  expect(await table.apply(snapshotOf(id, T0, fields))).toBe('created');
  expect(await table.row(id)).toMatchObject({
    firstName: 'A\uFFFDda',
    lastName: 'Love\uFFFDlace',
    name: 'A\uFFFDda Love\uFFFDlace',
    publicMetadata: {
      'k\uFFFDey': 'v\uFFFDalue',
      'lone\uFFFD': ['\uFFFD', { '\uFFFD': '\u{1F600}' }],
      'literal\\u0000': 'a\\ud800b',
    },
    raw: { first_name: 'A\uFFFDda', unsafe_metadata: { '\uFFFD': '\uFFFD' } },
  });
  const before = await table.writing(id);
  expect(await table.apply(answerOf(id, T0, T0 + 60_000, fields), 'reconcile')).toBe('unchanged');
  expect(await table.writing(id)).toEqual(before);
});

test('of a page, one user with such characters costs the others nothing', async () => {
  const ids = [newUserId(), newUserId(), newUserId()] as const;
  const names = ['Ada', 'Gr\0ace', 'Edith'];
  const page = ids.map((id, nth) => snapshotOf(id, T0, { first_name: names[nth] ?? null }));
  await applySnapshots(table.db, page, 'reconcile');
  const stored = await Promise.all(ids.map((id) => table.row(id)));
  expect(stored.map(({ firstName, raw }) => [firstName, (raw as JsonObject).first_name])).toEqual([
    ['Ada', 'Ada'],
    ['Gr\uFFFDace', 'Gr\uFFFDace'],
    ['Edith', 'Edith'],
  ]);
});

test('a `__proto__` key is stored like any other, beside a NUL too', async () => {
  const id = newUserId();
  const metadata = JSON.parse('{"__proto__": {"admin": true}, "x": "\\u0000"}') as JsonObject;
  expect(await table.apply(snapshotOf(id, T0, { public_metadata: metadata }))).toBe('created');
  expect(
    await table.db.$queryRaw`SELECT public_metadata::text AS text FROM users WHERE clerk_id = ${id}`,
  ).toEqual([{ text: '{"x": "\uFFFD", "__proto__": {"admin": true}}' }]);
});

test("Clerk's fields are sent in the order in which jsonb keeps them, and unknown ones behind", async () => {
  const id = newUserId();
  const user = { ...fullClerkUser(), id, scim: { directory_id: 'dir_1' } };
  expect(await table.apply(snapshotOf(id, T0, user, { keepPrivateMetadata: true }))).toBe('created');
  const [row] = await table.db.$queryRaw<
    { text: string }[]
  >`SELECT raw::text AS text FROM users WHERE clerk_id = ${id}`;
  const sent = Object.keys(inJsonbOrder({ birthday: '', ...user }));
  expect(sent).toEqual([...Object.keys(JSON.parse(row?.text ?? '')), 'birthday']);
});

test("numbers are JavaScript's: whole ones above 2^53 are rounded, the same by every way, which is no difference", async () => {
  const id = newUserId();
  const metadata = JSON.parse(
    '{"safe": 9007199254740991, "above": 9007199254740993, "text": "9007199254740993"}',
  );
  const fields = { public_metadata: metadata as JsonObject };
  expect(await table.apply(snapshotOf(id, T0, fields))).toBe('created');
  expect(
    await table.db.$queryRaw`SELECT public_metadata::text AS text FROM users WHERE clerk_id = ${id}`,
  ).toEqual([{ text: '{"safe": 9007199254740991, "text": "9007199254740993", "above": 9007199254740992}' }]);
  expect(await table.apply(answerOf(id, T0, T0 + 60_000, fields), 'reconcile')).toBe('unchanged');
});

test('text that looks like SQL is text', async () => {
  const id = newUserId();
  const name = `'); DROP TABLE users; -- $1 \${x} \\`;
  expect(await table.apply(snapshotOf(id, T0, { first_name: name, last_name: null }))).toBe('created');
  expect(await table.row(id)).toMatchObject({ firstName: name, name });
});
