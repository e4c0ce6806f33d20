import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countLiveUsers } from '../../src/db/count-live-users.js';
import { connectDatabase, query } from '../../src/db/database.js';
import { Prisma } from '../../src/db/generated/client.js';
import { migrate } from '../../src/db/migrate.js';
import { makeCertificate } from '../support/make-certificate.js';
import { startTlsPostgres, type TlsPostgres } from '../support/tls-postgres.js';

let server: TlsPostgres;
beforeAll(async () => {
  server = await startTlsPostgres();
  await server.query(`CREATE ROLE app LOGIN PASSWORD 'plain'`);
  await server.query('CREATE DATABASE app OWNER app');
  await server.letIn('local all app scram-sha-256', 'host all app 127.0.0.1/32 scram-sha-256');
});
afterAll(() => server.stop());

/** @returns whether the session is encrypted. */
async function isEncrypted(url: string): Promise<boolean> {
  const db = connectDatabase({ url, poolSize: 1 });
  try {
    const [session] = await query<{ ssl: boolean }>(
      db,
      Prisma.sql`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
      { withoutTables: true },
    );
    return session?.ssl === true;
  } finally {
    await db.$disconnect();
  }
}

const url = (parameters: string, host = 'localhost') =>
  `postgres://app:plain@${host}:${server.port}/app?${parameters}`;
const authority = () => `sslrootcert=${encodeURIComponent(server.authorityFile)}`;
const REFUSED = (error: Error) => ({ refused: error.message });
const outcome = (address: string) => isEncrypted(address).catch(REFUSED);
const refused = (text: string) => ({ refused: expect.stringMatching(text) });

describe('where the server has a certificate by an authority that nobody else knows', () => {
  beforeAll(async () => {
    await server.useTls();
  });

  test.each<[string, boolean | string]>([
    ['', false],
    ['sslmode=disable', false],
    ['sslmode=allow', true],
    ['sslmode=prefer', true],
    ['sslmode=require', true],
    ['sslmode=require&uselibpqcompat=true', true],
    ['sslmode=no-verify', true],
    ['ssl=no-verify', true],
    ['sslmode=verify-full', 'certificate'],
    ['sslmode=verify-full&sslrootcert=system', 'certificate'],
    ['sslrootcert=system', 'certificate'],
    ['ssl=true', 'certificate'],
    ['sslmode=require&sslrootcert=system', 'sslmode=verify-full'],
    ['sslmode=verify-ca', 'needs sslrootcert'],
    ['sslmode=sometimes', 'sslmode that is not known'],
    ['sslmod=verify-full', 'sslmod'],
    ['sslmode=verify-full&sslrootcert=/nowhere', 'sslrootcert.*ENOENT'],
  ])('%s: %s', async (parameters, expected) => {
    expect(await outcome(url(parameters))).toEqual(
      typeof expected === 'string' ? refused(expected) : expected,
    );
  });

  test('with its authority every mode that checks is content', async () => {
    for (const mode of ['require', 'verify-ca', 'verify-full'])
      expect([mode, await outcome(url(`sslmode=${mode}&${authority()}`))]).toEqual([mode, true]);
  });

  test('under another name only verify-full refuses', async () => {
    const other = (mode: string) => outcome(url(`sslmode=${mode}&${authority()}`, '127.0.0.1'));
    expect(await other('require')).toBe(true);
    expect(await other('verify-ca')).toBe(true);
    expect(await other('verify-full')).toEqual(refused('127.0.0.1'));
  });

  test('an authority that did not sign is refused by all modes that check', async () => {
    const file = path.join(path.dirname(server.authorityFile), 'other.pem');
    await writeFile(file, makeCertificate({ name: 'Other', isAuthority: true }).certificate);
    for (const mode of ['require', 'verify-ca', 'verify-full'])
      expect([mode, await outcome(url(`sslmode=${mode}&sslrootcert=${encodeURIComponent(file)}`))]).toEqual([
        mode,
        refused('certificate'),
      ]);
  });

  test('a session that prefers TLS carries pages of rows both ways', async () => {
    const db = connectDatabase({ url: url('sslmode=prefer'), poolSize: 2 });
    try {
      const text = 'x'.repeat(3_000_000);
      const read = () =>
        query<{ text: string }>(db, Prisma.sql`SELECT ${text}::text AS text`, { withoutTables: true });
      for (const [row] of await Promise.all([read(), read(), read()])) expect(row?.text === text).toBe(true);
    } finally {
      await db.$disconnect();
    }
  });
});

describe('where the server has no TLS', () => {
  beforeAll(() => server.withoutTls());

  test.each<[string, boolean | string]>([
    ['sslmode=allow', false],
    ['sslmode=prefer', false],
    ['sslmode=require', 'does not support SSL'],
    ['sslmode=no-verify', 'does not support SSL'],
    ['sslmode=verify-full', 'does not support SSL'],
  ])('%s: %s', async (parameters, expected) => {
    expect(await outcome(url(parameters))).toEqual(
      typeof expected === 'string' ? refused(expected) : expected,
    );
  });
});

describe('a Unix socket', () => {
  const parameter = () => encodeURIComponent(server.socketFolder);

  test.each<[string, () => string]>([
    ['by host=', () => `postgresql:///app?host=${parameter()}&port=${server.port}&user=app&password=plain`],
    [
      'by host= beside a name',
      () => `postgresql://app:plain@localhost:${server.port}/app?host=${parameter()}`,
    ],
    ['not encoded', () => `postgresql://app:plain@/app?host=${server.socketFolder}&port=${server.port}`],
    ['as the host, encoded', () => `postgresql://app:plain@${parameter()}:${server.port}/app`],
    [
      'whatever sslmode says',
      () => `postgresql://app:plain@${parameter()}:${server.port}/app?sslmode=require`,
    ],
  ])('%s is connected to', async (_, address) => {
    expect(await outcome(address())).toBe(false);
  });
});

describe('a password', () => {
  test.each([
    ['50%', '50%'],
    ['50%25', '50%'],
    ['a+b', 'a+b'],
    ['100%ab+', '100%ab+'],
    ['%zz', '%zz'],
    ['p@ss', 'p@ss'],
    ['p%40ss', 'p@ss'],
    ['a:b', 'a:b'],
    ['a#b', 'a#b'],
    ['a?b', 'a?b'],
    ['a%2Fb', 'a/b'],
    ['gr%C3%BCn', 'grün'],
    ['grün', 'grün'],
    ['a b', 'a b'],
  ])('written %s is %s, for the pool and for migrate', async (written, password) => {
    await server.query(`ALTER ROLE app PASSWORD '${password}'`);
    const address = `postgres://app:${written}@127.0.0.1:${server.port}/app`;
    expect(await outcome(address)).toBe(false);
    await migrate(`${address}\n`);
    const db = connectDatabase({ url: ` ${address}\n`, poolSize: 1 });
    try {
      expect(await countLiveUsers(db)).toBe(0);
    } finally {
      await db.$disconnect();
    }
  });
});
