import { z } from 'zod';

const match = {
  /** Both optional: the method, and how the path starts (`/v1/users`). */
  method: z.string().toUpperCase().optional(),
  pathPrefix: z.string().optional(),
  /** How many requests it hits before it removes itself; without it, all until it is cleared. */
  times: z.int().min(1).optional(),
};

const rateLimit = z.strictObject({ requests: z.int().min(1), perMs: z.int().min(1) }).nullable();

/** What a request is answered with instead of its true answer. */
export const injectedFailure = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    /** A string goes out as it is, anything else as JSON; by default Clerk's error shape. */
    body: z.unknown().optional(),
    contentType: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    ...match,
  }),
  z.strictObject({ kind: z.literal('empty-list'), ...match }),
  /** 200 with half a body. */
  z.strictObject({ kind: z.literal('broken-json'), ...match }),
  /** The connection is closed without an answer. */
  z.strictObject({ kind: z.literal('drop'), ...match }),
  /** The true answer, late. */
  z.strictObject({ kind: z.literal('slow'), latencyMs: z.number().min(0), ...match }),
]);

/** How the API behaves; every field may be changed while it runs. */
export const standInSettings = z.strictObject({
  /** Before a request is handled: a list shows the users at its end. */
  latencyMs: z.number().min(0),
  /** After a request was handled: its answer is that old when it arrives. */
  answerDelayMs: z.number().min(0),
  /** Per instance, as with Clerk: 1,000 in 10 s in production, 100 in 10 s in development. */
  rateLimit,
  /** For PATCH and PUT of one user or their metadata. */
  userWriteLimit: rateLimit,
  /** `production` refuses changes with 503, `development` everything. */
  maintenance: z.enum(['off', 'production', 'development']),
  deletedCursor: z.enum(['not_found', 'unprocessable', 'empty', 'from_start', 'continue']),
  failures: z.array(injectedFailure),
});

export type InjectedFailure = z.infer<typeof injectedFailure>;
export type StandInSettings = z.infer<typeof standInSettings>;

export const DEFAULT_SETTINGS: Readonly<Omit<StandInSettings, 'failures'>> = {
  latencyMs: 0,
  answerDelayMs: 0,
  rateLimit: { requests: 1000, perMs: 10_000 },
  userWriteLimit: { requests: 10, perMs: 10_000 },
  maintenance: 'off',
  deletedCursor: 'not_found',
};
