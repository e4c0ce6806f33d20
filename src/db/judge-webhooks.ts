import type { WebhookVerdict } from '../drift.js';
import type { Database } from './database.js';
export async function judgeWebhooks(
  _db: Database,
  _nowMs: number,
): Promise<{ verdict: WebhookVerdict; repaired: number; delivered: number }> {
  return { verdict: 'ok', repaired: 0, delivered: 0 };
}
