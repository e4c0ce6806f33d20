import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClerkApi } from '../../src/clerk/clerk-api.js';
import { type StandIn, startStandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import { compareValues } from '../../src/cli/compare-values.js';
import { connectDatabase } from '../../src/db/database.js';

let standIn: StandIn;
beforeAll(async () => {
  standIn = await startStandIn({ seedUsers: 120 });
});
afterAll(() => standIn.stop());

/** It connects on first use, and nothing here uses it. */
const db = connectDatabase({ url: 'postgres://127.0.0.1:9/none', poolSize: 1 });

test('users are asked for 100 at a time, and what differs is told by user', async () => {
  const ids = [...standIn.users.ids()];
  const pages: number[] = [];
  const found = await compareValues(
    {
      clerk: createClerkApi({ secretKey: standIn.secretKey, apiUrl: standIn.url }),
      db,
      keepPrivateMetadata: false,
      findValues: async (_, snapshots) => {
        pages.push(snapshots.length);
        return snapshots
          .filter(({ clerkUserId }) => clerkUserId === ids[3] || clerkUserId === ids[110])
          .map(({ clerkUserId, columns }) => ({
            clerkUserId,
            values: [{ field: 'email', stored: null, incoming: columns.email }],
          }));
      },
    },
    [...ids.slice(0, 119), 'user_unknown'],
  );
  expect(pages).toEqual([100, 19]);
  expect([...found.keys()].sort()).toEqual([ids[3], ids[110]].sort());
  expect(found.get(ids[3] ?? '')).toEqual([
    { field: 'email', stored: null, incoming: expect.stringContaining('@') },
  ]);
});
