import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface OsUser {
  uid: number;
  gid: number;
}

/** Whom Postgres runs as. */
export interface PostgresIdentity {
  /** Whom its files must belong to; absent when that is who runs this process. */
  owner?: OsUser;
  /** @returns the command line, and for root the user to become, that runs a program as that identity. */
  commandFor(
    program: string,
    args: string[],
  ): { command: string; args: string[]; uid?: number; gid?: number };
}

/**
 * Postgres refuses to run as root. Root therefore becomes the owner of an existing data folder, else the OS user
 * `postgres`, which is made when it is missing.
 *
 * @param dataFolder may be missing; its parent exists.
 * @returns an identity that was tried: it reaches the data folder and can run the binary.
 * @throws Error naming the folder which that user cannot enter, and what to do.
 */
export async function postgresIdentity(dataFolder: string, binary: string): Promise<PostgresIdentity> {
  if (process.getuid?.() !== 0) return { commandFor: (command, args) => ({ command, args }) };
  const owner = (await ownerOf(dataFolder)) ?? (await postgresUser());
  const folder = path.dirname(dataFolder);
  for (const identity of [plain(owner), withFolderAccess(owner)]) {
    if (await canRun(identity, folder, binary)) return identity;
  }
  const closed = (await firstClosedFolder(binary, owner)) ?? (await firstClosedFolder(folder, owner));
  throw new Error(
    `Postgres cannot run as root, and the OS user it runs as instead (uid ${owner.uid}) cannot ` +
      (closed ? `enter ${closed}` : `run ${binary} or enter ${folder}`) +
      '. Use an ordinary user; or move this checkout (and its data folder) elsewhere' +
      (closed ? `; or let others pass: chmod o+x ${closed}` : '') +
      '; or use a Postgres of your own: set DATABASE_URL.',
  );
}

function plain(owner: OsUser): PostgresIdentity {
  return { owner, commandFor: (command, args) => ({ command, args, ...owner }) };
}

/**
 * A checkout under /root (0700) is out of another user's reach. Root may leave the program this one right, and take
 * all others: to pass folders whatever their mode. Where root itself lacks it (some containers) the trial run fails.
 * The securebit makes access(), with which Postgres looks for its own files, see that right too.
 */
function withFolderAccess(owner: OsUser): PostgresIdentity {
  const right = ['--bounding-set', '--inh-caps', '--ambient-caps'].flatMap((set) => [
    set,
    '-all,+dac_override',
  ]);
  const options = [
    ...['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups'],
    ...['--securebits', '+no_setuid_fixup', ...right, '--'],
  ];
  return {
    owner,
    commandFor: (program, args) => ({ command: 'setpriv', args: [...options, program, ...args] }),
  };
}

async function canRun(identity: PostgresIdentity, folder: string, binary: string): Promise<boolean> {
  const script = 'cd "$1" && [ -x "$2" ] && exec "$2" --version';
  const { command, args, ...user } = identity.commandFor('/bin/sh', ['-c', script, 'sh', folder, binary]);
  return run(command, args, { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

async function ownerOf(folder: string): Promise<OsUser | undefined> {
  const owner = await stat(folder).catch(() => undefined);
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : undefined;
}

async function postgresUser(): Promise<OsUser> {
  try {
    return await lookUpPostgres();
  } catch {
    try {
      await run('useradd', [
        '--system',
        '--user-group',
        '--no-create-home',
        '--shell',
        '/bin/false',
        'postgres',
      ]);
      return await lookUpPostgres();
    } catch (cause) {
      throw new Error(
        'Postgres cannot run as root, and an OS user "postgres" could not be made for it. Use an ordinary user, ' +
          'or make that one: useradd --system postgres',
        { cause },
      );
    }
  }
}

async function lookUpPostgres(): Promise<OsUser> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'postgres'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

async function firstClosedFolder(target: string, { uid, gid }: OsUser): Promise<string | undefined> {
  let folder = path.parse(target).root;
  for (const name of path.relative(folder, target).split(path.sep)) {
    folder = path.join(folder, name);
    const { mode, uid: owner, gid: group } = await stat(folder);
    const entry = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if (!(mode & entry)) return folder;
  }
  return undefined;
}
