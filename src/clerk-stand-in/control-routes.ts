import express, { type Response, Router } from 'express';
import { z } from 'zod';
import { sendJson } from './send-json.js';
import { type StandInSettings, standInSettings } from './stand-in-settings.js';
import type { WebhookSender } from './webhook-sender.js';
import { type WebhookEndpoint, webhookSettings } from './webhook-settings.js';

const settingsPatch = standInSettings.partial().extend({ webhooks: webhookSettings.partial().optional() });
const replayBody = z.strictObject({ svixId: z.string() });
const exampleBody = z.strictObject({ type: z.string() });
const RECENT_MESSAGES = 20;

/** /stand-in/*: the handle's switches over HTTP, without a key, since the server listens on loopback. */
export function controlRoutes(
  settings: StandInSettings,
  webhooks: WebhookSender,
  facts: () => Record<string, unknown>,
): Router {
  const router = Router();
  router.use(express.json());
  router.get('/status', (_req, res) => sendJson(res, 200, status(settings, webhooks, facts())));
  router.patch('/settings', (req, res) => {
    const patch = parsed(res, settingsPatch, req.body);
    if (!patch) return;
    const { webhooks: sender, ...api } = patch;
    Object.assign(settings, api);
    if (sender) {
      const endpoints = (sender.endpoints ?? webhooks.settings.endpoints).map((next) =>
        sameOrNew(webhooks, next),
      );
      Object.assign(webhooks.settings, sender, { endpoints });
    }
    sendJson(res, 200, status(settings, webhooks, facts()));
  });
  router.post('/replay', (req, res) => {
    const body = parsed(res, replayBody, req.body);
    if (!body) return;
    if (webhooks.replay(body.svixId)) sendJson(res, 202, body);
    else sendJson(res, 404, { error: `No message ${body.svixId} is known (any more).` });
  });
  router.post('/send-example', (req, res) => {
    const body = parsed(res, exampleBody, req.body);
    if (!body) return;
    try {
      sendJson(res, 202, { svixId: webhooks.sendExample(body.type) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      sendJson(res, 400, { error: error.message });
    }
  });
  return router;
}

function parsed<Schema extends z.ZodType>(
  res: Response,
  schema: Schema,
  body: unknown,
): z.output<Schema> | undefined {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  sendJson(res, 400, { error: z.prettifyError(result.error) });
  return undefined;
}

/** What is scheduled for an endpoint goes on when the same one is set again. */
function sameOrNew({ settings }: WebhookSender, next: WebhookEndpoint): WebhookEndpoint {
  const known = settings.endpoints.find(
    ({ url, signingSecret }) => url === next.url && String(signingSecret) === String(next.signingSecret),
  );
  return known ? Object.assign(known, next) : next;
}

function status(settings: StandInSettings, webhooks: WebhookSender, facts: Record<string, unknown>) {
  const { endpoints, ...knobs } = webhooks.settings;
  const recent = webhooks.messages().slice(-RECENT_MESSAGES);
  return {
    ...facts,
    settings,
    webhooks: {
      stats: webhooks.stats,
      settings: { ...knobs, endpoints: endpoints.map(({ signingSecret: _secret, ...endpoint }) => endpoint) },
      recent: recent.map(({ payload: _payload, ...message }) => message),
    },
  };
}
