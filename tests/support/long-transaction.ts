/** For Prisma's interactive transactions, which it otherwise ends after 5 s: tests hold locks as long as it takes. */
export const LONG_TRANSACTION = { maxWait: 120_000, timeout: 300_000 } as const;
