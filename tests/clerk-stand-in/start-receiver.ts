import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: { type: string; timestamp: number; instance_id: string; data: Record<string, unknown> };
}

export interface Receiver {
  readonly url: string;
  readonly deliveries: Delivery[];
  /** What the nth delivery, from 0, is answered with: 200 by default, undefined never answers. */
  answer: (
    delivery: Delivery,
    nth: number,
  ) => { status: number; headers?: Record<string, string> } | undefined;
  stop(): Promise<void>;
}

export const SECRET = `whsec_${Buffer.from('a secret of 24 bytes, so').toString('base64')}`;

/** A webhook endpoint that keeps what it is sent. */
export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const delivery: Delivery = { headers: req.headers, body, event: JSON.parse(body) };
    deliveries.push(delivery);
    const answer = receiver.answer(delivery, deliveries.length - 1);
    if (answer) res.writeHead(answer.status, answer.headers).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${address.port}/webhooks/clerk`,
    deliveries,
    answer: () => ({ status: 200 }),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}
