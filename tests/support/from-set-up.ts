/** @returns what start-servers.mjs, jest's global set-up of the live tests, left in that environment variable. */
export function fromSetUp(
  name: 'TEST_TEMPORAL_ADDRESS' | 'TEST_TEMPORAL_CLI' | 'TEST_POSTGRES_URL' | 'TEST_POSTGRES_TEMPLATE',
): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: the test servers are not running. Run it with: npm test -- <file>`);
}
