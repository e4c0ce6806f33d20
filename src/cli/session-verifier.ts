import type { Config } from '../config.js';
import type { Logger } from '../log.js';
import { createSessionVerifier, type VerifySession } from '../sign-in/verify-session.js';

/**
 * Makes the check of session tokens out of the settings, and says in the log what they leave open.
 *
 * @returns undefined when there is no key to check with.
 * @throws Error that names CLERK_JWT_KEY when it is no such key.
 */
export function sessionVerifier(config: Config, log: Logger): VerifySession | undefined {
  const { CLERK_JWT_KEY: jwtKey, CLERK_SECRET_KEY: secretKey, CLERK_API_URL: apiUrl } = config;
  const { CLERK_AUTHORIZED_PARTIES: authorizedParties } = config;
  if (jwtKey === undefined && secretKey === undefined) {
    log.warn('POST /v1/sync/me is off: neither CLERK_JWT_KEY nor CLERK_SECRET_KEY is set');
    return undefined;
  }
  if (authorizedParties === undefined)
    log.warn(
      'Session tokens made for any application of the instance are taken: set CLERK_AUTHORIZED_PARTIES to the origins of yours',
    );
  try {
    return createSessionVerifier({ jwtKey, secretKey, apiUrl, authorizedParties });
  } catch (error) {
    throw new Error(`CLERK_JWT_KEY: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
