import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isAlive } from './is-alive.js';
import type { PostgresIdentity } from './postgres-identity.js';

const run = promisify(execFile);

/** Lies in a finished data folder only: it is moved there after initdb. */
const PASSWORD_FILE = 'superuser-password';

export interface DataFolderOptions {
  dataFolder: string;
  initdb: string;
  identity: PostgresIdentity;
  durable: boolean;
  log: (message: string) => void;
}

/**
 * Makes the data folder when it is missing. It is made beside and renamed when complete, so that an interruption leaves
 * nothing which a later start could take for a database.
 *
 * @returns the password of Postgres's superuser: a fixed one would open the account to every local user.
 * @throws Error when the folder holds something else; that is left as it is.
 */
export async function prepareDataFolder(options: DataFolderOptions): Promise<string> {
  const { dataFolder, log } = options;
  const passwordFile = path.join(dataFolder, PASSWORD_FILE);
  if (!existsSync(passwordFile)) {
    await setAside(dataFolder, log);
    await removeAbandoned(dataFolder);
    await makeDataFolder(options);
  }
  return (await readFile(passwordFile, 'utf8')).trim();
}

async function makeDataFolder({
  dataFolder,
  initdb,
  identity,
  durable,
  log,
}: DataFolderOptions): Promise<void> {
  log(`Making a Postgres data folder: ${dataFolder}`);
  const workshop = `${dataFolder}.new-${process.pid}`;
  const made = path.join(workshop, 'data');
  const passwordFile = path.join(workshop, PASSWORD_FILE);
  await mkdir(made, { recursive: true });
  try {
    await writeFile(passwordFile, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
    const { owner } = identity;
    if (owner)
      await Promise.all([workshop, made, passwordFile].map((file) => chown(file, owner.uid, owner.gid)));
    const { command, args, ...user } = identity.commandFor(initdb, [
      ...['--pgdata', made, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
      // The same order and the same upper and lower case on every machine, whatever its locales.
      ...[
        '--encoding',
        'UTF8',
        '--locale',
        'C',
        '--locale-provider',
        'builtin',
        '--builtin-locale',
        'C.UTF-8',
      ],
      ...(durable ? [] : ['--no-sync']),
    ]);
    await run(command, args, { ...user, cwd: '/', env: { LC_ALL: 'C' } });
    await rename(passwordFile, path.join(made, PASSWORD_FILE));
    await rename(made, dataFolder).catch((error: unknown) => {
      // Another process was faster; its folder is as good.
      if (!existsSync(path.join(dataFolder, PASSWORD_FILE))) throw error;
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** What a process that was killed while making the folder left beside it. */
async function removeAbandoned(dataFolder: string): Promise<void> {
  const parent = path.dirname(dataFolder);
  const prefix = `${path.basename(dataFolder)}.new-`;
  const abandoned = (await readdir(parent)).filter(
    (name) => name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))),
  );
  await Promise.all(abandoned.map((name) => rm(path.join(parent, name), { recursive: true, force: true })));
}

/** A folder that some other program's interrupted initdb left is moved, not deleted: it could be somebody's data. */
async function setAside(dataFolder: string, log: (message: string) => void): Promise<void> {
  if (!existsSync(dataFolder)) return;
  const names = await readdir(dataFolder);
  if (names.length === 0) return;
  if (
    !names.every((name) =>
      /^(pg_\w+|PG_VERSION|base|global|postgresql\.(auto\.)?conf|postmaster\.\w+)$/.test(name),
    )
  ) {
    throw new Error(
      `${dataFolder} holds something other than this project's Postgres data: use another folder`,
    );
  }
  const aside = `${dataFolder}.incomplete-${Date.now()}`;
  await rename(dataFolder, aside);
  log(`${dataFolder} was incomplete, or not made by this project: it was moved to ${aside}`);
}
