import { Command } from 'commander';
import { wholeNumber } from './whole-number.js';

const program = new Command('clerk-sync')
  .description(
    "Keeps a Postgres User table equal to Clerk's users. Settings come from the environment; see .env.example.",
  )
  .showHelpAfterError();

program
  .command('start')
  .description('everything at once; what no setting names (Postgres, Temporal, Clerk) is run here')
  .action(async () => (await import('./start.js')).start());
program
  .command('starter')
  .description("the web process: takes Clerk's webhooks and signals Temporal")
  .action(async () => (await import('./starter.js')).starter());
program
  .command('worker')
  .description('the worker process: runs workflows and activities')
  .action(async () => (await import('./worker.js')).worker());
program
  .command('migrate')
  .description('brings the database to the current schema')
  .action(async () => (await import('./migrate.js')).migrateCommand());
program
  .command('reconcile')
  .description('compares every user of Clerk with the table now, repairs what differs, and compares again')
  .option('--plan', 'tell what would be repaired, and write nothing; exits with 2 when there is anything')
  .option(
    '--values',
    'with --plan: show what the fields hold here and in Clerk. Personal data; needs CLERK_SECRET_KEY and DATABASE_URL',
  )
  .option('--validate', 'only compare; exits with 1 when anything differs')
  .option('--no-validate', 'do not compare again after repairing')
  .option(
    '--most-deletions <number>',
    'rows that may be deleted, those that rejectDeletions kept included; by default RECONCILE_MOST_DELETED_SHARE of the table in 24 hours, and at least 10',
    wholeNumber,
  )
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    `
A worker does the work; this command starts the workflow by TEMPORAL_… and shows how far it is, and which activity
fails and why. Ctrl-C cancels it.
Exits with 0 when Clerk and the table are equal, with 1 when they are not, when deletions were withheld or users could
not be written, with 2 when --plan found differences, with 130 when cancelled.`,
  )
  .action(async (options) => {
    process.exitCode = await (await import('./reconcile.js')).reconcile(options);
  });
program
  .command('status')
  .description(
    'shows sync health; exits with 1 when something needs a person, and says what to do (needs DATABASE_URL; judges by RECONCILE_INTERVAL_SECONDS)',
  )
  .option('--json', 'print it as JSON')
  .action(async (options) => {
    process.exitCode = await (await import('./status.js')).status(options);
  });
program
  .command('stand-in')
  .description("a stand-in for Clerk's Backend API and webhooks, to develop and test against")
  .option('--port <number>', 'port to listen on', wholeNumber, 4600)
  .option('--users <number>', 'users to begin with', wholeNumber, 100)
  .option('--data <file>', 'file that keeps the users between runs')
  .option('--webhook-url <url>', 'where to send webhooks')
  .option('--traffic', 'let users sign up, change, sign in and leave')
  .action(async (options) => (await import('./stand-in.js')).standIn(options));

try {
  await program.parseAsync();
  // What was started has been stopped; a connection still retrying, or a timer of a library's, keeps nobody waiting.
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // Whatever could not be stopped must not keep the process.
  process.exit(1);
}
