import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { type Certificate, type CertificateOptions, makeCertificate } from './make-certificate.js';
import { waitUntil } from './wait-until.js';

/** A Postgres of a test file's own, whose TLS can be changed. */
export interface TlsPostgres {
  port: number;
  /** The superuser's password. */
  password: string;
  /** The PEM file of the authority that signs what `useTls` makes. */
  authorityFile: string;
  /** The folder of its Unix socket. */
  socketFolder: string;
  /** Runs SQL as superuser, without TLS. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** From now on new sessions may be encrypted. @param options by default valid, for `localhost`, by the authority. */
  useTls(options?: Partial<CertificateOptions>): Promise<Certificate>;
  withoutTls(): Promise<void>;
  /** Replaces the lines of pg_hba.conf; the superuser stays let in. */
  letIn(...lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The built one, beside which its keeper lies. */
const START_POSTGRES = path.resolve('dist/embedded/start-postgres.js');
const SUPERUSER = 'local all postgres scram-sha-256\nhostnossl all postgres 127.0.0.1/32 scram-sha-256';

export async function startTlsPostgres(): Promise<TlsPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clerk-sync-tls-'));
  const socketFolder = path.join(folder, 's');
  await mkdir(socketFolder);
  // Run by root, Postgres becomes another user.
  await chmod(folder, 0o755);
  await chmod(socketFolder, 0o777);
  const { startPostgres }: typeof import('../../src/embedded/start-postgres.js') = await import(
    START_POSTGRES
  );
  const postgres = await startPostgres({
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port: 0,
    durable: false,
    settings: { unix_socket_directories: socketFolder },
  });
  const authority = makeCertificate({ name: 'Test authority', isAuthority: true });
  const authorityFile = path.join(folder, 'authority.pem');
  await writeFile(authorityFile, authority.certificate);

  const query = async (sql: string) => {
    const client = new Client({ connectionString: postgres.url(), ssl: false });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  /** Written by the server, whose user's the file has to be. */
  const write = (file: string, text: string) =>
    query(`COPY (SELECT unnest(string_to_array('${text}', E'\\n'))) TO PROGRAM 'umask 077; cat > ${file}'`);
  const reload = async () => {
    const loadedAt = async () => (await query('SELECT pg_conf_load_time()::text AS at'))[0]?.at;
    const before = await loadedAt();
    await query('SELECT pg_reload_conf()');
    await waitUntil(async () => (await loadedAt()) !== before, {
      describe: 'the settings to be read anew',
      timeoutMs: 30_000,
    });
  };
  return {
    port: postgres.port,
    password: new URL(postgres.url()).password,
    authorityFile,
    socketFolder,
    query,
    async useTls(options) {
      const made = makeCertificate({
        name: 'localhost',
        hosts: ['localhost'],
        issuer: authority.issuer,
        ...options,
      });
      await write('server.key', made.key);
      await write('server.crt', made.certificate);
      await query('ALTER SYSTEM SET ssl = on');
      await reload();
      return made;
    },
    async withoutTls() {
      await query('ALTER SYSTEM SET ssl = off');
      await reload();
    },
    async letIn(...lines) {
      await write('pg_hba.conf', [SUPERUSER, ...lines].join('\n'));
      await reload();
    },
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
