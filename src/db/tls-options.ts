import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import type { PostgresAddress, SSL_MODES } from '../postgres-address.js';
import { TlsIfOffered } from './tls-if-offered.js';

type SslMode = (typeof SSL_MODES)[number];
type Problem = { problem: string };

/**
 * The driver's options for what the address says of TLS. The modes mean what libpq's documentation says, whatever
 * `uselibpqcompat` is; the driver itself takes `require` and `verify-ca` for `verify-full`, and warns.
 *
 * - No mode: as the driver does, without TLS unless PGSSLMODE is set. With `sslrootcert` alone: `verify-full`.
 * - `allow` and `prefer`: with TLS where the server has it, its certificate unchecked, else without.
 * - `require`, `no-verify`: with TLS, the certificate unchecked; `require` with `sslrootcert` is `verify-ca`.
 * - `verify-ca`: the certificate has to come from the authority in the file `sslrootcert`.
 * - `verify-full`: its name has to be the host's, too. Without `sslrootcert`, or with `system`, any authority that Node
 *   trusts will do (Mozilla's list, and those of NODE_EXTRA_CA_CERTS).
 *
 * @returns them, or what is wrong, as the rest of a sentence that begins with the address.
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function tlsOptions({
  host = '',
  parameters,
}: PostgresAddress): Pick<ClientConfig, 'ssl' | 'stream' | 'sslnegotiation'> | Problem {
  const mode = modeOf(parameters);
  // As in libpq: whoever can read a local socket's traffic can read its key.
  if (host.startsWith('/') || mode === 'disable') return { ssl: false };
  const rootFile = parameters.get('sslrootcert');
  const isDirect = parameters.get('sslnegotiation') === 'direct';
  if (isDirect && (mode === undefined || mode === 'allow' || mode === 'prefer'))
    return { problem: 'has sslnegotiation=direct, which needs sslmode=require or a stricter one' };
  if (mode === undefined) return {};
  if (rootFile === 'system' && mode !== 'verify-full')
    return { problem: 'has sslrootcert=system, which needs sslmode=verify-full' };
  if (rootFile === undefined && mode === 'verify-ca')
    return {
      problem:
        "has sslmode=verify-ca, which needs sslrootcert=<the authority's file>; for a public authority use verify-full",
    };
  const files = filesOf(parameters);
  if ('problem' in files) return files;
  if (mode === 'allow' || mode === 'prefer') {
    const options = { ...files, rejectUnauthorized: false };
    return { ssl: false, stream: () => new TlsIfOffered(options) };
  }
  const checks =
    mode === 'no-verify' || (mode === 'require' && rootFile === undefined)
      ? { rejectUnauthorized: false }
      : mode === 'verify-full'
        ? {}
        : { checkServerIdentity: () => undefined };
  return { ssl: { ...files, ...checks }, ...(isDirect ? { sslnegotiation: 'direct' } : {}) };
}

/** The driver's `ssl` counts where no sslmode is given. */
function modeOf(parameters: ReadonlyMap<string, string>): SslMode | undefined {
  const mode = parameters.get('sslmode');
  if (mode !== undefined) return mode as SslMode;
  const ssl = parameters.get('ssl');
  if (ssl === 'no-verify') return 'no-verify';
  if (ssl === 'false' || ssl === '0') return 'disable';
  return ssl !== undefined || parameters.has('sslrootcert') ? 'verify-full' : undefined;
}

function filesOf(parameters: ReadonlyMap<string, string>): ConnectionOptions | Problem {
  const options: ConnectionOptions = {};
  for (const [parameter, option] of [
    ['sslrootcert', 'ca'],
    ['sslcert', 'cert'],
    ['sslkey', 'key'],
  ] as const) {
    const file = parameters.get(parameter);
    if (file === undefined || (parameter === 'sslrootcert' && file === 'system')) continue;
    try {
      options[option] = readFileSync(file, 'utf8');
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return { problem: `names a file by ${parameter} that cannot be read (${code})` };
    }
  }
  const passphrase = parameters.get('sslpassword');
  return passphrase === undefined ? options : { ...options, passphrase };
}
