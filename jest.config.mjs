const common = {
  rootDir: '.',
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** `fast` tests need nothing but Node; `live` tests use a real Postgres and the real Temporal server. */
export default {
  projects: [
    {
      ...common,
      displayName: 'fast',
      testMatch: ['<rootDir>/tests/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.live\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'live',
      testMatch: ['<rootDir>/tests/**/*.live.test.ts'],
      globalSetup: '<rootDir>/tests/support/start-servers.mjs',
      globalTeardown: '<rootDir>/tests/support/stop-servers.mjs',
    },
  ],
  // Ends a test that hangs; no test is to fail because a machine is busy. `waitUntil` gives up earlier, and says on what.
  testTimeout: 600_000,
  // Most tests wait for servers more than they compute.
  maxWorkers: 2,
};
