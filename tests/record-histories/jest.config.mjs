// As the live tests, for files that `npm test` must not run.
import jestConfig from '../../jest.config.mjs';

const live = jestConfig.projects.find(({ displayName }) => displayName === 'live');

export default {
  ...live,
  rootDir: '../..',
  displayName: 'record',
  testMatch: ['<rootDir>/tests/record-histories/*.record.ts'],
  globalSetup: '<rootDir>/tests/record-histories/start-servers.mjs',
  testTimeout: jestConfig.testTimeout,
};
