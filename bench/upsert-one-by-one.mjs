// What people write by hand: list with Clerk's SDK, page by offset, and upsert one user after another.
import { createClerkClient } from '@clerk/backend';
import { connectDatabase } from '../dist/db/database.js';
import { PAGE } from './clerk.mjs';

/**
 * @param part how many users to do, the newest of the instance.
 * @returns the seconds they took, with the requests for their pages.
 */
export async function upsertOneByOne(clerk, database, part) {
  const db = connectDatabase({ url: database.url, poolSize: 10 });
  const { users } = createClerkClient({ secretKey: clerk.secretKey, apiUrl: clerk.url });
  await db.$queryRaw`SELECT 1`;
  const startedMs = performance.now();
  let done = 0;
  for (let offset = 0; done < part; offset += PAGE) {
    const { data } = await users.getUserList({ limit: Math.min(PAGE, part - done), offset });
    if (data.length === 0) break;
    for (const user of data) {
      const columns = columnsOf(user);
      await db.user.upsert({
        where: { clerkId: user.id },
        create: { clerkId: user.id, ...columns },
        update: columns,
      });
      done += 1;
    }
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await db.$disconnect();
  return { seconds, done };
}

function columnsOf(user) {
  const now = new Date();
  const email = user.emailAddresses.find(({ id }) => id === user.primaryEmailAddressId);
  const phone = user.phoneNumbers.find(({ id }) => id === user.primaryPhoneNumberId);
  return {
    email: email?.emailAddress ?? null,
    emailVerified: email?.verification?.status === 'verified',
    phone: phone?.phoneNumber ?? null,
    username: user.username,
    firstName: user.firstName,
    lastName: user.lastName,
    name: user.fullName,
    avatarUrl: user.imageUrl,
    externalId: user.externalId,
    banned: user.banned,
    locked: user.locked,
    publicMetadata: user.publicMetadata,
    raw: user.raw,
    lastSignInAt: user.lastSignInAt === null ? null : new Date(user.lastSignInAt),
    clerkCreatedAt: new Date(user.createdAt),
    clerkUpdatedAt: new Date(user.updatedAt),
    observedAt: now,
    observedVia: 'api',
    contentHash: '',
    syncedAt: now,
    syncedBy: 'reconcile',
    lastOutcome: 'updated',
  };
}
