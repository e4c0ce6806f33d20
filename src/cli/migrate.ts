import { readConfig } from '../config.js';
import { migrate } from '../db/migrate.js';
import { endOnSignal } from './end-on-signal.js';
import { explainPostgres } from './explain-postgres.js';

/** `clerk-sync migrate` */
export async function migrateCommand(): Promise<void> {
  endOnSignal();
  const { DATABASE_URL = '' } = readConfig(['DATABASE_URL']);
  const applied = await migrate(DATABASE_URL).catch((error: unknown) => {
    throw explainPostgres(error, DATABASE_URL);
  });
  console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
}
