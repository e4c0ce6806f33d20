/** @returns the page at `/`: what this is and how to point something at it */
export function homePage(facts: {
  url: string;
  secretKey: string;
  publishableKey: string;
  instanceId: string;
  users: number;
}): string {
  const row = (name: string, value: string) =>
    `<tr><th>${name}</th><td><code>${escapeHtml(value)}</code></td></tr>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Clerk stand-in</title>
<style>body{font:16px/1.5 system-ui;max-width:46rem;margin:3rem auto;padding:0 1rem}th{text-align:left;padding-right:1rem}</style>
<h1>Clerk stand-in</h1>
<p>A local imitation of Clerk's Backend API and webhooks, for development and tests. Its keys are worth nothing elsewhere.</p>
<table>
${row('CLERK_API_URL', facts.url)}
${row('CLERK_SECRET_KEY', facts.secretKey)}
${row('CLERK_PUBLISHABLE_KEY', facts.publishableKey)}
${row('Instance', facts.instanceId)}
${row('Users', String(facts.users))}
</table>
<h2>Clerk's endpoints</h2>
<p><code>/v1/users</code>, <code>/v1/users/count</code>, <code>/v1/users/:id</code>, <code>/v1/users/:id/metadata</code>,
<code>/v1/users/:id/ban|unban|lock|unlock</code>, <code>/v1/email_addresses</code>, <code>/v1/sessions</code>,
<code>/v1/sessions/:id/tokens</code>, <code>/v1/sessions/:id/revoke</code>, <code>/v1/jwks</code></p>
<h2>Controls</h2>
<ul>
<li><code>GET <a href="/stand-in/status">/stand-in/status</a></code>: counts, keys, settings, recent webhooks</li>
<li><code>PATCH /stand-in/settings</code>: latency, rate limit, failures, <code>{"webhooks": {"lossRate": 0.3}}</code></li>
<li><code>POST /stand-in/replay</code> <code>{"svixId": "msg_…"}</code></li>
<li><code>POST /stand-in/send-example</code> <code>{"type": "user.created"}</code></li>
</ul>
</html>
`;
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
