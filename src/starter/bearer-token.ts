import type { Request } from 'express';

/** @returns the bearer token of a request, or '' when there is none. */
export function bearerToken({ headers }: Pick<Request, 'headers'>): string {
  const [, token = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  return token;
}
