import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApplicationProject, createApplicationProject } from './packed-package.js';

/** What applications rely on. A name that goes, or changes its meaning, is a new major version. */
const PUBLIC_NAMES = [
  'FAILURES',
  'connectDatabase',
  'createClerkApi',
  'createSessionVerifier',
  'defineClerkSync',
  'defineUserHooks',
  'defineUserMapping',
  'failureCode',
  'getSyncedUser',
  'handOverToStarter',
  'syncOnSignIn',
  'syncUserWithDatabase',
];

const IMPORTS = `import {
  connectDatabase, createClerkApi, defineUserMapping, getSyncedUser, type SyncedUser, syncUserWithDatabase, type UserRow,
} from 'clerk-temporal-sync';`;

const USE = `
const sync: Promise<SyncedUser> = syncUserWithDatabase('user_1', {
  db: connectDatabase({ url: 'postgres://127.0.0.1/app', poolSize: 2 }),
  clerk: createClerkApi({ secretKey: 'sk_test_x', apiUrl: 'https://api.clerk.com' }),
});
export const email: Promise<string | null | undefined> = sync.then(({ row }) => row?.email);

export const mapping = defineUserMapping({ joined_at: { type: 'timestamptz', from: (user) => user.created_at } });
export const row = getSyncedUser<typeof mapping>({});
export const joined: [Date | null | undefined, string | null | undefined] = [row?.joined_at, row?.email];
export type Row = UserRow<typeof mapping>;
// @ts-expect-error of a mapping that is not named
getSyncedUser({})?.joined_at;
`;

describe.each([
  {
    kind: 'module',
    load: "import * as index from 'clerk-temporal-sync';",
  },
  {
    kind: 'commonjs',
    load: "const index = require('clerk-temporal-sync');",
  },
] as const)('an application of the kind $kind', ({ kind, load }) => {
  let application: ApplicationProject;
  beforeAll(() => {
    application = createApplicationProject(kind);
  });
  afterAll(() => application.remove());

  test('gets the public names and no others', () => {
    const printed = application.run(
      'names.js',
      `${load}\nconsole.log(JSON.stringify(Object.keys(index).sort()));`,
    );
    expect(JSON.parse(printed)).toEqual(PUBLIC_NAMES);
  });

  test.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'node16', moduleResolution: 'node16' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('gets the types with $module', (options) => {
    expect(
      application.check('use.ts', `${IMPORTS}\n${USE}`, {
        ...options,
        declaration: true,
        skipLibCheck: true,
      }),
    ).toBe('');
  });

  test('is told by the types what is wrong', () => {
    const code = `${IMPORTS}\nexport const row = syncUserWithDatabase(7, {});`;
    expect(application.check('wrong.ts', code, { module: 'nodenext', skipLibCheck: true })).toContain(
      'TS2345',
    );
  });
});

test('both kinds, loaded in one process, are one copy', () => {
  const application = createApplicationProject('module');
  try {
    const printed = application.run(
      'both.js',
      `import { createRequire } from 'node:module';
      import { getSyncedUser } from 'clerk-temporal-sync';
      console.log(createRequire(import.meta.url)('clerk-temporal-sync').getSyncedUser === getSyncedUser);`,
    );
    expect(printed.trim()).toBe('true');
  } finally {
    application.remove();
  }
});
