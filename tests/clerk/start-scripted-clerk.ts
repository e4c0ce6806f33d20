import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type ClerkApi, createClerkApi } from '../../src/clerk/clerk-api.js';

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is text already. */
  body?: unknown;
}

export interface ScriptedClerk {
  url: string;
  /** With the key `sk_test_scripted`. */
  api: ClerkApi;
  requests: IncomingMessage[];
  stop(): Promise<void>;
}

/** Clerk's own error body. */
export const clerkErrors = (code: string) => ({
  errors: [{ code, message: 'A message', long_message: 'A longer message' }],
  clerk_trace_id: 'trace_1',
});

/** A real server that answers as a test says, for what Clerk and the network between may do. */
export async function startScriptedClerk(answer: (url: URL) => Answer): Promise<ScriptedClerk> {
  return startListening((request, response) => {
    const { status = 200, headers, body } = answer(new URL(request.url ?? '', 'http://scripted'));
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? null);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  });
}

/** As {@link startScriptedClerk}, for answers that are none. */
export async function startListening(listener: RequestListener): Promise<ScriptedClerk> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    url,
    api: createClerkApi({ secretKey: 'sk_test_scripted', apiUrl: url }),
    requests,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
