import path from 'node:path';
import { expect, test } from '@jest/globals';
import { defaultCacheFolder } from '../../src/embedded/default-cache-folder.js';

test('the cache is where each platform keeps what can be downloaded again', () => {
  expect(defaultCacheFolder({ HOME: '/home/ada' }, 'linux')).toBe('/home/ada/.cache/clerk-temporal-sync');
  expect(defaultCacheFolder({ HOME: '/home/ada', XDG_CACHE_HOME: '/cache' }, 'linux')).toBe(
    '/cache/clerk-temporal-sync',
  );
  expect(defaultCacheFolder({ HOME: '/Users/ada' }, 'darwin')).toBe(
    '/Users/ada/Library/Caches/clerk-temporal-sync',
  );
  expect(defaultCacheFolder({ LOCALAPPDATA: '/local' }, 'win32')).toBe('/local/clerk-temporal-sync/Cache');
});

test('without HOME it is in the home folder that the system knows', () => {
  expect(path.isAbsolute(defaultCacheFolder({}, 'linux'))).toBe(true);
});
