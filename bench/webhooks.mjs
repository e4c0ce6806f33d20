// Changes of users, delivered as Svix would, without a pause; and whether what was acknowledged is in rows.
import { Webhook } from 'svix';

export const SIGNING_SECRET = `whsec_${Buffer.from('a secret of 24 bytes, so').toString('base64')}`;
const webhook = new Webhook(SIGNING_SECRET);

/**
 * @param url of the starter, asked for each delivery.
 * @param parallel deliveries at a time.
 * @param perSecond all together; without it as fast as they are answered.
 */
export function sendWebhooks({ url, users, parallel, perSecond = Number.POSITIVE_INFINITY }) {
  /** The newest change of a user that was answered with 202: user to `updated_at`. */
  const acknowledged = new Map();
  const counts = {};
  let next = 0;
  let stopped = false;
  let held;
  let updatedAt = Date.now() - 3_600_000;
  let sleepers = [];

  async function deliver() {
    const number = next++;
    const id = `user_bench${String(number % users).padStart(6, '0')}`;
    updatedAt += 1;
    const at = updatedAt;
    const body = JSON.stringify(event(id, at));
    const svixId = `msg_${number}`;
    const now = new Date();
    const headers = {
      'content-type': 'application/json',
      'svix-id': svixId,
      'svix-timestamp': String(Math.floor(now.getTime() / 1000)),
      'svix-signature': webhook.sign(svixId, now, body),
    };
    const answer = await fetch(`${url()}/webhooks/clerk`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(15_000),
    }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      (error) => error.name,
    );
    counts[answer] = (counts[answer] ?? 0) + 1;
    if (answer === 202 && (acknowledged.get(id)?.at ?? 0) < at)
      acknowledged.set(id, { at, answeredAtMs: Date.now() });
    // As Svix, which does not try again at once.
    if (answer !== 202) await new Promise((resolve) => sleepers.push(setTimeout(resolve, 200)));
  }
  const senders = Array.from({ length: parallel }, async () => {
    while (!stopped) {
      await held;
      const startedAtMs = performance.now();
      if (!stopped) await deliver();
      const leftMs = (1000 * parallel) / perSecond - (performance.now() - startedAtMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  });
  const behind = async (sql) => {
    const { rows } = await sql.query(
      'SELECT clerk_id, (extract(epoch FROM clerk_updated_at) * 1000)::bigint AS at FROM users',
    );
    const stored = new Map(rows.map(({ clerk_id, at }) => [clerk_id, Number(at)]));
    return [...acknowledged].filter(([id, { at }]) => (stored.get(id) ?? 0) < at);
  };
  return {
    answers: () => ({ ...counts }),
    /** Sends nothing more until the function that it returns is called. */
    hold() {
      let release;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = undefined;
        release();
      };
    },
    /** @returns the acknowledged changes that have no row now: `[user, {at, answeredAtMs}]`. */
    behind,
    /** Waits until nothing is behind. @returns what is. */
    async catchUp(sql, mostMs, ended = () => null) {
      const deadline = performance.now() + mostMs;
      for (;;) {
        const left = await behind(sql);
        if (left.length === 0 || ended() !== null || performance.now() > deadline) return left;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async stop() {
      stopped = true;
      await Promise.all(senders);
      for (const sleeper of sleepers) clearTimeout(sleeper);
      sleepers = [];
    },
  };
}

function event(id, at) {
  const email = `idn_${id}`;
  return {
    type: 'user.updated',
    object: 'event',
    timestamp: at + 7,
    instance_id: 'ins_1',
    data: {
      id,
      object: 'user',
      first_name: 'Ada',
      last_name: `Number ${at}`,
      username: null,
      external_id: null,
      primary_email_address_id: email,
      primary_phone_number_id: null,
      email_addresses: [
        {
          id: email,
          object: 'email_address',
          email_address: `${id}@example.com`,
          verification: { status: 'verified', strategy: 'email_code' },
          linked_to: [],
        },
      ],
      phone_numbers: [],
      image_url: 'https://img.example.com/ada',
      public_metadata: {},
      unsafe_metadata: {},
      banned: false,
      locked: false,
      last_sign_in_at: null,
      created_at: 1_700_000_000_000,
      updated_at: at,
    },
  };
}
