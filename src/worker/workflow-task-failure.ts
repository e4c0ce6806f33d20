/** How much of a message is logged, characters. */
const MAX_LENGTH = 300;

/**
 * Why a workflow task failed, out of what Temporal's core logs about it.
 *
 * @param failure the core's own rendering of the failure: `Failure { failure: Some(Failure { message: "…", …`.
 * @returns its message; not that of a failed JSON.parse, for it quotes what could not be read, which may be a user.
 */
export function workflowTaskFailure(failure: string): string {
  const [, quoted = ''] = /\bmessage: "((?:[^"\\]|\\.)*)"/.exec(failure) ?? [];
  const message = quoted.replaceAll(/\\(["'\\])/g, '$1');
  if (/\bJSON\b/.test(message)) return 'Something in the history could not be read as JSON.';
  return message.slice(0, MAX_LENGTH) || 'No message.';
}
