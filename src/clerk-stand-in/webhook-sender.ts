// Over 150 lines: the queue, the retries and the knobs share one notion of "nothing is left to do", which `idle` is.
import http from 'node:http';
import https from 'node:https';
import { EXAMPLE_TYPES, exampleEvent } from './example-event.js';
import { Fifo } from './fifo.js';
import { HoldBack } from './hold-back.js';
import { MessageLog } from './message-log.js';
import { type PostAnswer, postWebhook } from './post-webhook.js';
import type { EventType, RequestOrigin, WebhookAttempt, WebhookMessage } from './webhook-message.js';
import type { WebhookEndpoint, WebhookSettings } from './webhook-settings.js';

/** Svix's waits before the second to the eighth attempt. */
const RETRY_WAITS_MS = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

interface Delivery {
  readonly message: WebhookMessage;
  readonly endpoint: WebhookEndpoint;
  readonly attempt: number;
}

/**
 * Sends what Clerk's webhook sender, Svix, would send: signed, at least once, retried, in no promised order.
 * Its settings may be changed at any time, endpoints and secrets too.
 */
export class WebhookSender {
  readonly settings: WebhookSettings;
  readonly stats = { messages: 0, lost: 0, duplicates: 0, heldBack: 0, attempts: 0, delivered: 0, failed: 0 };
  readonly #instanceId: string;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #agents = {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true }),
  };
  readonly #log = new MessageLog();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #heldBack = new HoldBack();
  readonly #failingSinceMs = new WeakMap<WebhookEndpoint, number>();
  readonly #ready = new Fifo<Delivery>();
  #active = 0;
  #stopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: {
    settings: WebhookSettings;
    instanceId: string;
    now: () => number;
    /** Decides about loss, duplicates and reordering; numbers in [0, 1). */
    random: () => number;
  }) {
    this.settings = options.settings;
    this.#instanceId = options.instanceId;
    this.#now = options.now;
    this.#random = options.random;
  }

  /** @returns the messages of late (up to 10,000), oldest first, with every attempt */
  messages(): WebhookMessage[] {
    return this.#log.all();
  }

  /** @param timestampMs the event's own time; @returns the message's svix-id */
  send(type: EventType, data: object, timestampMs: number, origin?: RequestOrigin): string {
    const http_request = {
      client_ip: origin?.clientIp ?? '127.0.0.1',
      user_agent: origin?.userAgent ?? 'clerk-stand-in',
    };
    return this.#enqueue(type, timestampMs, {
      object: 'event',
      type,
      timestamp: timestampMs,
      instance_id: this.#instanceId,
      event_attributes: { http_request },
      data,
    });
  }

  /**
   * The dashboard's "Send Example": validly signed, never lost, about a user that does not exist.
   * @throws RangeError for a type without an example
   */
  sendExample(type: string): string {
    const event = exampleEvent(type);
    if (!event) throw new RangeError(`There is no example of ${type}, only of ${EXAMPLE_TYPES.join(', ')}.`);
    const message = this.#record(type, this.#now(), JSON.stringify(event), false);
    this.#dispatch(message);
    return message.svixId;
  }

  /**
   * The dashboard's "Resend": the stored payload under its old svix-id, lost messages too.
   * @returns false when no such message is known any more
   */
  replay(svixId: string): boolean {
    const message = this.#log.get(svixId);
    if (message) this.#dispatch(message);
    return message !== undefined;
  }

  /** Resolves once nothing is in flight or scheduled: with `retryTimeScale` 1 and a failing endpoint, in a day. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Drops what is scheduled, breaks off what is in flight, and closes every socket. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#heldBack.clear();
    this.#ready.clear();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
    this.#settle();
    await this.idle();
  }

  #enqueue(type: string, timestampMs: number, event: object): string {
    const lost = this.#random() < this.settings.lossRate;
    const message = this.#record(type, timestampMs, JSON.stringify(event), lost);
    const countAsLater = this.#heldBack.startOvertaking();
    if (lost) this.stats.lost++;
    else if (this.#random() < this.settings.reorderRate && !this.#stopped) this.#holdBack(message);
    else this.#dispatch(message);
    countAsLater();
    return message.svixId;
  }

  #record(type: string, timestampMs: number, payload: string, lost: boolean): WebhookMessage {
    this.stats.messages++;
    return this.#log.add({ type, timestampMs, payload, lost }, this.#now());
  }

  #holdBack(message: WebhookMessage): void {
    this.stats.heldBack++;
    const release = this.#heldBack.add(1 + Math.floor(this.#random() * 5), () => {
      this.#timers.delete(timer);
      clearTimeout(timer);
      this.#dispatch(message);
    });
    const timer = this.#later(this.settings.reorderHoldMs, release);
  }

  #dispatch(message: WebhookMessage): void {
    for (const endpoint of this.settings.endpoints) {
      if (endpoint.eventTypes && !endpoint.eventTypes.includes(message.type)) continue;
      const duplicated = this.#random() < this.settings.duplicateRate;
      if (duplicated) this.stats.duplicates++;
      for (let copy = 0; copy < (duplicated ? 2 : 1); copy++) {
        this.#deliver({ message, endpoint, attempt: 1 }, this.settings.delayMs);
      }
    }
  }

  #deliver(delivery: Delivery, waitMs: number): void {
    if (this.#stopped) return;
    const queue = () => {
      this.#ready.add(delivery);
      this.#pump();
    };
    if (waitMs > 0) this.#later(waitMs, queue);
    else queue();
  }

  #later(waitMs: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
      this.#settle();
    }, waitMs);
    this.#timers.add(timer);
    return timer;
  }

  #pump(): void {
    while (this.#active < this.settings.maxConcurrent) {
      const delivery = this.#ready.take();
      if (!delivery) return;
      // Removing or disabling an endpoint cancels what it had coming.
      if (delivery.endpoint.disabled || !this.settings.endpoints.includes(delivery.endpoint)) continue;
      this.#active++;
      void this.#attempt(delivery).finally(() => {
        this.#active--;
        this.#pump();
        this.#settle();
      });
    }
  }

  async #attempt({ message, endpoint, attempt }: Delivery): Promise<void> {
    const atMs = this.#now();
    this.stats.attempts++;
    const options = { agents: this.#agents, timeoutMs: this.settings.timeoutMs, atMs };
    let answer: PostAnswer | undefined;
    try {
      answer = await postWebhook(message, endpoint, options);
    } catch {
      // No answer is an outcome like any other: it is in the log, without a status.
    }
    if (answer?.control === 'disable') endpoint.disabled = true;
    const status = answer?.status;
    const outcome = this.#outcome(status, answer?.control, endpoint, attempt);
    message.attempts.push({ url: endpoint.url, attempt, atMs, status, outcome });
    if (outcome === 'delivered') this.stats.delivered++;
    else if (outcome !== 'retrying') this.stats.failed++;
    const waitMs = (RETRY_WAITS_MS[attempt - 1] ?? 0) * this.settings.retryTimeScale;
    if (outcome === 'retrying') this.#deliver({ message, endpoint, attempt: attempt + 1 }, waitMs);
  }

  #outcome(
    status: number | undefined,
    control: string | undefined,
    endpoint: WebhookEndpoint,
    attempt: number,
  ): WebhookAttempt['outcome'] {
    if (status !== undefined && status >= 200 && status < 300) {
      this.#failingSinceMs.delete(endpoint);
      return 'delivered';
    }
    const sinceMs = this.#failingSinceMs.get(endpoint) ?? this.#now();
    this.#failingSinceMs.set(endpoint, sinceMs);
    if (this.#now() - sinceMs > this.settings.disableAfterMs) endpoint.disabled = true;
    if (control === 'abort-message' || endpoint.disabled) return 'aborted';
    return attempt > RETRY_WAITS_MS.length ? 'failed' : 'retrying';
  }

  #isIdle(): boolean {
    return this.#active === 0 && this.#ready.isEmpty && this.#timers.size === 0;
  }

  #settle(): void {
    if (!this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
