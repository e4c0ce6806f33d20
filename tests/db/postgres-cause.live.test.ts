import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countLiveUsers } from '../../src/db/count-live-users.js';
import { connectDatabase, type Database, type DatabaseOptions } from '../../src/db/database.js';
import { migrate } from '../../src/db/migrate.js';
import { postgresFailure } from '../../src/db/postgres-failure.js';
import { readOverview } from '../../src/db/read-overview.js';
import { startTlsPostgres, type TlsPostgres } from '../support/tls-postgres.js';

let server: TlsPostgres;
let silent: Server;
beforeAll(async () => {
  silent = createServer();
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  server = await startTlsPostgres();
  await server.query(`CREATE ROLE app LOGIN PASSWORD 'right'`);
  await server.query(`CREATE ROLE crowded LOGIN PASSWORD 'right' CONNECTION LIMIT 0`);
  await server.query('CREATE DATABASE app');
  await server.query('CREATE DATABASE closed ALLOW_CONNECTIONS false');
  await server.letIn('host all app,crowded 127.0.0.1/32 scram-sha-256');
});
afterAll(async () => {
  silent.close();
  await server.stop();
});

const address = (
  parts: Partial<Record<'user' | 'password' | 'host' | 'database' | 'query', string>> = {},
) => {
  const {
    user = 'app',
    password = 'right',
    host = `localhost:${server.port}`,
    database = 'app',
    query = '',
  } = parts;
  return `postgres://${user}:${password}@${host}/${database}?${query}`;
};

/** What the Web UI shows of an activity that cannot use this database. */
async function told(
  url: string,
  options: Partial<DatabaseOptions> = {},
  verb: (db: Database) => Promise<unknown> = countLiveUsers,
): Promise<string> {
  const db = connectDatabase({ url, poolSize: 1, ...options });
  try {
    return await verb(db).then(
      () => 'nothing failed',
      (error: Error & { type?: string }) => `${error.type}: ${error.message}`,
    );
  } finally {
    await db.$disconnect();
  }
}
const rootOf = (file: string) => `sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}`;

describe('a failure names its cause, and what to do about that one', () => {
  test.each<[string, () => string, RegExp]>([
    [
      'a wrong password',
      () => address({ password: 'wrong' }),
      /28P01: the user name or the password.*Correct/,
    ],
    [
      'a user whom pg_hba.conf does not name',
      () => address({ user: 'nobody' }),
      /28000: .*does not let this user in/,
    ],
    [
      'no password',
      () => `postgres://app@localhost:${server.port}/app`,
      /NO_PASSWORD: .*Add it to DATABASE_URL/,
    ],
    ['an unknown database', () => address({ database: 'other' }), /3D000: there is no database.*Create it/],
    [
      'a database that is closed',
      () => address({ database: 'closed' }),
      /55000: the database takes no connections/,
    ],
    ['too many connections', () => address({ user: 'crowded' }), /53300: .*DATABASE_POOL_SIZE/],
    [
      'a host name that is not known',
      () => address({ host: 'no.such.host.invalid' }),
      /(ENOTFOUND|EAI_AGAIN): .*DNS/,
    ],
    ['a port where nothing listens', () => address({ host: '127.0.0.1:9' }), /ECONNREFUSED: nothing listens/],
    [
      'a name of two addresses where nothing listens',
      () => address({ host: 'localhost:9' }),
      /ECONNREFUSED: /,
    ],
    [
      'a folder without a socket',
      () => 'postgres://app@/app?host=/tmp/nowhere',
      /ENOENT: there is no Unix socket/,
    ],
    ['tables that are missing', () => address(), /^SCHEMA_MISSING: .*42P01: .*Run `clerk-sync migrate`/],
    ['no TLS', () => address({ query: 'sslmode=require' }), /NO_TLS: the server has no TLS.*sslmode=disable/],
  ])('%s', async (_, url, expected) => {
    expect(await told(url())).toMatch(expected);
  });

  test('tables that the role may not read', async () => {
    await server.query('CREATE DATABASE closed_tables');
    const url = address({ database: 'closed_tables' });
    const superuser = new URL(url);
    superuser.username = 'postgres';
    superuser.password = server.password;
    superuser.hostname = '127.0.0.1';
    await migrate(superuser.href);
    expect(await told(url)).toMatch(/^POSTGRES_UNAVAILABLE: .*42501: the role lacks a right. Grant it/);
  });

  test('a server that accepts and says nothing', async () => {
    const { port } = silent.address() as { port: number };
    const url = address({ host: `127.0.0.1:${port}` });
    expect(await told(url, { connectTimeoutMs: 300 })).toMatch(/CONNECT_TIMEOUT: the host does not answer/);
  });

  test('a certificate by nobody known, by another authority, expired, or of another name', async () => {
    const full = (host: string) => `postgres://app:right@${host}:${server.port}/app?`;
    await server.useTls();
    const { authorityFile } = server;
    expect(await told(`${full('localhost')}sslmode=verify-full`)).toMatch(
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE: .*authority that is not known.*sslrootcert=/,
    );
    expect(await told(full('127.0.0.1') + rootOf(authorityFile))).toMatch(
      /ERR_TLS_CERT_ALTNAME_INVALID: .*another host name/,
    );
    await server.useTls({ validUntil: new Date(Date.now() - 86_400_000) });
    expect(await told(full('localhost') + rootOf(authorityFile))).toMatch(/CERT_HAS_EXPIRED: .*Renew it/);
    await server.useTls({ validUntil: new Date(Date.now() + 70 * 86_400_000) });
    expect(await told(full('localhost') + rootOf(authorityFile))).toMatch(/CERT_NOT_YET_VALID: .*clock/);
    await server.useTls({ issuer: undefined });
    expect(await told(`${full('localhost')}sslmode=verify-full`)).toMatch(
      /DEPTH_ZERO_SELF_SIGNED_CERT: .*self-signed/,
    );
  });

  test('a server that takes encrypted sessions only', async () => {
    await server.letIn('hostssl all app 127.0.0.1/32 scram-sha-256');
    expect(await told(address())).toMatch(/28000: .*not without TLS. Try sslmode=require/);
    expect(await told(address({ query: 'sslmode=require' }))).toMatch(/SCHEMA_MISSING/);
  });
});

test.each<[string, unknown, RegExp]>([
  ['no name server', Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' }), /EAI_AGAIN: .*DNS/],
  ['no route', Object.assign(new Error('connect'), { code: 'ENETUNREACH' }), /ENETUNREACH: .*network/],
  ['a time-out', Object.assign(new Error('connect'), { code: 'ETIMEDOUT' }), /ETIMEDOUT: .*firewalls/],
  [
    'a broken pipe, whose code is as long as a SQLSTATE',
    Object.assign(new Error('write'), { code: 'EPIPE' }),
    /\. EPIPE: the connection broke/,
  ],
  ['a start of the server', Object.assign(new Error('starting'), { code: '57P03' }), /57P03: .*starting/],
  ['a replica', Object.assign(new Error('read-only'), { code: '25006' }), /25006: .*primary/],
  ['an unknown SQLSTATE', Object.assign(new Error('marker'), { code: 'XX000' }), /SQLSTATE XX000\.$/],
  ['an error without a code', new Error('marker'), /SQLSTATE none\.$/],
])('%s is told by its code', (_, error, expected) => {
  const { message, type } = postgresFailure(error, 'Trying.');
  expect(type).toBe('POSTGRES_UNAVAILABLE');
  expect(message).toMatch(expected);
  expect(message).not.toContain('marker');
});

test("what goes through Prisma's models names its cause as well", async () => {
  expect(await told(address({ host: '127.0.0.1:9' }), {}, readOverview)).toMatch(/ECONNREFUSED|UNREACHABLE/);
  expect(await told(address({ host: '127.0.0.1:9', query: 'sslmode=bogus' })).catch(String)).toContain(
    'sslmode',
  );
});
