import { z } from 'zod';

const rate = z.number().min(0).max(1);
const durationMs = z.number().min(0);
const signingSecret = z.string().regex(/^whsec_[A-Za-z0-9+/]+=*$/, 'must be whsec_ and base64');

/** Two secrets sign every message twice, as Svix does for a day after rotating; as Clerk rotates, use two endpoints. */
export const webhookEndpoint = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  signingSecret: z.union([signingSecret, z.array(signingSecret).min(1)]),
  /** Without it, every type. */
  eventTypes: z.array(z.string()).optional(),
  disabled: z.boolean().optional(),
});

/** Everything about sending that may change while it runs. */
export const webhookSettings = z.strictObject({
  endpoints: z.array(webhookEndpoint),
  /** Share of messages that are never sent. */
  lossRate: rate,
  /** Share of messages sent twice to an endpoint, with one svix-id. */
  duplicateRate: rate,
  /** Share of messages held back until one to five later ones have been sent. */
  reorderRate: rate,
  /** A held-back message is sent after this long even when nothing follows it. */
  reorderHoldMs: durationMs,
  /** How long after the change the first attempt is made. */
  delayMs: durationMs,
  /** Scales Svix's waits between attempts (5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h); 0 retries at once. */
  retryTimeScale: z.number().min(0),
  /** An attempt without an answer by then has failed. */
  timeoutMs: durationMs,
  maxConcurrent: z.int().min(1),
  /** An endpoint whose every attempt failed for this long is switched off. Not scaled. */
  disableAfterMs: durationMs,
});

export type WebhookEndpoint = z.infer<typeof webhookEndpoint>;
export type WebhookSettings = z.infer<typeof webhookSettings>;

export const DEFAULT_WEBHOOK_SETTINGS: Readonly<WebhookSettings> = {
  endpoints: [],
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  reorderHoldMs: 1000,
  delayMs: 0,
  retryTimeScale: 1,
  timeoutMs: 15_000,
  maxConcurrent: 32,
  disableAfterMs: 5 * 86_400_000,
};
