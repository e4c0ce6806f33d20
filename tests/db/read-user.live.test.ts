import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { types } from 'pg';
import { connectDatabase } from '../../src/db/database.js';
import { readUser } from '../../src/db/read-user.js';
import { MAPPED_TYPES } from '../../src/mapped-value.js';
import type { JsonObject, JsonValue, MappedType } from '../../src/user-change.js';
import { type ColumnMapping, defineUserMapping, type UserMapping } from '../../src/user-mapping.js';
import { LONG_TRANSACTION } from '../support/long-transaction.js';
import { snapshotOf, T0 } from './snapshot-of.js';
import { openUsersTable, type UsersTable } from './users-table.js';

let table: UsersTable;
beforeAll(async () => {
  table = await openUsersTable();
});
afterAll(() => table.close());

test('the row that is read is the one that Prisma reads, column for column', async () => {
  const snapshot = snapshotOf('user_read', T0, {
    last_sign_in_at: T0 + 5,
    public_metadata: { plan: 'pro', seats: [1, null] },
    username: "o'hara",
  });
  await table.apply(snapshot);
  await table.apply(snapshotOf('user_read', T0 + 1, { public_metadata: { plan: 'free' }, username: null }));
  const row = await readUser(table.db, 'user_read');
  expect(row).toEqual(await table.row('user_read'));
  expect(row).toMatchObject({ clerkUpdatedAt: new Date(T0 + 1), lastChangedFields: expect.any(Array) });
});

test('nobody is read of a user who is unknown or deleted', async () => {
  await table.apply(snapshotOf('user_removed', T0));
  await table.remove('user_removed', T0 + 10);
  expect(await readUser(table.db, 'user_removed')).toBeNull();
});

test.each(["user_' OR true OR '", "user_\\' OR true OR '", "user_'; DROP TABLE users; --", '$1', 'user_\\'])(
  'an id is an id, whatever it looks like: %s',
  async (id) => {
    await table.apply(snapshotOf('user_there', T0));
    expect(await readUser(table.db, id)).toBeNull();
    await table.apply({ ...snapshotOf('user_there', T0), clerkUserId: id });
    expect(await readUser(table.db, id)).toMatchObject({ clerkId: id });
  },
);

test('a read behind a locked table is ended by the server, and leaves no statement there', async () => {
  const impatient = connectDatabase({ url: table.database.url, poolSize: 2, statementTimeoutMs: 100 });
  try {
    await table.db.$transaction(async (locking) => {
      await locking.$executeRaw`LOCK TABLE users IN ACCESS EXCLUSIVE MODE`;
      await expect(readUser(impatient, 'user_read')).rejects.toThrow('SQLSTATE 57014');
      const left = await locking.$queryRaw`
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(left).toEqual([]);
    }, LONG_TRANSACTION);
    expect(await readUser(impatient, 'user_read')).toMatchObject({ clerkId: 'user_read' });
  } finally {
    await impatient.$disconnect();
  }
});

describe('mapped columns', () => {
  const mapping = defineUserMapping({
    plan: { type: 'text', from: (user) => user.public_metadata.plan },
    seats: { type: 'integer', from: (user) => user.public_metadata.seats },
    credit: { type: 'bigint', from: (user) => user.public_metadata.credit },
    share: { type: 'numeric', from: (user) => user.public_metadata.share },
    wants_mail: { type: 'boolean', from: (user) => user.public_metadata.wantsMail },
    trial_ends_at: { type: 'timestamptz', from: (user) => user.public_metadata.trialEndsAt },
    tags: { type: 'jsonb', from: (user) => user.public_metadata.tags },
    // Words of SQL.
    order: { type: 'text', from: (user) => user.username },
    select: { type: 'text', from: (user) => user.username },
  });
  const given = {
    plan: "o'pro",
    seats: -3,
    credit: '9007199254740993',
    share: '0.1000000000000000000001',
    wantsMail: false,
    trialEndsAt: T0 + 1,
    tags: { list: ['a', null, { b: 1 }] },
  };
  const read = {
    ...{ plan: "o'pro", seats: -3, credit: '9007199254740993', share: '0.1000000000000000000001' },
    ...{ wants_mail: false, trial_ends_at: new Date(T0 + 1), tags: given.tags },
    ...{ order: 'ada', select: 'ada' },
  };
  const write = (id: string, public_metadata: JsonObject = given, by: UserMapping = mapping) =>
    table.apply(snapshotOf(id, T0, { public_metadata, username: 'ada' }, { mapping: by }));
  const altered = (change: string) => table.db.$executeRawUnsafe(`ALTER TABLE users ${change}`);
  const of = (columns: Record<string, ColumnMapping>) =>
    (defineUserMapping as (columns: Record<string, ColumnMapping>) => UserMapping)(columns);

  beforeAll(() =>
    altered(`ADD COLUMN plan text, ADD COLUMN seats integer, ADD COLUMN credit bigint, ADD COLUMN share numeric,
      ADD COLUMN wants_mail boolean, ADD COLUMN trial_ends_at timestamptz, ADD COLUMN tags jsonb,
      ADD COLUMN "order" text, ADD COLUMN "select" text`),
  );

  test('stand in the row by their own names, each value as its type says, and nowhere without the mapping', async () => {
    await write('user_own');
    const row = await readUser(table.db, 'user_own', { mapping });
    expect(row).toEqual({ ...(await table.row('user_own')), ...read });
    expect(row?.trial_ends_at?.getTime()).toBe(T0 + 1);
    expect(await readUser(table.db, 'user_own')).toEqual(await table.row('user_own'));
  });

  test.each<[MappedType, JsonValue, unknown]>([
    ['integer', 2 ** 31 - 1, 2 ** 31 - 1],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['bigint', 7, '7'],
    ['numeric', 0.25, '0.25'],
    ['numeric', '12.50', '12.50'],
    ['boolean', true, true],
    ['timestamptz', '0001-01-01T00:00:00.000Z', new Date('0001-01-01T00:00:00.000Z')],
    ['timestamptz', '9999-12-31T23:59:59.999Z', new Date('9999-12-31T23:59:59.999Z')],
    ['jsonb', 'text', 'text'],
    ['jsonb', [], []],
    ['jsonb', false, false],
    ...MAPPED_TYPES.map((type): [MappedType, null, null] => [type as MappedType, null, null]),
  ])('of type %s give back %j as %j', async (type, value, expected) => {
    await altered(`DROP COLUMN IF EXISTS one, ADD COLUMN one ${type}`);
    await write('user_one', {}, of({ one: { type, from: () => value } }));
    const row = await readUser(table.db, 'user_one', { mapping: of({ one: { type, from: () => null } }) });
    expect(row).toHaveProperty('one', expected);
    await table.db.$executeRaw`DELETE FROM users WHERE clerk_id = 'user_one'`;
  });

  test.each<[MappedType, string, JsonValue, unknown]>([
    ['text', 'varchar(10)', 'pro', 'pro'],
    ['text', 'char(10)', 'pro', 'pro'],
    ['integer', 'bigint', 3, 3],
    ['integer', 'smallint', 3, 3],
    ['integer', 'numeric(8, 2)', 3, 3],
    ['bigint', 'integer', 3, '3'],
    ['bigint', 'numeric(24, 2)', '9223372036854775807', '9223372036854775807'],
    ['numeric', 'float8', 0.1, '0.1'],
  ])('of type %s in a column %s read the same', async (type, columnType, value, expected) => {
    await altered(`DROP COLUMN IF EXISTS one, ADD COLUMN one ${columnType}`);
    const wider = of({ one: { type, from: () => value } });
    await write('user_wider', {}, wider);
    expect(await readUser(table.db, 'user_wider', { mapping: wider })).toHaveProperty('one', expected);
    await table.db.$executeRaw`DELETE FROM users WHERE clerk_id = 'user_wider'`;
  });

  test('read the same whatever parsers of numbers the application gave the driver', async () => {
    const oids = [types.builtins.INT8, types.builtins.NUMERIC];
    const before = oids.map((oid) => [oid, types.getTypeParser(oid)] as const);
    for (const oid of oids) types.setTypeParser(oid, Number);
    try {
      await write('user_parsers');
      expect(await readUser(table.db, 'user_parsers', { mapping })).toMatchObject(read);
    } finally {
      for (const [oid, parser] of before) types.setTypeParser(oid, parser);
    }
  });

  test.each<[string, string, ColumnMapping, RegExp]>([
    [
      'is missing',
      'DROP COLUMN IF EXISTS one',
      { type: 'text', from: () => null },
      / users has no column one, .+ADD COLUMN one text/,
    ],
    [
      'is of another type',
      'ADD COLUMN one text',
      { type: 'integer', from: () => null },
      / users\.one is of type text, and is mapped as integer/,
    ],
  ])(
    'of which one %s make no row: SCHEMA_MISSING, retried, says which',
    async (_how, change, column, said) => {
      await write('user_unfit');
      await altered(change);
      await table.db.$executeRawUnsafe(
        change.startsWith('ADD') ? "UPDATE users SET one = 'word'" : 'SELECT 1',
      );
      const reading = readUser(table.db, 'user_unfit', { mapping: of({ one: column }) });
      await expect(reading).rejects.toMatchObject({
        type: 'SCHEMA_MISSING',
        nonRetryable: false,
        message: expect.stringMatching(said),
      });
      expect(await readUser(table.db, 'user_unfit')).toMatchObject({ clerkId: 'user_unfit' });
    },
  );

  test('can have no name that a field of the row has', async () => {
    await write('user_fields');
    const fields = Object.keys((await readUser(table.db, 'user_fields')) ?? {});
    expect(fields.length).toBeGreaterThan(25);
    const allowed = fields.filter((name) => {
      try {
        return of({ [name]: { type: 'text', from: () => null } });
      } catch {
        return false;
      }
    });
    expect(allowed).toEqual([]);
  });
});

test('a database that is down is said to be, without the id', async () => {
  await table.database.goDown();
  try {
    await expect(readUser(table.db, 'user_read')).rejects.toMatchObject({
      type: 'POSTGRES_UNAVAILABLE',
      message: expect.not.stringContaining('user_read'),
    });
  } finally {
    await table.database.comeBack();
  }
});
