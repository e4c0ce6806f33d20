export interface PostgresAddress {
  /** For the driver, whose sessions are then in UTC and in the schema. */
  connectionString: string;
  /** Where the tables are, by the parameter `schema` that Prisma's URLs have; null where the URL does not say. */
  schema: string | null;
}

/**
 * Reads a Postgres URL as Prisma's users write it.
 *
 * The session is in UTC, for Prisma's driver writes and reads times without their offset, whatever the database's own
 * time zone. A `schema` becomes the search path, so that the same statements serve it.
 *
 * @throws TypeError for what is no Postgres URL, without quoting it.
 */
export function readPostgresUrl(url: string): PostgresAddress {
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol))
    throw new TypeError('The address of the database is no postgres:// URL. Look at DATABASE_URL.');
  const parsed = new URL(url);
  const schema = parsed.searchParams.get('schema');
  if (schema !== null && !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(schema))
    throw new TypeError(
      'The schema in the address of the database must be a name of letters, digits and _. Look at DATABASE_URL.',
    );
  parsed.searchParams.delete('schema');
  const options = [
    parsed.searchParams.get('options'),
    '-c timezone=UTC',
    schema === null ? null : `-c search_path="${schema}"`,
  ];
  parsed.searchParams.set('options', options.filter(Boolean).join(' '));
  // URLSearchParams writes a space as +, which the driver does not read back.
  return { connectionString: parsed.href.replaceAll('+-c', '%20-c').replaceAll('-c+', '-c%20'), schema };
}
