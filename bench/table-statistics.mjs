// What Postgres itself counted.

/** A session keeps its counts to itself until it has been idle for 10 s (PGSTAT_IDLE_INTERVAL in Postgres's source). */
const REPORTED_MS = 11_000;

/**
 * To be asked when all sessions are idle.
 *
 * @returns how many rows of `users` were written so far, one way or another, and how many seconds sessions have spent in
 *   statements.
 */
export async function tableStatistics(servers, { name, sql }) {
  await new Promise((resolve) => setTimeout(resolve, REPORTED_MS));
  const written = await sql.query(
    `SELECT (n_tup_ins + n_tup_upd + n_tup_del)::int AS rows FROM pg_stat_user_tables WHERE relname = 'users'`,
  );
  // From another database, whose time the asking itself counts for.
  const spent = await servers.sql.query(
    'SELECT active_time / 1000 AS seconds FROM pg_stat_database WHERE datname = $1',
    [name],
  );
  return { rows: written.rows[0].rows, seconds: spent.rows[0].seconds };
}
