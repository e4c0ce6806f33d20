import { existsSync } from 'node:fs';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { readPostgresAddress } from './postgres-address.js';

const wholeNumber = (least: number, most: number, fallback: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback);
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');
const url = (protocols: RegExp, what: string) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.test(new URL(value).protocol), `must be ${what}`);

const postgresUrl = z.string().superRefine((value, context) => {
  const address = readPostgresAddress(value);
  if ('problem' in address) context.addIssue({ code: 'custom', message: address.problem });
});

/**
 * A signing secret as Clerk's dashboard shows it. Svix accepts an empty key, with which anybody's signature holds, and
 * fails on a malformed one only when a delivery comes; so both are refused here.
 */
const signingSecret = z
  .string()
  .refine(
    (secret) =>
      /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) && Buffer.from(secret.slice(6), 'base64').length >= 16,
    "must be whsec_ and the key in base64, as the endpoint's page of the dashboard shows it",
  );

const origins = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .pipe(
    z.array(
      z.string().regex(/^[a-z][a-z0-9+.-]*:\/\/[^/\s*]+$/, 'must be origins such as https://app.example.com'),
    ),
  );

const settings = z.object({
  PORT: wholeNumber(0, 65_535, 3000),
  HOST: z.string().default('0.0.0.0'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: wholeNumber(1, 500, 10),
  CLERK_SECRET_KEY: z
    .string()
    .regex(/^sk_(test|live)_\S+$/, 'must be sk_test_… or sk_live_…')
    .optional(),
  CLERK_API_URL: url(/^https?:$/, 'an http(s) URL')
    .default('https://api.clerk.com')
    .transform((value) => value.replace(/\/+$/, '')),
  CLERK_WEBHOOK_SIGNING_SECRET: z
    .string()
    .transform((value) => value.split(',').map((secret) => secret.trim()))
    .pipe(z.array(signingSecret))
    .optional(),
  CLERK_JWT_KEY: z.string().optional(),
  CLERK_AUTHORIZED_PARTIES: origins.optional(),
  CLERK_INSTANCE_ID: z
    .string()
    .regex(/^ins_\S+$/, 'must be ins_…')
    .optional(),
  SYNC_MODE: z.enum(['payload', 'refetch']).default('payload'),
  SYNC_NAME_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,50}$/, 'must be at most 50 letters, digits, - and _')
    .default(''),
  SYNC_LINGER_SECONDS: wholeNumber(1, 3600, 45),
  STORE_PRIVATE_METADATA: flag,
  DELETION_MODE: z.enum(['soft', 'anonymise', 'hard']).default('soft'),
  DELETION_HOLDBACK_HOURS: z.coerce.number().min(0).max(8760).default(0),
  USER_CHANGES_RETENTION_DAYS: wholeNumber(0, 36_500, 0),
  CORS_ORIGINS: origins.optional(),
  API_TOKEN: z.string().min(32, 'must have at least 32 characters').optional(),
  EMAIL_UNIQUENESS: z.enum(['none', 'take-over', 'null-older', 'quarantine']).default('none'),
  CLERK_SYNC_CONFIG: z.string().optional(),
  WEBHOOK_MAX_BODY_BYTES: wholeNumber(1024, 1_500_000, 524_288),
  RECONCILE_INTERVAL_SECONDS: wholeNumber(1, 86_400, 15),
  SWEEP_INTERVAL_SECONDS: wholeNumber(60, 604_800, 3600),
  RECONCILE_PAGE_SIZE: wholeNumber(1, 500, 500),
  RECONCILE_DELETION_GRACE_SECONDS: wholeNumber(0, 86_400, 60),
  RECONCILE_TICK_SHARE: z.coerce.number().min(0).max(1).default(0.05),
  RECONCILE_MOST_DELETED_SHARE: z.coerce.number().min(0).max(1).default(0.05),
  RECONCILE_REQUESTS_PER_SECOND: z.coerce.number().min(0.1).max(1000).optional(),
  REFETCH_REQUESTS_PER_SECOND: z.coerce.number().min(0.1).max(1000).optional(),
  TEMPORAL_CLI_PATH: z.string().optional(),
});

export type Settings = z.infer<typeof settings>;

/** Every setting's name, for the test that compares them with .env.example. */
export const SETTING_NAMES = Object.keys(settings.shape) as (keyof Settings)[];

export interface Config extends Settings {
  temporal: ClientConnectConfig;
  /** Whether a Temporal server was named; without one `npm start` runs its own. */
  temporalIsSet: boolean;
}

/**
 * Parses the environment: the only place that reads it. Spaces and line breaks around a value are left out. Temporal's own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
 * TEMPORAL_API_KEY, TEMPORAL_TLS_…, TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE) are read as every Temporal tool reads them.
 *
 * @param required settings that this process cannot do without.
 * @throws Error that lists every problem at once, by the setting's name and never by its value.
 * @see https://docs.temporal.io/develop/environment-configuration
 */
export function readConfig(
  required: readonly (keyof Settings)[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Config {
  // Files and secret stores add a line break; what is checked here is also what is used.
  const trimmed = Object.entries(env).map(([name, value = '']) => [name, value.trim()] as const);
  const given: Record<string, string> = Object.fromEntries(trimmed.filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`);
  for (const name of required) if (given[name] === undefined) problems.push(`${name} is missing`);
  const temporalIsSet = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'].some(
    (name) => name in given,
  );
  const temporal = readTemporal(given, temporalIsSet, problems);
  if (!parsed.success || problems.length > 0) {
    throw new Error(
      `These settings need attention (see .env.example):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  return { ...parsed.data, temporal, temporalIsSet };
}

/** A temporal.toml in the home folder counts only once the environment names a server or a profile. */
function readTemporal(env: Record<string, string>, isSet: boolean, problems: string[]): ClientConnectConfig {
  // Both would be passed over in silence: the key of a TLS connection would then travel in the clear, to another server.
  if (env.TEMPORAL_TLS !== undefined && !/^(true|false|1|0)$/.test(env.TEMPORAL_TLS)) {
    problems.push('TEMPORAL_TLS must be true or false');
  }
  if (env.TEMPORAL_CONFIG_FILE !== undefined && !existsSync(env.TEMPORAL_CONFIG_FILE)) {
    problems.push('TEMPORAL_CONFIG_FILE names a file that does not exist');
  }
  try {
    return loadClientConnectConfig({ overrideEnvVars: env, disableFile: !isSet });
  } catch (error) {
    // The TOML parser goes on to quote the file, and with it a key.
    const [what] = (error instanceof Error ? error.message : String(error)).split('\n');
    problems.push(`TEMPORAL_…: ${what}`);
    return { connectionOptions: {} };
  }
}

/** The reconcile's share of Clerk's limit. */
export const reconcileRequestsPerSecond = (given: Settings): number =>
  given.RECONCILE_REQUESTS_PER_SECOND ?? fifthOfLimit(given);

/** The share of questions about one user: sign-ins, and all events with `SYNC_MODE=refetch`. */
export const refetchRequestsPerSecond = (given: Settings): number =>
  given.REFETCH_REQUESTS_PER_SECOND ?? fifthOfLimit(given);

/** Of what Clerk allows an instance in a second; three fifths are left to the application and its sign-ins. */
const fifthOfLimit = ({ CLERK_SECRET_KEY: key }: Settings): number => (key?.startsWith('sk_live_') ? 20 : 2);
