import { Client } from 'pg';
import { waitUntil } from './wait-until.js';

const KEY = 42;

/** Holds up statements of a test database where its triggers or views call {@link PASS_GATE}. It is open at first. */
export interface PostgresGate {
  shut(): Promise<void>;
  /** Lets those that wait go on. */
  open(): Promise<void>;
  /** Resolves once a statement waits at the gate. @param progress how far things are that lead there. */
  untilOneWaits(progress?: () => unknown): Promise<void>;
  close(): Promise<void>;
}

/** SQL that passes when the gate is open, and waits for it otherwise. */
export const PASS_GATE = `pg_advisory_xact_lock_shared(${KEY})`;

/** @param url of the database; a gate is of that database alone. */
export async function createPostgresGate(url: string): Promise<PostgresGate> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const oneWaits = async () => {
    const { rows } = await client.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${KEY} AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return rows.length > 0;
  };
  return {
    async shut() {
      await client.query(`SELECT pg_advisory_lock(${KEY})`);
    },
    async open() {
      await client.query(`SELECT pg_advisory_unlock_all()`);
    },
    async untilOneWaits(progress) {
      const describe = async () => ['a statement that waits at the gate', await progress?.()];
      await waitUntil(oneWaits, { describe, ...(progress && { progress }) });
    },
    close: () => client.end(),
  };
}
