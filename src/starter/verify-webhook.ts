import { Webhook, WebhookVerificationError } from 'svix';
import { failure } from '../failures.js';
import { isSameSecret } from './is-same-secret.js';

/** A delivery whose signature held: from here on the payload is Clerk's. */
export interface VerifiedDelivery {
  /** The same on every attempt and replay of one message. */
  svixId: string;
  /** When Svix sent this attempt, by its clock; Unix milliseconds, of whole seconds. */
  signedAtMs: number;
  payload: unknown;
}

type Signed = Record<'svix-id' | 'svix-timestamp' | 'svix-signature', string>;

/**
 * Checks a delivery's Svix signature over the raw bytes.
 *
 * @param secrets signing secrets, any of which may match: while a secret is rotated, deliveries come under both.
 * @returns a function that verifies one delivery.
 * @throws SIGNATURE_INVALID: forged, or without the three svix- headers. TIMESTAMP_OUTSIDE_TOLERANCE: signed with one of
 *   the secrets, but more than 5 minutes from our time. EVENT_UNUSABLE: signed, but not JSON.
 * @see https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export function createWebhookVerifier(secrets: readonly string[]) {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return (body: Buffer, headers: Record<string, string | string[] | undefined>): VerifiedDelivery => {
    const header = (name: keyof Signed) => headers[name]?.toString() ?? '';
    const signed: Signed = {
      'svix-id': header('svix-id'),
      'svix-timestamp': header('svix-timestamp'),
      'svix-signature': header('svix-signature'),
    };
    // As Svix's library reads it.
    const signedAtMs = Number.parseInt(signed['svix-timestamp'], 10) * 1000;
    for (const webhook of webhooks) {
      try {
        return { svixId: signed['svix-id'], signedAtMs, payload: webhook.verify(body, signed) };
      } catch (error) {
        if (error instanceof SyntaxError) throw failure('EVENT_UNUSABLE', 'The body is not JSON.');
        if (!(error instanceof WebhookVerificationError)) throw error;
      }
    }
    // The library looks at the time first, so nothing is known of the signature yet.
    if (webhooks.some((webhook) => isSignedBy(webhook, signedAtMs, body, signed))) {
      const aheadSeconds = Math.round((signedAtMs - Date.now()) / 1000);
      throw failure(
        'TIMESTAMP_OUTSIDE_TOLERANCE',
        `It was signed ${Math.abs(aheadSeconds)} s ${aheadSeconds > 0 ? 'after' : 'before'} this machine's time.`,
      );
    }
    throw failure('SIGNATURE_INVALID', `None of ${webhooks.length} signing secret(s) matches.`);
  };
}

function isSignedBy(webhook: Webhook, signedAtMs: number, body: Buffer, signed: Signed): boolean {
  const signedAt = new Date(signedAtMs);
  if (signed['svix-id'] === '' || Number.isNaN(signedAt.getTime())) return false;
  const expected = webhook.sign(signed['svix-id'], signedAt, body);
  return signed['svix-signature'].split(' ').some((given) => isSameSecret(given, expected));
}
