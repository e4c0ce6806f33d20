import { connectDatabase } from 'clerk-temporal-sync';
import { createApp } from './app.js';
import { createStandInSignUp } from './stand-in-sign-up.js';

const STOP_MS = 10_000;

const { env } = process;
const missing = ['DATABASE_URL', 'CLERK_SECRET_KEY', 'CLERK_PUBLISHABLE_KEY'].filter((name) => !env[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(', ')}; see README.md.`);
  process.exit(1);
}

const db = connectDatabase({
  url: env.DATABASE_URL,
  // As the worker has it: it matters only where you made users.email unique.
  emailUniqueness: env.EMAIL_UNIQUENESS || undefined,
});
const beforeClerk = await createStandInSignUp(env);
const signInUrl = beforeClerk ? '/sign-up' : env.CLERK_SIGN_IN_URL;
const app = createApp({ env, db, signInUrl, beforeClerk });

const server = app.listen(Number(env.PORT ?? 4000), env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error;
  const { address, port } = server.address();
  console.log(`Listening at http://${address.includes(':') ? `[${address}]` : address}:${port}`);
});

/** No new requests; those that are here are answered, for so long. */
function stop() {
  setTimeout(() => process.exit(1), STOP_MS).unref();
  server.close(async () => {
    await db.$disconnect();
  });
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
