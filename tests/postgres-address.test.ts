import { expect, test } from '@jest/globals';
import { placeOf, readPostgresAddress } from '../src/postgres-address.js';

const NOTHING = {
  host: undefined,
  port: undefined,
  user: undefined,
  password: undefined,
  database: undefined,
};
const read = (text: string) => {
  const address = readPostgresAddress(text);
  if ('problem' in address) return address;
  const { parameters, ...parts } = address;
  return { ...parts, ...(parameters.size > 0 ? { parameters: Object.fromEntries(parameters) } : {}) };
};

test.each<[string, object]>([
  ['postgres://', NOTHING],
  ['POSTGRESQL://db.example', { ...NOTHING, host: 'db.example' }],
  ['postgres:///app', { ...NOTHING, database: 'app' }],
  ['postgres://sync@/app', { ...NOTHING, user: 'sync', database: 'app' }],
  ['postgres://sync:@db:1', { ...NOTHING, user: 'sync', host: 'db', port: 1 }],
  ['postgres://[::1]:6543/app', { ...NOTHING, host: '::1', port: 6543, database: 'app' }],
  ['postgres://db/a%20b', { ...NOTHING, host: 'db', database: 'a b' }],
  [' postgres://db/app\r\n', { ...NOTHING, host: 'db', database: 'app' }],
  [
    'postgres://s%40y:p@s:s@db/app?schema=clerk',
    {
      ...NOTHING,
      user: 's@y',
      password: 'p@s:s',
      host: 'db',
      database: 'app',
      parameters: { schema: 'clerk' },
    },
  ],
  [
    'postgres://db/app?application_name=a@b&options=-c+geqo%3Doff',
    {
      ...NOTHING,
      host: 'db',
      database: 'app',
      parameters: { application_name: 'a@b', options: '-c geqo=off' },
    },
  ],
])('%s', (text, parts) => {
  expect(read(text)).toEqual(parts);
});

test.each([
  'db.example/app',
  'mysql://db/app',
  'postgres:/db/app',
  'postgres://db:0x10/app',
  'postgres://db:65536/app',
  'postgres://one,two/app',
  'postgres:///app?host=/one,/two',
  'postgres://db:1,:2/app',
])('%s has a problem', (text) => {
  expect(read(text)).toEqual({ problem: expect.any(String) });
});

test('a place is shown as a person reads it', () => {
  const place = (host?: string, port?: number) => placeOf({ host, port });
  expect(place()).toBe('localhost:5432');
  expect(place('db', 1)).toBe('db:1');
  expect(place('::1', 1)).toBe('[::1]:1');
  expect(place('/run/postgresql', 1)).toBe('/run/postgresql');
});
