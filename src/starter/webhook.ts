import type { Request, RequestHandler } from 'express';
import { type ParsedEvent, parseEvent } from '../clerk/parse-event.js';
import { failure, failureCode } from '../failures.js';
import type { Logger } from '../log.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import { answerFailure } from './answer-failure.js';
import type { StarterMetrics } from './metrics.js';
import type { SignalUser } from './signal-user.js';
import type { createWebhookVerifier } from './verify-webhook.js';

export interface WebhookDependencies {
  verify: ReturnType<typeof createWebhookVerifier>;
  signalUser: SignalUser;
  log: Logger;
  metrics: StarterMetrics;
  mode: 'payload' | 'refetch';
  keepPrivateMetadata: boolean;
  instanceId: string | undefined;
  /** Default: those without a prefix. */
  names?: Names;
}

/**
 * Answers one delivery of Clerk's webhook. 202 means that Temporal has the change durably; before that nothing is
 * acknowledged, so whatever fails, Svix delivers again.
 *
 * @returns a handler for a route whose body was read raw. 202 accepted; 200 ignored (an event type that is not synced);
 *   400 SIGNATURE_INVALID or TIMESTAMP_OUTSIDE_TOLERANCE; 422 EVENT_UNUSABLE or INSTANCE_MISMATCH; 503 with Retry-After TEMPORAL_UNAVAILABLE.
 */
export function createWebhookHandler(deps: WebhookDependencies): RequestHandler {
  const { verify, signalUser, log, metrics, names = PLAIN_NAMES } = deps;
  return async (request, response) => {
    const startedMs = performance.now();
    const fields: Record<string, unknown> = { svixId: request.headers['svix-id'] };
    let result: string;
    try {
      const event = receive(request, deps);
      fields.eventType = event.eventType;
      if (event.kind === 'change') {
        fields.clerkUserId = event.change.clerkUserId;
        if (event.lacks !== undefined) fields.lacks = event.lacks;
        await signalUser(event.change, request.body.length);
        const workflowId = names.syncUserWorkflowId(event.change.clerkUserId);
        fields.workflowId = workflowId;
        result = 'accepted';
        response.status(202).json({ outcome: result, workflowId });
      } else {
        result = 'ignored';
        response.status(200).json({ outcome: result, eventType: event.eventType });
      }
    } catch (error) {
      const code = failureCode(error);
      if (code === undefined) throw error;
      result = code;
      fields.code = code;
      fields.detail = error instanceof Error ? error.message : code;
      answerFailure(response, code);
    }
    const durationMs = Math.round(performance.now() - startedMs);
    metrics.countDelivery(result, durationMs / 1000);
    if (fields.code) log.warn({ ...fields, durationMs }, 'Webhook rejected');
    else log.info({ ...fields, outcome: result, durationMs }, 'Webhook received');
  };

  function receive(
    request: Request,
    options: WebhookDependencies,
  ): Extract<ParsedEvent, { eventType: string }> {
    const body: unknown = request.body;
    if (!Buffer.isBuffer(body)) throw failure('SIGNATURE_INVALID', 'The delivery has no body.');
    const { payload, ...delivery } = verify(body, request.headers);
    const event = parseEvent(payload, { ...options, ...delivery });
    if (event.kind === 'unusable') throw failure('EVENT_UNUSABLE', event.problem);
    if (event.kind === 'other-instance')
      throw failure('INSTANCE_MISMATCH', `It comes from ${event.instanceId}.`);
    return event;
  }
}
