import type { Request } from 'express';
import type { RequestOrigin } from './webhook-message.js';

/** @returns what the event of this request will carry as `event_attributes.http_request` */
export function requestOrigin(req: Request): RequestOrigin {
  return { clientIp: req.ip ?? '127.0.0.1', userAgent: req.get('user-agent') ?? '' };
}
