export type EventType =
  | 'user.created'
  | 'user.updated'
  | 'user.deleted'
  | 'session.created'
  | 'session.revoked';

/** Who made the HTTP request behind an event. */
export interface RequestOrigin {
  readonly clientIp: string;
  readonly userAgent: string;
}

/** One attempt to deliver to one endpoint. */
export interface WebhookAttempt {
  readonly url: string;
  /** From 1. */
  readonly attempt: number;
  readonly atMs: number;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly outcome: 'delivered' | 'retrying' | 'failed' | 'aborted';
}

/** A message and what became of it. `payload` is the exact body, also on a replay. */
export interface WebhookMessage {
  readonly svixId: string;
  readonly type: string;
  readonly timestampMs: number;
  readonly payload: string;
  readonly lost: boolean;
  readonly attempts: WebhookAttempt[];
}
