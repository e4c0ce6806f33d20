import { Webhook, WebhookVerificationError } from 'svix';
import { failure } from '../failures.js';

/** A delivery whose signature held: from here on the payload is Clerk's. */
export interface VerifiedDelivery {
  /** The same on every attempt and replay of one message. */
  svixId: string;
  payload: unknown;
}

/**
 * Checks a delivery's Svix signature over the raw bytes.
 *
 * @param secrets signing secrets, any of which may match: while a secret is rotated, deliveries come under both.
 * @returns a function that verifies one delivery.
 * @throws SIGNATURE_INVALID: forged, older than 5 minutes, or without the three svix- headers. EVENT_UNUSABLE: signed, but
 *   not JSON.
 * @see https://docs.svix.com/receiving/verifying-payloads/how-manual
 */
export function createWebhookVerifier(secrets: readonly string[]) {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return (body: Buffer, headers: Record<string, string | string[] | undefined>): VerifiedDelivery => {
    const signed = Object.fromEntries(
      ['svix-id', 'svix-timestamp', 'svix-signature'].map((name) => [name, headers[name]?.toString() ?? '']),
    );
    for (const webhook of webhooks) {
      try {
        return { svixId: signed['svix-id'] ?? '', payload: webhook.verify(body, signed) };
      } catch (error) {
        if (error instanceof SyntaxError) throw failure('EVENT_UNUSABLE', 'The body is not JSON.');
        if (!(error instanceof WebhookVerificationError)) throw error;
      }
    }
    throw failure('SIGNATURE_INVALID', `None of ${webhooks.length} signing secret(s) matches.`);
  };
}
