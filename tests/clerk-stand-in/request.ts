import type { StandIn } from '../../src/clerk-stand-in/start-stand-in.js';
import type { ClerkUserJson } from '../../src/clerk-stand-in/user-json.js';

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface ErrorsBody {
  readonly errors: { code: string; message: string; long_message: string; meta?: { param_name?: string } }[];
  readonly clerk_trace_id: string;
}

/** A request as `curl` would make it: nothing of Clerk's SDK in between. */
export async function request<Body = ErrorsBody>(
  standIn: StandIn,
  path: string,
  {
    method = 'GET',
    body,
    headers,
  }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<Body>> {
  const response = await fetch(standIn.url + path, {
    method,
    headers: { authorization: `Bearer ${standIn.secretKey}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
}

export const getUsers = (standIn: StandIn, query: string): Promise<Answer<ClerkUserJson[]>> =>
  request<ClerkUserJson[]>(standIn, `/v1/users?${query}`);
