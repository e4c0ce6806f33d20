import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  readConfig,
  reconcileRequestsPerSecond,
  refetchRequestsPerSecond,
  SETTING_NAMES,
} from '../src/config.js';

const secret = (text: string) => `whsec_${Buffer.from(text).toString('base64')}`;
const ONE = secret('the first key, of 24 byte');
const OTHER = secret('the other key, of 24 byte');

/** The message with which an environment is refused. */
function problemsOf(env: NodeJS.ProcessEnv, required: Parameters<typeof readConfig>[0] = []): string {
  try {
    readConfig(required, env);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'none';
}

test('an empty environment gives the defaults, and no secret has one', () => {
  expect(readConfig([], {})).toEqual({
    PORT: 3000,
    HOST: '0.0.0.0',
    LOG_LEVEL: 'info',
    DATABASE_POOL_SIZE: 10,
    CLERK_API_URL: 'https://api.clerk.com',
    SYNC_MODE: 'payload',
    SYNC_NAME_PREFIX: '',
    SYNC_LINGER_SECONDS: 45,
    STORE_PRIVATE_METADATA: false,
    EMAIL_UNIQUENESS: 'none',
    DELETION_MODE: 'soft',
    DELETION_HOLDBACK_HOURS: 0,
    USER_CHANGES_RETENTION_DAYS: 0,
    WEBHOOK_MAX_BODY_BYTES: 524_288,
    RECONCILE_INTERVAL_SECONDS: 15,
    SWEEP_INTERVAL_SECONDS: 3600,
    RECONCILE_PAGE_SIZE: 500,
    RECONCILE_DELETION_GRACE_SECONDS: 60,
    RECONCILE_TICK_SHARE: 0.05,
    RECONCILE_MOST_DELETED_SHARE: 0.05,
    temporal: { connectionOptions: {} },
    temporalIsSet: false,
  });
});

test('every setting is read', () => {
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    DATABASE_URL: 'postgresql://sync@db.example/app',
    DATABASE_POOL_SIZE: '20',
    CLERK_SECRET_KEY: 'sk_live_key',
    CLERK_API_URL: 'http://127.0.0.1:4600//',
    CLERK_WEBHOOK_SIGNING_SECRET: ONE,
    CLERK_JWT_KEY: 'a public key',
    CLERK_AUTHORIZED_PARTIES: 'https://app.example.com, http://localhost:3000',
    CLERK_INSTANCE_ID: 'ins_ours',
    CORS_ORIGINS: 'https://app.example.com',
    API_TOKEN: 'x'.repeat(32),
    SYNC_MODE: 'refetch',
    SYNC_LINGER_SECONDS: '30',
    SYNC_NAME_PREFIX: 'staging-1_',
    STORE_PRIVATE_METADATA: 'true',
    EMAIL_UNIQUENESS: 'quarantine',
    CLERK_SYNC_CONFIG: './clerk-sync.config.mjs',
    DELETION_MODE: 'hard',
    DELETION_HOLDBACK_HOURS: '0.5',
    USER_CHANGES_RETENTION_DAYS: '30',
    WEBHOOK_MAX_BODY_BYTES: '1000000',
    RECONCILE_INTERVAL_SECONDS: '60',
    SWEEP_INTERVAL_SECONDS: '7200',
    RECONCILE_PAGE_SIZE: '100',
    RECONCILE_DELETION_GRACE_SECONDS: '5',
    RECONCILE_REQUESTS_PER_SECOND: '0.5',
    REFETCH_REQUESTS_PER_SECOND: '0.3',
    RECONCILE_TICK_SHARE: '0.2',
    RECONCILE_MOST_DELETED_SHARE: '0.1',
    TEMPORAL_CLI_PATH: '/usr/bin/temporal',
  };
  expect(Object.keys(env).sort()).toEqual([...SETTING_NAMES].sort());
  expect(readConfig(SETTING_NAMES, env)).toMatchObject({
    PORT: 0,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    DATABASE_URL: 'postgresql://sync@db.example/app',
    DATABASE_POOL_SIZE: 20,
    CLERK_SECRET_KEY: 'sk_live_key',
    CLERK_API_URL: 'http://127.0.0.1:4600',
    CLERK_WEBHOOK_SIGNING_SECRET: [ONE],
    CLERK_JWT_KEY: 'a public key',
    CLERK_AUTHORIZED_PARTIES: ['https://app.example.com', 'http://localhost:3000'],
    CLERK_INSTANCE_ID: 'ins_ours',
    CORS_ORIGINS: ['https://app.example.com'],
    API_TOKEN: 'x'.repeat(32),
    SYNC_MODE: 'refetch',
    SYNC_LINGER_SECONDS: 30,
    SYNC_NAME_PREFIX: 'staging-1_',
    STORE_PRIVATE_METADATA: true,
    EMAIL_UNIQUENESS: 'quarantine',
    CLERK_SYNC_CONFIG: './clerk-sync.config.mjs',
    DELETION_MODE: 'hard',
    DELETION_HOLDBACK_HOURS: 0.5,
    USER_CHANGES_RETENTION_DAYS: 30,
    WEBHOOK_MAX_BODY_BYTES: 1_000_000,
    RECONCILE_INTERVAL_SECONDS: 60,
    SWEEP_INTERVAL_SECONDS: 7200,
    RECONCILE_PAGE_SIZE: 100,
    RECONCILE_DELETION_GRACE_SECONDS: 5,
    RECONCILE_REQUESTS_PER_SECOND: 0.5,
    REFETCH_REQUESTS_PER_SECOND: 0.3,
    RECONCILE_TICK_SHARE: 0.2,
    RECONCILE_MOST_DELETED_SHARE: 0.1,
    TEMPORAL_CLI_PATH: '/usr/bin/temporal',
  });
});

describe('problems', () => {
  const wrong = {
    PORT: 'mySecret',
    LOG_LEVEL: 'mySecret',
    DATABASE_URL: 'mysql://app:mySecret@db.example/app',
    CLERK_SECRET_KEY: 'mySecret',
    CLERK_API_URL: 'mySecret',
    CLERK_WEBHOOK_SIGNING_SECRET: 'mySecret',
    CLERK_INSTANCE_ID: 'mySecret',
    CLERK_AUTHORIZED_PARTIES: 'https://app.example.com,mySecret',
    CORS_ORIGINS: '*',
    API_TOKEN: 'mySecret',
    SYNC_MODE: 'mySecret',
    STORE_PRIVATE_METADATA: 'mySecret',
    DELETION_MODE: 'mySecret',
    RECONCILE_REQUESTS_PER_SECOND: 'mySecret',
  };

  test('are all reported at once, what is missing too', () => {
    const problems = problemsOf(wrong, ['DATABASE_URL', 'TEMPORAL_CLI_PATH']);
    for (const name of Object.keys(wrong)) expect(problems).toContain(`\n  - ${name} `);
    expect(problems).toContain('\n  - TEMPORAL_CLI_PATH is missing');
    expect(problems).not.toContain('DATABASE_URL is missing');
  });

  test('name settings and expectations, never a value', () => {
    expect(problemsOf(wrong)).not.toContain('mySecret');
  });

  test.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '3000.5'],
    ['DATABASE_POOL_SIZE', '0'],
    ['SYNC_LINGER_SECONDS', '0'],
    ['WEBHOOK_MAX_BODY_BYTES', '1500001'],
    ['RECONCILE_INTERVAL_SECONDS', '0'],
    ['SWEEP_INTERVAL_SECONDS', '59'],
    ['RECONCILE_PAGE_SIZE', '501'],
    ['RECONCILE_REQUESTS_PER_SECOND', '0'],
    ['SYNC_NAME_PREFIX', 'staging/'],
    ['SYNC_NAME_PREFIX', 'stäging-'],
    ['RECONCILE_REQUESTS_PER_SECOND', 'Infinity'],
    ['RECONCILE_TICK_SHARE', '1.5'],
    ['RECONCILE_MOST_DELETED_SHARE', '-0.1'],
    ['STORE_PRIVATE_METADATA', 'TRUE'],
    ['DELETION_MODE', 'anonymize'],
    ['EMAIL_UNIQUENESS', 'takeover'],
    ['DELETION_HOLDBACK_HOURS', '-1'],
    ['USER_CHANGES_RETENTION_DAYS', '0.5'],
    ['DELETION_HOLDBACK_HOURS', '8761'],
    ['DATABASE_URL', 'db.example/app'],
    ['CLERK_API_URL', 'ftp://api.clerk.com'],
    ['CLERK_SECRET_KEY', 'pk_test_key'],
    ['CLERK_SECRET_KEY', 'sk_test_two words'],
    ['CLERK_INSTANCE_ID', 'user_ada'],
    ['API_TOKEN', 'x'.repeat(31)],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'https://*.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com,'],
    ['CLERK_AUTHORIZED_PARTIES', '*'],
  ])('%s cannot be %s', (name, value) => {
    expect(problemsOf({ [name]: value })).toContain(`\n  - ${name} `);
  });

  test('point to .env.example', () => {
    expect(problemsOf({}, ['DATABASE_URL'])).toBe(
      'These settings need attention (see .env.example):\n  - DATABASE_URL is missing',
    );
  });
});

describe('signing secrets', () => {
  const secrets = (value: string) =>
    readConfig([], { CLERK_WEBHOOK_SIGNING_SECRET: value }).CLERK_WEBHOOK_SIGNING_SECRET;

  test('may be several, for a rotation', () => {
    expect(secrets(`${ONE},${OTHER}`)).toEqual([ONE, OTHER]);
    expect(secrets(` ${ONE} , ${OTHER} `)).toEqual([ONE, OTHER]);
  });

  test.each([
    ['an empty key, with which anybody can sign', 'whsec_'],
    ['a key of padding only', 'whsec_=='],
    ['a key of a few bytes', secret('short')],
    ['a good key beside an empty one', `${ONE},whsec_`],
    ['a good key and a trailing comma', `${ONE},`],
    ['a key without its prefix', ONE.slice(6)],
    ['a key with a space in it', `${ONE.slice(0, 20)} ${ONE.slice(20)}`],
    ['a key that is no base64', 'whsec_not-base64_but-long-enough-otherwise'],
    ['a key in quotes', `"${ONE}"`],
  ])('%s is refused', (_, value) => {
    const problems = problemsOf({ CLERK_WEBHOOK_SIGNING_SECRET: value });
    expect(problems).toContain('- CLERK_WEBHOOK_SIGNING_SECRET ');
    expect(problems).not.toContain(ONE.slice(6, 20));
  });
});

describe('a blank value', () => {
  test('is the same as none: the default holds', () => {
    const blank = Object.fromEntries(SETTING_NAMES.map((name, nth) => [name, nth % 2 === 0 ? '' : ' \t']));
    expect(readConfig([], { ...blank, TEMPORAL_ADDRESS: '', TEMPORAL_PROFILE: ' ' })).toEqual(
      readConfig([], {}),
    );
  });

  test('of a required setting is missing', () => {
    expect(problemsOf({ DATABASE_URL: '  ' }, ['DATABASE_URL'])).toContain('DATABASE_URL is missing');
  });
});

describe('spaces and line breaks around a value', () => {
  const PLAIN = {
    DATABASE_URL: 'postgresql://sync@db.example/app',
    CLERK_SECRET_KEY: 'sk_live_key',
    CLERK_WEBHOOK_SIGNING_SECRET: ONE,
    CLERK_JWT_KEY: 'a public key',
    CLERK_API_URL: 'http://127.0.0.1:4600',
    API_TOKEN: 'x'.repeat(32),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    STORE_PRIVATE_METADATA: 'true',
    CLERK_SYNC_CONFIG: './clerk-sync.config.mjs',
    TEMPORAL_ADDRESS: 'given.example:7233',
    TEMPORAL_NAMESPACE: 'given',
    TEMPORAL_API_KEY: 'key',
    TEMPORAL_TLS: 'true',
  };

  test.each([
    ['a line break after', (value: string) => `${value}\n`],
    ['one as Windows writes it', (value: string) => `${value}\r\n`],
    ['spaces around', (value: string) => ` \t${value} `],
  ])('%s are left out of every setting, and of Temporal’s', (_, around) => {
    const env = Object.fromEntries(Object.entries(PLAIN).map(([name, value]) => [name, around(value)]));
    expect(readConfig([], env)).toEqual(readConfig([], PLAIN));
  });

  test('do not make a token long enough', () => {
    expect(problemsOf({ API_TOKEN: `${'x'.repeat(31)}\n` })).toContain('- API_TOKEN ');
  });
});

describe('DATABASE_URL', () => {
  const MARKER = 'mySecret';

  test.each([
    `postgres://app:${MARKER}%@db.example/app`,
    `postgres://app:${MARKER}+#@db.example/app`,
    `postgresql://app:${MARKER}@%2Fvar%2Frun%2Fpostgresql/app`,
    'postgresql:///app?host=/var/run/postgresql',
  ])('may be %s', (value) => {
    expect(readConfig([], { DATABASE_URL: value }).DATABASE_URL).toBe(value);
  });

  test.each([
    [`postgres://app:${MARKER}@one.example,two.example/app`, 'names several hosts'],
    [`postgres://app:${MARKER}/with-slash@db.example/app`, 'percent-encoded'],
    [`postgres://app:${MARKER}@db.example/app?sslmode=${MARKER}`, 'sslmode'],
    [`postgres://app:${MARKER}@db.example/app?sslaccept=strict`, 'sslaccept'],
  ])('cannot be %s', (value, words) => {
    const problems = problemsOf({ DATABASE_URL: value });
    expect(problems).toMatch(new RegExp(`- DATABASE_URL .*${words}`));
    expect(problems).not.toContain(MARKER);
  });
});

describe('the share of Clerk’s requests', () => {
  const shares = (env: NodeJS.ProcessEnv) => {
    const config = readConfig([], env);
    return [reconcileRequestsPerSecond(config), refetchRequestsPerSecond(config)];
  };

  test("of reconciles, and of questions about one user, is a fifth of the instance's limit, by the kind of its key", () => {
    expect(shares({ CLERK_SECRET_KEY: 'sk_live_key' })).toEqual([20, 20]);
    expect(shares({ CLERK_SECRET_KEY: 'sk_test_key' })).toEqual([2, 2]);
    expect(shares({})).toEqual([2, 2]);
  });

  test('is what its setting says, if it says', () => {
    const live = { CLERK_SECRET_KEY: 'sk_live_key' };
    expect(shares({ ...live, RECONCILE_REQUESTS_PER_SECOND: '0.1' })).toEqual([0.1, 20]);
    expect(shares({ ...live, REFETCH_REQUESTS_PER_SECOND: '0.1' })).toEqual([20, 0.1]);
  });
});

describe("Temporal's own variables", () => {
  let home: string;
  /** The folders in which Temporal's tools look, on Linux, macOS and Windows. */
  const folders = ['.config', 'Library/Application Support', 'AppData'];
  const file = () => path.join(home, '.config', 'temporalio', 'temporal.toml');
  const atHome = () => ({ HOME: home, APPDATA: path.join(home, 'AppData') });

  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), 'clerk-sync-config-'));
    const toml = [
      '[profile.default]',
      'address = "file.example:7233"',
      'namespace = "of-the-file"',
      '[profile.other]',
      'address = "other.example:7233"',
    ].join('\n');
    for (const folder of folders) {
      mkdirSync(path.join(home, folder, 'temporalio'), { recursive: true });
      writeFileSync(path.join(home, folder, 'temporalio', 'temporal.toml'), toml);
    }
  });
  afterAll(() => rmSync(home, { recursive: true }));

  test('are read from the environment that is given, not from the process', () => {
    const { temporal, temporalIsSet } = readConfig([], {
      TEMPORAL_ADDRESS: 'given.example:7233',
      TEMPORAL_NAMESPACE: 'given',
      TEMPORAL_API_KEY: 'key',
    });
    expect(temporalIsSet).toBe(true);
    expect(temporal).toMatchObject({
      namespace: 'given',
      connectionOptions: { address: 'given.example:7233', apiKey: 'key', tls: true },
    });
    process.env.TEMPORAL_ADDRESS = 'process.example:7233';
    try {
      expect(readConfig([], {})).toMatchObject({ temporal: { connectionOptions: {} }, temporalIsSet: false });
    } finally {
      delete process.env.TEMPORAL_ADDRESS;
    }
  });

  test.each([
    ['nothing else', {}],
    ['a namespace', { TEMPORAL_NAMESPACE: 'given' }],
    ['the CLI', { TEMPORAL_CLI_PATH: '/usr/bin/temporal' }],
  ])('a temporal.toml in the home folder is ignored with %s set', (_, env) => {
    const { temporal, temporalIsSet } = readConfig([], { ...atHome(), ...env });
    expect(temporalIsSet).toBe(false);
    expect(JSON.stringify(temporal)).not.toMatch(/example|of-the-file/);
  });

  test.each<[string, () => NodeJS.ProcessEnv, string]>([
    ['an address, which wins', () => ({ TEMPORAL_ADDRESS: 'given.example:7233' }), 'given.example:7233'],
    ['the default profile', () => ({ TEMPORAL_PROFILE: 'default' }), 'file.example:7233'],
    ['another profile', () => ({ TEMPORAL_PROFILE: 'other' }), 'other.example:7233'],
    ['its path', () => ({ TEMPORAL_CONFIG_FILE: file() }), 'file.example:7233'],
  ])('it counts once the environment names %s', (_, env, address) => {
    const { temporal, temporalIsSet } = readConfig([], { ...atHome(), ...env() });
    expect(temporalIsSet).toBe(true);
    expect(temporal.connectionOptions.address).toBe(address);
    expect(temporal.namespace).toBe(address.startsWith('other') ? undefined : 'of-the-file');
  });

  test('that contradict each other are reported with the other problems', () => {
    const problems = problemsOf({
      PORT: 'x',
      TEMPORAL_ADDRESS: 'given.example:7233',
      TEMPORAL_TLS_CLIENT_CERT_PATH: '/tmp/cert',
      TEMPORAL_TLS_CLIENT_CERT_DATA: 'mySecret',
    });
    expect(problems).toMatch(/\n {2}- PORT .*\n {2}- TEMPORAL_…: /);
    expect(problems).not.toContain('mySecret');
  });

  test('a temporal.toml that cannot be parsed is reported without its text', () => {
    const broken = path.join(home, 'broken.toml');
    writeFileSync(broken, '[profile.default]\naddress = "a:1"\napi_key = "TOP-SECRET');
    const problem = () => readConfig([], { TEMPORAL_CONFIG_FILE: broken });
    expect(problem).toThrow('TEMPORAL_');
    expect(problem).not.toThrow('TOP-SECRET');
  });

  test.each([
    ['TEMPORAL_TLS', 'yes'],
    ['TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml'],
  ])('%s=%s is refused rather than passed over', (name, value) => {
    expect(() => readConfig([], { [name]: value })).toThrow(name);
  });

  test('a profile that does not exist is reported', () => {
    expect(problemsOf({ ...atHome(), TEMPORAL_PROFILE: 'missing' })).toContain('- TEMPORAL_…: ');
  });
});

describe('.env.example', () => {
  const listed = () => {
    const text = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
    return [...text.matchAll(/^(?:# ?)?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name ?? '');
  };
  const settings: ReadonlySet<string> = new Set(SETTING_NAMES);
  const isTemporals = (name: string) => name.startsWith('TEMPORAL_') && !settings.has(name);

  test('lists every setting once, and none that does not exist', () => {
    expect(
      listed()
        .filter((name) => !isTemporals(name))
        .sort(),
    ).toEqual([...SETTING_NAMES].sort());
  });

  test("lists those of Temporal's variables that name a server", () => {
    const names = listed().filter(isTemporals);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_API_KEY']),
    );
  });

  test("lists no variable that Temporal's tools do not know", () => {
    const known =
      /^TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|PROFILE|CONFIG_FILE|TLS|TLS_(CLIENT_(CERT|KEY)|SERVER_CA_CERT)_(PATH|DATA)|TLS_SERVER_NAME|GRPC_META_\w+)$/;
    expect(listed().filter((name) => isTemporals(name) && !known.test(name))).toEqual([]);
  });
});
