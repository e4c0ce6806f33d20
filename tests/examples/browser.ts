/** What a browser does with cookies and redirects, as far as one application on one host needs it. */
export class Browser {
  readonly cookies = new Map<string, string>();

  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns the answer itself: a redirect is not followed. */
  async get(path: string): Promise<Answer> {
    // What Clerk's middleware knows a page by.
    return this.#send(path, { headers: { accept: 'text/html,*/*;q=0.8', 'sec-fetch-dest': 'document' } });
  }

  /** @param token a bearer token, as of an application on a telephone. */
  async getJson(path: string, token?: string): Promise<Answer> {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return this.#send(path, { headers: { accept: 'application/json', ...authorization } });
  }

  async post(path: string, fields: Record<string, string> = {}): Promise<Answer> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields) });
  }

  async #send(path: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers);
    if (this.cookies.size > 0)
      headers.set('cookie', [...this.cookies].map((cookie) => cookie.join('=')).join('; '));
    const response = await fetch(this.#url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const text = await response.text();
    return {
      status: response.status,
      location: response.headers.get('location'),
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
    };
  }
}

export interface Answer {
  status: number;
  location: string | null;
  text: string;
  /** Undefined unless it is a JSON object. */
  json: unknown;
}
