// Jest's global tear-down of the live tests.
export { stopServers as default } from './start-servers.mjs';
