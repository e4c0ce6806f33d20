// The pages. Whatever comes from a user goes through `html`, which escapes it.

export const rowPage = (row, { canSignOut }) =>
  page(
    'Your row',
    html`<h1>Your row</h1>
<p class="quiet">As it is in Postgres. It was there before this page was answered.</p>
<dl>
  <dt>Name</dt><dd>${row.name ?? '(none)'}</dd>
  <dt>E-mail</dt><dd>${row.email ?? '(none)'}</dd>
  <dt>Created</dt><dd>${time(row.clerkCreatedAt)}</dd>
  <dt>Clerk id</dt><dd><code>${row.clerkId}</code></dd>
  <dt>Written by</dt><dd>${row.syncedBy} (${row.lastOutcome})</dd>
</dl>
<div class="links"><a href="/api/me">As JSON</a>${canSignOut ? SIGN_OUT : ''}</div>`,
  );

export const signedOutPage = (signInUrl) =>
  page(
    'Signed out',
    html`<h1>Nobody is signed in</h1>
<p>Your row of the table is shown to you alone.</p>
${
  signInUrl
    ? html`<p><a class="button" href="${signInUrl}">Sign in or sign up</a></p>`
    : html`<p class="quiet">Set <code>CLERK_SIGN_IN_URL</code> to have a link here.</p>`
}`,
  );

/** Reloads by itself: the row follows, by the next request or by whoever was handed the user over. */
export const notReadyPage = () =>
  page(
    'One moment',
    html`<h1>One moment</h1>
<p>Your account is being prepared. This page tries again by itself.</p>
<p class="quiet">If you have just deleted your account, you can close it.</p>`,
    html`<meta http-equiv="refresh" content="2">`,
  );

export const errorPage = (message) =>
  page('Error', html`<h1>${message}</h1><p><a href="/me">Your row</a></p>`);

/** @param given what was sent, when there is a problem with it. */
export const signUpPage = (problem, given = {}) =>
  page(
    'Sign up',
    html`<h1>Sign up</h1>
<p class="quiet">This form stands in for Clerk's own, for development.</p>
${problem ? html`<p class="problem" role="alert">${problem}</p>` : ''}
<form method="post" action="/sign-up">
  <label>First name <input name="firstName" value="${given.firstName ?? ''}" required autocomplete="given-name"></label>
  <label>Last name <input name="lastName" value="${given.lastName ?? ''}" required autocomplete="family-name"></label>
  <label>E-mail <input name="email" type="email" value="${given.email ?? ''}" required autocomplete="email"></label>
  <button class="button">Sign up</button>
</form>`,
  );

const page = (title, body, head = '') =>
  String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
<style>${CSS}</style>
</head>
<body><main>${body}</main></body>
</html>
`);

class Html {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

/** A template whose values are escaped, but those that this function made. */
function html(strings, ...values) {
  return new Html(strings.map((text, at) => text + (at < values.length ? escaped(values[at]) : '')).join(''));
}

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (value) =>
  value instanceof Html
    ? value.text
    : String(value).replaceAll(/[&<>"']/g, (character) => ESCAPES[character]);

const time = (at) =>
  at
    ? html`<time datetime="${at.toISOString()}">${at.toISOString().slice(0, 19).replace('T', ' ')} UTC</time>`
    : '';

const SIGN_OUT = html`<form method="post" action="/sign-out"><button class="link">Sign out</button></form>`;

const CSS = html`
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: Canvas; color: CanvasText; }
main { max-width: 32rem; margin: 12vh auto; padding: 2rem; border: 1px solid #8884; border-radius: 12px; }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; }
p { margin: .5rem 0 1rem; }
main > :last-child, form > :last-child { margin-bottom: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .6rem 1.5rem; margin: 1.5rem 0; }
dt, .quiet { color: GrayText; }
dd { margin: 0; overflow-wrap: anywhere; }
code { font-size: .9em; }
label { display: block; margin: 1rem 0; }
input { display: block; box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .5rem .6rem; font: inherit;
  border: 1px solid #8888; border-radius: 8px; }
.button { display: inline-block; padding: .5rem 1.2rem; border: 0; border-radius: 8px; background: #4f46e5;
  color: #fff; font: inherit; text-decoration: none; cursor: pointer; }
.problem { padding: .5rem .8rem; border-left: 4px solid #dc2626; background: #dc262618; }
.links { display: flex; gap: 1.5rem; margin: 0; }
.link { padding: 0; border: 0; background: none; color: LinkText; font: inherit; text-decoration: underline;
  cursor: pointer; }
`;
