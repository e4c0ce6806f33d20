import { describe, expect, test } from '@jest/globals';
import { temporalProblem } from '../../src/cli/temporal-problem.js';

const temporal = { connectionOptions: { address: 'temporal.test:7233' }, namespace: 'users' };

/** What the two clients said when each of these was tried; the first is gRPC's in Node, the second Temporal's in Rust. */
const TRIED: [string, boolean, RegExp, string, string][] = [
  [
    'nothing listens',
    true,
    /does not answer. Start it, or set TEMPORAL_ADDRESS\.$/,
    '14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:9. Resolution note: ',
    'tonic::transport::Error(Transport, ConnectError(ConnectError("tcp connect error", 127.0.0.1:9, Os { code: 111, kind: ConnectionRefused, message: "Connection refused" })))',
  ],
  [
    'the name has no address',
    true,
    /its name has no address\. Check TEMPORAL_ADDRESS\.$/,
    '14 UNAVAILABLE: Name resolution failed for target dns:nosuch.invalid:7233',
    'tonic::transport::Error(Transport, ConnectError(ConnectError("dns error", Custom { kind: Uncategorized, error: "failed to lookup address information: Name or service not known" })))',
  ],
  [
    'it takes the connection and says nothing',
    true,
    /does not answer\. Start it/,
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 2.999s,name resolution: 0.003s,metadata filters: 0.001s,Waiting for LB pick',
    `Failed to call GetSystemInfo: code: 'The operation was cancelled', message: "Timeout expired", source: tonic::transport::Error(Transport, TimeoutExpired(()))`,
  ],
  [
    'it expects TLS',
    true,
    /If it expects TLS, set TEMPORAL_TLS=true\.$/,
    '14 UNAVAILABLE: No connection established. Last error: Failed to connect (2026-11-28T21:42:48.174Z). Resolution note: ',
    `Failed to call GetSystemInfo: code: 'Unknown error', message: "transport error", source: tonic::transport::Error(Transport, hyper::Error(Io, Custom { kind: BrokenPipe, error: "stream closed because of a broken pipe" }))`,
  ],
  [
    'the key is wrong',
    false,
    /does not accept the credentials\. Check TEMPORAL_API_KEY/,
    '16 UNAUTHENTICATED: Request unauthorized.',
    `Failed to call GetSystemInfo: code: 'The request does not have valid authentication credentials', message: "Request unauthorized."`,
  ],
  [
    'the key is for another namespace',
    false,
    /does not accept the credentials.*namespace\.$/,
    '7 PERMISSION_DENIED: Request unauthorized.',
    `Failed to call GetSystemInfo: code: 'The caller does not have permission to execute the specified operation', message: "Request unauthorized."`,
  ],
  [
    'it does not speak TLS',
    false,
    /does not speak TLS\. Unset TEMPORAL_TLS/,
    '14 UNAVAILABLE: No connection established. Last error: Error: 80BCE986B17F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:350:\n. Resolution note: ',
    'tonic::transport::Error(Transport, ConnectError(Custom { kind: InvalidData, error: InvalidMessage(InvalidContentType) }))',
  ],
  [
    'its certificate is not trusted',
    false,
    /not trusted\. Set TEMPORAL_TLS_SERVER_CA_CERT_PATH/,
    '14 UNAVAILABLE: No connection established. Last error: Error: self-signed certificate. Resolution note: ',
    'tonic::transport::Error(Transport, ConnectError(Custom { kind: InvalidData, error: InvalidCertificate(Other(OtherError(CaUsedAsEndEntity))) }))',
  ],
];

describe('what is told when', () => {
  test.each(TRIED)(
    '%s says so and what to do, whichever client tried',
    (_, passing, says, inNode, inRust) => {
      for (const message of [inNode, inRust]) {
        const problem = temporalProblem(new Error('Failed', { cause: new Error(message) }), temporal);
        expect(problem.text).toMatch(/^Temporal at temporal\.test:7233 \(namespace users\) /);
        expect(problem.text).toMatch(says);
        expect(problem.passing).toBe(passing);
      }
    },
  );

  test('a client certificate is missing names the settings', () => {
    const cause =
      '14 UNAVAILABLE: No connection established. Last error: 80BCE986B17F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:1601:SSL alert number 116';
    expect(temporalProblem(new Error(cause), temporal)).toMatchObject({
      passing: false,
      text: expect.stringContaining('TEMPORAL_TLS_CLIENT_CERT_PATH'),
    });
  });

  test('the namespace is not there names it and the setting', () => {
    expect(temporalProblem(new Error('5 NOT_FOUND: Namespace users is not found.'), temporal)).toEqual({
      passing: false,
      text: 'Temporal at temporal.test:7233 (namespace users) does not have the namespace. Create it, or set TEMPORAL_NAMESPACE.',
    });
  });
});
