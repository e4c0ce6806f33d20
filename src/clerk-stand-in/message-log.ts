import { newId } from './new-id.js';
import type { WebhookMessage } from './webhook-message.js';

const KEPT = 10_000;

/** The latest 10,000 messages, sent or lost, oldest first; only these can be replayed. */
export class MessageLog {
  readonly #messages = new Map<string, WebhookMessage>();

  add(message: Omit<WebhookMessage, 'svixId' | 'attempts'>, nowMs: number): WebhookMessage {
    const added: WebhookMessage = { svixId: newId('msg_', nowMs), ...message, attempts: [] };
    this.#messages.set(added.svixId, added);
    const oldest = this.#messages.size > KEPT ? this.#messages.keys().next() : undefined;
    if (oldest && !oldest.done) this.#messages.delete(oldest.value);
    return added;
  }

  get(svixId: string): WebhookMessage | undefined {
    return this.#messages.get(svixId);
  }

  all(): WebhookMessage[] {
    return [...this.#messages.values()];
  }
}
