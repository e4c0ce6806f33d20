import { ApplicationFailure } from '@temporalio/common';

interface FailureDescription {
  /** What went wrong, in words for a person. */
  meaning: string;
  /** What somebody should do about it. */
  action: string;
  /** Whether trying the same again may help; one that is not retried parks the user's run; a reconcile counts the user as failed and goes on. */
  retried: boolean;
  /** What the starter answers when a request ends in it. */
  httpStatus?: number;
}

/**
 * Every failure this service can name. The code is the `type` of the ApplicationFailure seen in Temporal's Web UI,
 * the `code` in logs and in `sync_failures`, and the README's table of failure codes, which a test compares with this.
 */
export const FAILURES = {
  SIGNATURE_INVALID: {
    meaning: 'The delivery is not signed with one of our signing secrets.',
    action: "Compare CLERK_WEBHOOK_SIGNING_SECRET with the endpoint's secret in Clerk's dashboard.",
    retried: false,
    httpStatus: 400,
  },
  TIMESTAMP_OUTSIDE_TOLERANCE: {
    meaning:
      "The delivery's signature holds, but it was signed more than 5 minutes from this machine's time.",
    action:
      "Set this machine's clock; the log says how many seconds it is off. If other deliveries are accepted, somebody repeats an old one.",
    retried: false,
    httpStatus: 400,
  },
  DELIVERY_MISDIRECTED: {
    meaning: 'The delivery came to another path than /webhooks/clerk, or not as POST.',
    action:
      "Correct the endpoint's address in Clerk's dashboard; a proxy in front must neither change the path nor redirect.",
    retried: false,
    httpStatus: 404,
  },
  BODY_TOO_LARGE: {
    meaning: 'The delivery is larger than WEBHOOK_MAX_BODY_BYTES.',
    action: "Raise the setting if it is Clerk's; Temporal takes at most 2 MB.",
    retried: false,
    httpStatus: 413,
  },
  BODY_UNREADABLE: {
    meaning: 'The delivery broke off, or its encoding cannot be read.',
    action: 'Nothing, if it is rare; else look at the proxy in front of the starter.',
    retried: false,
    httpStatus: 400,
  },
  EVENT_UNUSABLE: {
    meaning: 'The delivery is signed, but is no JSON, or names no type of event or no Clerk user ID.',
    action: 'Look up the svix-id in the dashboard and report the shape of the payload.',
    retried: false,
    httpStatus: 422,
  },
  INSTANCE_MISMATCH: {
    meaning:
      "The event comes from another Clerk instance than CLERK_INSTANCE_ID's or the table's; nothing was written.",
    action:
      'Point that instance to its own service, which in a shared Temporal namespace needs a SYNC_NAME_PREFIX of its own, or correct the setting; CLERK_INSTANCE_ID has such events refused at once.',
    retried: false,
    httpStatus: 422,
  },
  SESSION_INVALID: {
    meaning: 'The session token is missing, does not hold, or is not that of a person signing in.',
    action:
      "Send a fresh session token. If those are refused too, compare CLERK_JWT_KEY and CLERK_AUTHORIZED_PARTIES with Clerk's dashboard and check this machine's clock; the log has the reason.",
    retried: false,
    httpStatus: 401,
  },
  CLAIMS_UNUSABLE: {
    meaning: 'What `readClaims` returned for a session token does not fit the columns.',
    action:
      "Correct `readClaims`, or the custom claims in Clerk's dashboard, as the detail says. Until then Clerk is asked instead.",
    retried: false,
  },
  API_TOKEN_INVALID: {
    meaning: 'The request does not carry API_TOKEN as its bearer token.',
    action: "Send the value of the starter's setting API_TOKEN.",
    retried: false,
    httpStatus: 401,
  },
  USER_ID_INVALID: {
    meaning: 'This is not a Clerk user ID.',
    action: 'Send the id as Clerk shows it, `user_…`.',
    retried: false,
    httpStatus: 400,
  },
  USER_NOT_FOUND: {
    meaning: 'Clerk, asked just now, does not have this user, or has deleted them.',
    action: 'Nothing, if the user was deleted; else check that CLERK_SECRET_KEY is of the same instance.',
    retried: false,
    httpStatus: 404,
  },
  SYNC_UNFINISHED: {
    meaning: 'The row was not in step in time.',
    action: "Ask again. If it stays, look at the user's run in Temporal's Web UI, and whether a worker runs.",
    retried: true,
    httpStatus: 503,
  },
  SYNC_TOO_OFTEN: {
    meaning: 'Clerk was asked for this user ten times within ten seconds.',
    action: 'Call `/v1/sync/me` once after sign-in, not with every request.',
    retried: false,
    httpStatus: 429,
  },
  STARTER_UNAVAILABLE: {
    meaning: 'The starter did not take over a user whom a sign-in missed.',
    action:
      'Nothing is lost: the webhook or the reconcile brings the row. Check the address given to handOverToStarter, and that the starter runs with API_TOKEN.',
    retried: true,
    httpStatus: 503,
  },
  TEMPORAL_UNAVAILABLE: {
    meaning: 'Temporal did not take the change in time.',
    action:
      'Check that the Temporal server answers. A webhook is not lost: Svix delivers again; whoever asked for a user asks again.',
    retried: true,
    httpStatus: 503,
  },
  POSTGRES_UNAVAILABLE: {
    meaning: 'Postgres does not answer, refuses the connection, or ended the statement.',
    action:
      'The message names the cause and what to do about it. Nothing is lost: an activity tries again until it goes through.',
    retried: true,
    httpStatus: 503,
  },
  SCHEMA_MISSING: {
    meaning: 'A table or column that is to be written or read is missing, or has another type.',
    action:
      'Run `clerk-sync migrate`, or, when the message names a mapped column, the migration of yours that adds it; the activity then goes through by itself.',
    retried: true,
    httpStatus: 503,
  },
  ROW_REJECTED: {
    meaning: 'Postgres refuses the row: a constraint or a column type forbids it.',
    action:
      'Change the constraint named in the message or the data in Clerk, then send `retry`, or run `clerk-sync reconcile` if no run of the user is open.',
    retried: false,
  },
  USER_UNUSABLE: {
    meaning:
      'Clerk sent a user whose id or times are missing or wrong (the message says which), or who is nested too deeply.',
    action: 'Report the shape of the payload; the next change of this user is tried afresh.',
    retried: false,
  },
  MAPPING_FAILED: {
    meaning: "The application's mapping cannot make a column's value of this user.",
    action:
      'Correct the function of the column that the message names, restart whatever writes, then send `retry`, or let the next sweep see to it.',
    retried: false,
  },
  EMAIL_TAKEN: {
    meaning:
      'The row was written without its e-mail, which another row has and which is unique (EMAIL_UNIQUENESS=quarantine).',
    action:
      'Take the address from one of the two users in Clerk, or wait for the other to be deleted; the next reconcile then gives it back.',
    retried: false,
  },
  CLERK_UNAVAILABLE: {
    meaning: "Clerk's Backend API does not answer, or answers with a server error.",
    action: 'Wait; it is tried again until it goes through.',
    retried: true,
    httpStatus: 503,
  },
  CLERK_RATE_LIMITED: {
    meaning: "Clerk's rate limit is used up.",
    action:
      'Nothing; it is tried again after Retry-After. If it happens often, lower RECONCILE_REQUESTS_PER_SECOND, REFETCH_REQUESTS_PER_SECOND, or `clerkRequestsPerSecond` of `syncOnSignIn`.',
    retried: true,
    httpStatus: 503,
  },
  CLERK_KEY_REFUSED: {
    meaning: 'Clerk refuses CLERK_SECRET_KEY.',
    action: 'Set a valid key and restart the worker; waiting activities then go through.',
    retried: true,
    httpStatus: 503,
  },
  INSTANCE_CHANGED: {
    meaning: 'CLERK_SECRET_KEY belongs to another Clerk instance than the table.',
    action:
      "Set a key of the table's instance, the second that the message names, and restart the worker. If the table is to change over, delete the row of `synced_instance`; later sweeps find the old users gone.",
    retried: true,
    httpStatus: 503,
  },
  HOOK_FAILED: {
    meaning: "A hook of the application's threw, or took too long.",
    action:
      "Class, code and place of what it threw are in `pending_hooks.failure` and in the Web UI; the rest only the hook can log. It is called again until it returns; to leave this one out, send its user's workflow the signal `skip` with the revision.",
    retried: true,
  },
  HOOK_GAVE_UP: {
    meaning: "A hook of the application's threw a failure that says not to try again.",
    action: 'Send the workflow `user-hooks/<clerk id>` the signal `retry`, or `skip` with the revision.',
    retried: false,
  },
  INPUT_INVALID: {
    meaning: 'The input of this workflow cannot be read.',
    action: 'Start it again as the message says.',
    retried: false,
  },
  CLERK_REQUEST_REFUSED: {
    meaning: 'Clerk refuses a request of ours as malformed.',
    action: 'Report it with the status and code in the message.',
    retried: true,
    httpStatus: 503,
  },
  CLERK_ANSWER_UNUSABLE: {
    meaning: "Clerk's answer is not what its API documents.",
    action: 'It is tried again; if it stays, check CLERK_API_URL and report it.',
    retried: true,
    httpStatus: 503,
  },
  USER_NOT_READY: {
    meaning: "The signed-in user's row could not be made sure of in time.",
    action:
      'Nothing, if it is rare: the next request tries again. Else look up the code in the log line "The row was not made sure of".',
    retried: true,
    httpStatus: 503,
  },
  USER_GONE: {
    meaning: 'The session is of a user whom Clerk does not have any more.',
    action: 'Nothing: the session ends by itself within a minute.',
    retried: false,
    httpStatus: 401,
  },
} as const satisfies Record<string, FailureDescription>;

export type FailureCode = keyof typeof FAILURES;

/** What is known about one occurrence. The message names no person: ids, codes and times only. */
interface FailureOptions {
  cause?: unknown;
  /** Overrides the retry policy's next delay, for a Retry-After. */
  retryAfterMs?: number;
}

/**
 * Makes the one kind of error that crosses a Temporal boundary.
 *
 * @param code decides whether Temporal retries: see `retried` in {@link FAILURES}.
 * @param detail what happened this time, in a sentence without personal data.
 */
export function failure(code: FailureCode, detail: string, options: FailureOptions = {}): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message: `${FAILURES[code].meaning} ${detail}`.trim(),
    nonRetryable: !FAILURES[code].retried,
    ...(options.retryAfterMs === undefined ? {} : { nextRetryDelay: options.retryAfterMs }),
    ...(options.cause instanceof Error ? { cause: options.cause } : {}),
  });
}

/** @returns the code of a failure of ours, or undefined for any other error. */
export function failureCode(error: unknown): FailureCode | undefined {
  if (!(error instanceof ApplicationFailure)) return undefined;
  const { type } = error;
  return type !== null && type !== undefined && Object.hasOwn(FAILURES, type)
    ? (type as FailureCode)
    : undefined;
}
