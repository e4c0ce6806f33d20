/** The parts of a Postgres URL, decoded. What the URL does not name is undefined: the driver's own defaults hold. */
export interface PostgresAddress {
  /** A name, an IP address, or, beginning with `/`, the folder of a Unix socket. */
  host: string | undefined;
  port: number | undefined;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** All of the query part; a name given twice has its last value. */
  parameters: ReadonlyMap<string, string>;
}

const ENCODE = 'characters such as / ? # @ in the user name or the password must be percent-encoded';
export const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
  'no-verify',
] as const;
const SSL_PARAMETERS = [
  'ssl',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslpassword',
  'sslnegotiation',
];

/**
 * Reads a Postgres URL as libpq and the driver do: `postgres://user:password@host:port/database?parameters`. Spaces and
 * line breaks around it are left out. A `%` that begins no percent-encoding, and a `+`, stand for themselves.
 *
 * @returns its parts; or what is wrong with it, as the rest of a sentence that begins with its name, without quoting it.
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
export function readPostgresAddress(text: string): PostgresAddress | { problem: string } {
  const [scheme = ''] = /^postgres(ql)?:\/\//i.exec(text.trim()) ?? [];
  if (scheme === '') return { problem: 'must be a postgres:// URL' };
  const { credentials, hostAndPort, path, query } = split(text.trim().slice(scheme.length));
  const parameters = parametersOf(query);
  const problem = problemWith(parameters);
  if (problem !== null) return { problem };
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(credentials) ?? [];
  const [, name = '', port = ''] =
    /^\[(.*)\](?::(.*))?$/s.exec(hostAndPort) ?? /^([^:]*):?(.*)$/s.exec(hostAndPort) ?? [];
  const given = (parameter: string, fallback: string) =>
    parameters.get(parameter) || decode(fallback) || undefined;
  const host = given('host', name);
  const portText = given('port', port);
  if (`${host},${portText}`.split(',').length > 2)
    return { problem: 'names several hosts: name one, such as a name that always leads to the primary' };
  if (portText !== undefined && !(/^\d{1,5}$/.test(portText) && Number(portText) <= 65_535))
    return { problem: `has a port that is none: ${ENCODE}` };
  return {
    host,
    port: portText === undefined ? undefined : Number(portText),
    user: given('user', user),
    password: given('password', password),
    database: given('dbname', path),
    parameters,
  };
}

/** @returns host and port, or the socket's folder, as a person reads it. */
export function placeOf({ host = 'localhost', port = 5432 }: Pick<PostgresAddress, 'host' | 'port'>): string {
  if (host.startsWith('/')) return host;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The password may hold any character but `/`; an `@` after the first `?` is a parameter's, as long as one came before. */
function split(rest: string): { credentials: string; hostAndPort: string; path: string; query: string } {
  const firstAt = rest.indexOf('@');
  const slash = rest.indexOf('/');
  const hasCredentials = firstAt !== -1 && (slash === -1 || firstAt < slash);
  const [authority = ''] = /^[^/?]*/.exec(hasCredentials ? rest.slice(firstAt + 1) : rest) ?? [];
  const end = (hasCredentials ? firstAt + 1 : 0) + authority.length;
  const at = hasCredentials ? rest.lastIndexOf('@', end - 1) : -1;
  const [, path = '', query = ''] = /^\/?([^?]*)\??(.*)$/s.exec(rest.slice(end)) ?? [];
  return {
    credentials: hasCredentials ? rest.slice(0, at) : '',
    hostAndPort: rest.slice(at + 1, end),
    path,
    query,
  };
}

function parametersOf(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
    // Many write a space as +; in `options` nothing else could be meant by it.
    if (name !== '')
      parameters.set(decode(name), decode(name === 'options' ? value.replaceAll('+', ' ') : value));
  }
  return parameters;
}

/** An unknown parameter is somebody else's, such as Prisma's; but one about TLS, passed over, would leave a connection open. */
function problemWith(parameters: ReadonlyMap<string, string>): string | null {
  const mode = parameters.get('sslmode');
  if (mode !== undefined && !(SSL_MODES as readonly string[]).includes(mode))
    return `has an sslmode that is not known: it may be ${SSL_MODES.join(', ')}`;
  const unknown = [...parameters.keys()].find((name) => /^ssl/i.test(name) && !SSL_PARAMETERS.includes(name));
  if (unknown === undefined) return null;
  const name = /^\w{1,40}$/.test(unknown) ? unknown : 'ssl…';
  return `has the parameter ${name}, which is not supported: use ${SSL_PARAMETERS.slice(1).join(', ')}`;
}

/** A run that decodes to no text is left as it is. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
