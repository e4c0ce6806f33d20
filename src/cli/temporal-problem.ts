import type { Config } from '../config.js';

/** Why Temporal cannot be used, in words for an operator. */
export interface TemporalProblem {
  /** false: it is as it is set, and no waiting helps. */
  passing: boolean;
  text: string;
}

/** What the texts of the two clients (gRPC's in Node, Temporal's in Rust) have in common, the most certain first. */
const KINDS = [
  {
    shows: /UNAUTHENTICATED|PERMISSION_DENIED|valid authentication credentials|does not have permission/,
    passing: false,
    says: 'does not accept the credentials. Check TEMPORAL_API_KEY or the client certificate (TEMPORAL_TLS_CLIENT_CERT_…), and whether they hold for the namespace',
  },
  {
    shows: /NOT_FOUND|[Nn]amespace \S+ is not found|entity was not found/,
    passing: false,
    says: 'does not have the namespace. Create it, or set TEMPORAL_NAMESPACE',
  },
  {
    shows: /InvalidContentType|wrong version number|packet length too long/,
    passing: false,
    says: 'does not speak TLS. Unset TEMPORAL_TLS (an API key turns TLS on as well), or set TEMPORAL_ADDRESS',
  },
  {
    shows: /certificate required|CertificateRequired|handshake failure|HandshakeFailure|BadCertificate/,
    passing: false,
    says: 'refuses TLS without a client certificate that it knows. Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
  },
  {
    shows: /certificate|InvalidCertificate|UnknownIssuer|ALTNAME/i,
    passing: false,
    says: 'shows a certificate that is not trusted. Set TEMPORAL_TLS_SERVER_CA_CERT_PATH, or TEMPORAL_TLS_SERVER_NAME where the name differs',
  },
  {
    shows: /ENOTFOUND|EAI_AGAIN|dns error|Name resolution failed/,
    passing: true,
    says: 'is not found: its name has no address. Check TEMPORAL_ADDRESS',
  },
  {
    shows: /BrokenPipe|connection reset|ECONNRESET|Failed to connect \(/,
    passing: true,
    says: 'closes the connection. If it expects TLS, set TEMPORAL_TLS=true',
  },
];

/**
 * @param error of a connection, of either client, or of a request.
 * @returns what is wrong, where, and what to do. Without a known cause it says that nothing answers.
 */
export function temporalProblem(
  error: unknown,
  { connectionOptions, namespace = 'default' }: Config['temporal'],
): TemporalProblem {
  const detail = textOf(error);
  const { passing, says } = KINDS.find(({ shows }) => shows.test(detail)) ?? {
    passing: true,
    says: 'does not answer. Start it, or set TEMPORAL_ADDRESS',
  };
  const { address = '127.0.0.1:7233' } = connectionOptions;
  return { passing, text: `Temporal at ${address} (namespace ${namespace}) ${says}.` };
}

function textOf(error: unknown): string {
  const texts: string[] = [];
  for (let layer = error; layer instanceof Error; layer = layer.cause)
    texts.push(layer.message, 'details' in layer ? String(layer.details) : '');
  return texts.join('\n');
}
