import type { Request } from 'express';
import { ClerkError } from './clerk-error.js';
import { queryOf } from './query-of.js';

const VERSIONS = ['2021-02-05', '2024-10-01', '2025-03-12', '2025-04-10', '2025-11-10', '2026-05-12'];

/** Clerk does not say what applies when none is sent; the newest is the strictest. */
const DEFAULT_VERSION = '2026-05-12';

/**
 * @returns the API version a request asks for, by header or by query
 * @throws ClerkError 400 for both, or for one that does not exist
 */
export function apiVersion(req: Request): string {
  const header = req.get('clerk-api-version');
  const query = queryOf(req).get('__clerk_api_version') ?? undefined;
  if (header !== undefined && query !== undefined) {
    const message =
      'The API version must be sent either as the Clerk-API-Version header or as a query parameter.';
    throw ClerkError.badRequest('clerk_api_version_invalid', message);
  }
  const version = header ?? query ?? DEFAULT_VERSION;
  if (VERSIONS.includes(version)) return version;
  throw ClerkError.badRequest(
    'clerk_api_version_invalid',
    `${version} is not a version of Clerk's Backend API.`,
  );
}
