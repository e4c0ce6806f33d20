/** Why Postgres could not be used, and what to do about it; in words that hold nothing but those of this file. */
export interface PostgresCause {
  what: string;
  advice: string;
}

const WAIT = 'Wait; it is tried again.';
const ADDRESS = 'correct it in DATABASE_URL';
const UNKNOWN_AUTHORITY = {
  what: "the server's certificate is by an authority that is not known here",
  advice:
    "Name the file with the authority's certificate by sslrootcert= in DATABASE_URL (the provider has it for download).",
};
const SELF_SIGNED = {
  what: "the server's certificate, or its authority's, is self-signed and not known here",
  advice:
    'Name the file with that certificate by sslrootcert= in DATABASE_URL; on a network that you trust, sslmode=require checks none.',
};
const BROKEN = {
  what: 'the connection broke',
  advice:
    "Wait; it is tried again. If it stays, look at the server's log, and at a pooler or proxy in between.",
};
const SILENT = {
  what: 'the host does not answer',
  advice: 'Look whether Postgres runs, at host and port in DATABASE_URL, and at the firewalls in between.',
};
const NO_ROUTE = {
  what: 'the host cannot be reached from here',
  advice: "Look at host and port in DATABASE_URL, and at this machine's network.",
};
const TLS_FAILED = {
  what: 'the two sides did not agree on TLS',
  advice: 'Look at sslmode, sslcert and sslkey in DATABASE_URL, and whether the port is that of Postgres.',
};
const CONFLICT = { what: 'two transactions were in conflict', advice: WAIT };
const ENDED = { what: 'the server ended the session, as it does when it restarts', advice: WAIT };
const SCHEMA = {
  what: 'a table or column is missing or differs',
  advice: 'Run `clerk-sync migrate` with the same DATABASE_URL; for a mapped column, the migration of yours.',
};

/**
 * By SQLSTATE, by the code of Node's error, and by names of our own for errors that have no code.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 * @see https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export const POSTGRES_CAUSES: Readonly<Record<string, PostgresCause>> = {
  '28P01': {
    what: 'the user name or the password is wrong',
    advice: 'Correct them in DATABASE_URL; in them, / ? # and @ must be percent-encoded.',
  },
  '28000': {
    what: 'the server does not let this user in from here, or not without TLS',
    advice:
      "Try sslmode=require in DATABASE_URL; else check that the role exists and may log in, and the server's pg_hba.conf or list of allowed addresses.",
  },
  '3D000': {
    what: 'there is no database of that name',
    advice: `Create it, or ${ADDRESS}.`,
  },
  '42501': {
    what: 'the role lacks a right',
    advice:
      'Grant it: USAGE on the schema, SELECT, INSERT, UPDATE and DELETE on its tables, USAGE on its sequences; to migrate, CREATE on the schema.',
  },
  '53300': {
    what: 'the server has no connection left',
    advice: 'Lower DATABASE_POOL_SIZE, run fewer processes, raise max_connections, or use a pooler.',
  },
  '53100': { what: "the server's disk is full", advice: 'Free or add space there.' },
  '53200': { what: 'the server is out of memory', advice: 'Look at its load, or give it more.' },
  '57P01': ENDED,
  '57P02': ENDED,
  '57P03': { what: 'the server is starting or shutting down', advice: WAIT },
  '57P04': ENDED,
  '57014': {
    what: 'the statement took too long, or somebody cancelled it',
    advice: 'Look in pg_stat_activity and pg_locks for what holds the tables, and at the load.',
  },
  '55P03': {
    what: 'another session holds the lock',
    advice: 'It is tried again. If it stays, look in pg_locks for the session that holds it.',
  },
  '55000': {
    what: 'the database takes no connections',
    advice: 'Wait; if nobody is working on it: ALTER DATABASE … ALLOW_CONNECTIONS true.',
  },
  '25006': {
    what: 'the session may only read',
    advice:
      'Point DATABASE_URL at the primary, not at a replica; else look at default_transaction_read_only of the role and the database.',
  },
  '40001': CONFLICT,
  '40P01': CONFLICT,
  '08P01': {
    what: 'the server, or a pooler before it, refuses the session as malformed',
    advice: "Look in the pooler's log for what it refuses, and at the parameters of DATABASE_URL.",
  },
  '08001': SILENT,
  '08003': BROKEN,
  '08006': BROKEN,
  '42P01': SCHEMA,
  '42703': SCHEMA,
  '42804': SCHEMA,
  '42883': SCHEMA,
  '428C9': SCHEMA,
  '3F000': SCHEMA,
  ENOTFOUND: { what: 'the host name is not known', advice: `Check it, and the DNS; ${ADDRESS}.` },
  EAI_AGAIN: {
    what: 'no name server answers',
    advice: 'Look at the DNS of this machine or container. It is tried again.',
  },
  ECONNREFUSED: {
    what: 'nothing listens at that host and port',
    advice: `Start Postgres there; or, if the address is wrong, ${ADDRESS}.`,
  },
  ETIMEDOUT: SILENT,
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ECONNRESET: BROKEN,
  EPIPE: BROKEN,
  ENOENT: {
    what: 'there is no Unix socket of Postgres in that folder',
    advice: 'Start Postgres, or correct host= and the port in DATABASE_URL.',
  },
  EACCES: {
    what: 'the Unix socket may not be used by this OS user',
    advice: "Look at the folder's rights, and at unix_socket_permissions of the server.",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: SELF_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: {
    what: "the server's certificate, or its authority's, has expired",
    advice: "Renew it, or the file of sslrootcert; and check this machine's clock.",
  },
  CERT_NOT_YET_VALID: {
    what: "the server's certificate is not valid yet",
    advice: "Check this machine's clock, and the certificate's dates.",
  },
  CERT_REVOKED: { what: "the server's certificate was revoked", advice: 'Give the server a new one.' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: "the server's certificate is for another host name",
    advice:
      'Use a name that it is for as the host in DATABASE_URL; sslmode=verify-ca with sslrootcert= does without the name.',
  },
  EPROTO: TLS_FAILED,
  ERR_SSL: TLS_FAILED,
  NO_TLS: {
    what: 'the server has no TLS',
    advice: 'Turn it on there (ssl = on); on a network that you trust, set sslmode=disable in DATABASE_URL.',
  },
  NO_PASSWORD: {
    what: 'the server asks for a password, and none is set',
    advice: 'Add it to DATABASE_URL: postgresql://user:password@….',
  },
  POOL_TIMEOUT: {
    what: "no connection of this process's pool came free in time",
    advice:
      'It is tried again. If it stays, look for slow statements and locks, or raise DATABASE_POOL_SIZE.',
  },
  CONNECT_TIMEOUT: SILENT,
  READ_TIMEOUT: {
    what: 'the server went silent amid a statement',
    advice: 'It is tried again. If it stays, look at the server and at a pooler or proxy in between.',
  },
  UNREACHABLE: {
    what: 'nothing answers at that host and port, or the host name is not known',
    advice: `Start Postgres there; or, if the address is wrong, ${ADDRESS}.`,
  },
};

/** The names of our own. Only whether a text is there is looked at; none is passed on. */
export const CAUSES_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL connections/, 'NO_TLS'],
  [/error establishing an SSL connection/, 'ERR_SSL'],
  [/client password must be a (non-empty )?string/, 'NO_PASSWORD'],
  [/timeout exceeded when trying to connect/, 'POOL_TIMEOUT'],
  [/^timeout expired$|due to connection timeout/, 'CONNECT_TIMEOUT'],
  [/^Query read timeout$/, 'READ_TIMEOUT'],
  [/Connection terminated|Client has encountered a connection error/, 'ECONNRESET'],
  // Prisma's driver leaves only OpenSSL's words of a certificate error.
  [/certificate has expired/, 'CERT_HAS_EXPIRED'],
  [/self[- ]signed certificate/, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [/unable to (get (local )?issuer|verify the first) certificate/, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [/does not match certificate's altnames/, 'ERR_TLS_CERT_ALTNAME_INVALID'],
];
