import { describe, expect, test } from '@jest/globals';
import { importsIn, readCode, sourceFiles } from './read-imports.js';
import { cyclesAmong, environmentProblems, problemsWith } from './room-rules.js';

const files = sourceFiles();
const imports = files.flatMap((file) => importsIn(file, readCode(file)));

describe('the sources', () => {
  test('import only in the direction of the rooms', () => {
    expect(imports.flatMap(problemsWith)).toEqual([]);
  });

  test('have no rooms that import one another', () => {
    expect(cyclesAmong(imports)).toEqual([]);
  });

  test('read the environment in config only; cli may hand it on whole', () => {
    expect(files.flatMap((file) => environmentProblems(file, readCode(file)))).toEqual([]);
  });
});

describe('this test', () => {
  const found = (file: string, specifier: string, typeOnly = false) =>
    problemsWith({ file, specifier, typeOnly });

  test('sees every form of import', () => {
    const code = [
      "import a from 'pg';",
      "import type { B } from './b.js';",
      'import {',
      '  type C,',
      '  d,',
      "} from '../d.js';",
      "import * as e from 'node:fs';",
      "import 'side-effect';",
      "export { f } from './f.js';",
      "export type { G } from './g.js';",
      "export * from './h.js';",
      "  const { i } = await import('./i.js');",
      "export const notAnImport = 'x';",
    ].join('\n');
    expect(importsIn('src/x.ts', code).map(({ specifier, typeOnly }) => [specifier, typeOnly])).toEqual([
      ['pg', false],
      ['./b.js', true],
      ['../d.js', false],
      ['node:fs', false],
      ['side-effect', false],
      ['./f.js', false],
      ['./g.js', true],
      ['./h.js', false],
      ['./i.js', false],
    ]);
  });

  test('sees every import line there is', () => {
    const lines = files.flatMap((file) => readCode(file).match(/^(import|\} from)\b.*'.*$/gm) ?? []);
    const reExports = imports.filter(
      ({ file }) => file === 'src/workflows/index.ts' || file === 'src/log.ts',
    );
    expect(imports.length).toBeGreaterThanOrEqual(lines.length);
    expect(reExports.length).toBeGreaterThanOrEqual(4);
  });

  test.each<[string, string, boolean?]>([
    ['src/workflows/sync-user.ts', '../activities/index.js'],
    ['src/workflows/sync-user.ts', '../db/database.js', true],
    ['src/workflows/sync-user.ts', '../log.js'],
    ['src/workflows/sync-user.ts', 'node:crypto'],
    ['src/workflows/sync-user.ts', '@temporalio/client', true],
    ['src/activities/index.ts', '../starter/signal-user.js'],
    ['src/activities/index.ts', '../worker/start-worker.js'],
    ['src/activities/index.ts', '../workflows/sync-user.js', true],
    ['src/activities/index.ts', '../cli/main.js'],
    ['src/activities/index.ts', '../config.js'],
    ['src/activities/index.ts', '@temporalio/client'],
    ['src/clerk/get-user.ts', '../db/database.js'],
    ['src/db/database.ts', '../clerk/get-user.js', true],
    ['src/starter/app.ts', '../db/read-user.js'],
    ['src/starter/app.ts', '../activities/index.js'],
    ['src/starter/app.ts', '../config.js', true],
    ['src/starter/app.ts', 'pg', true],
    ['src/worker/start-worker.ts', '../db/database.js'],
    ['src/user-change.ts', './clerk/clerk-time.js'],
    ['src/failures.ts', './log.js'],
    ['src/names.ts', 'node:crypto'],
    ['src/clerk-stand-in/app.ts', '../user-change.js', true],
    ['src/clerk-stand-in/app.ts', '@clerk/backend', true],
    ['src/embedded/start-temporal.ts', '../config.js'],
    ['src/clerk/clerk-api.ts', 'express', true],
    ['src/cli/start.ts', 'express'],
    ['src/cli/start.ts', '@prisma/client'],
    ['src/cli/start.ts', '../db/generated/client.js'],
    ['src/cli/start.ts', '@clerk/backend/errors'],
    ['src/embedded/start-postgres.ts', 'pg'],
    ['src/sign-in/sync-user.ts', 'express'],
    ['src/db/database.ts', '../../tests/support/clerk-user.js'],
    ['src/new-room/index.ts', '../names.js'],
  ])('would refuse %s importing %s', (file, specifier, typeOnly = false) => {
    const problems = found(file, specifier, typeOnly);
    expect(problems[0]).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')} .+: .+`));
  });

  test.each<[string, string, boolean?]>([
    ['src/workflows/sync-user.ts', '../activities/index.js', true],
    ['src/workflows/sync-user.ts', './sync-user-messages.js'],
    ['src/sign-in/middleware.ts', 'express', true],
    ['src/cli/start.ts', '../db/database.js'],
    ['src/db/database.ts', './generated/client.js'],
  ])('lets %s import %s', (file, specifier, typeOnly = false) => {
    expect(found(file, specifier, typeOnly)).toEqual([]);
  });

  test('finds a ring of rooms, and names it', () => {
    const ring = [
      { file: 'src/clerk/a.ts', specifier: '../log.js', typeOnly: true },
      { file: 'src/log.ts', specifier: './names.js', typeOnly: false },
      { file: 'src/names.ts', specifier: './clerk/a.js', typeOnly: true },
    ];
    expect(cyclesAmong(ring)[0]).toBe(
      'clerk -> log -> names -> clerk: move what both need into a file of its own.',
    );
    expect(cyclesAmong(ring.slice(1))).toEqual([]);
  });

  test.each([
    ['src/worker/install-runtime.ts', 'const level = process.env.LOG_LEVEL;'],
    ['src/embedded/start-postgres.ts', 'const folder = cacheFolder(process.env);'],
    ['src/cli/start.ts', "const level = process.env['LOG_LEVEL'];"],
    ['src/cli/start.ts', 'const { LOG_LEVEL } = process.env;'],
    ['src/cli/start.ts', 'const { env } = process;'],
    ['src/cli/start.ts', "import { env } from 'node:process';"],
  ])('finds that %s reads the environment by: %s', (file, code) => {
    expect(environmentProblems(file, code)).toEqual([
      expect.stringMatching(/reads process\.env: add a setting/),
    ]);
  });

  test('lets cli hand the environment on', () => {
    expect(environmentProblems('src/cli/start.ts', 'find(process.env, 1); find(process.env)')).toEqual([]);
  });
});
