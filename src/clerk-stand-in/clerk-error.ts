import { randomBytes } from 'node:crypto';

export interface ClerkErrorItem {
  readonly message: string;
  readonly long_message: string;
  readonly code: string;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** An answer in Clerk's error shape. Operations throw it, whether they were called over HTTP or through the handle. */
export class ClerkError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly ClerkErrorItem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, item: ClerkErrorItem, headers: Readonly<Record<string, string>> = {}) {
    super(item.long_message);
    this.name = 'ClerkError';
    this.status = status;
    this.code = item.code;
    this.errors = [item];
    this.headers = headers;
  }

  body(): Record<string, unknown> {
    return { errors: this.errors, clerk_trace_id: randomBytes(16).toString('hex') };
  }

  static notFound(what: string, id: string): ClerkError {
    const long_message = `No ${what} was found with id ${id}.`;
    return new ClerkError(404, { message: 'not found', long_message, code: 'resource_not_found' });
  }

  static taken(param_name: string): ClerkError {
    const message = `That ${param_name.replaceAll('_', ' ')} is taken. Please try another.`;
    return new ClerkError(422, {
      message,
      long_message: message,
      code: 'form_identifier_exists',
      meta: { param_name },
    });
  }

  /** A parameter's value is refused. Clerk lists no codes: `form_param_value_invalid` is the one seen most. */
  static invalid(param_name: string, why: string, code = 'form_param_value_invalid'): ClerkError {
    return new ClerkError(422, {
      message: `${param_name} is invalid`,
      long_message: why,
      code,
      meta: { param_name },
    });
  }

  static badRequest(code: string, message: string): ClerkError {
    return new ClerkError(400, { message, long_message: message, code });
  }
}
