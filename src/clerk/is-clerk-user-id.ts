/** Whether it has the shape of Clerk's user ids. Others are put into no path and no workflow ID. */
export const isClerkUserId = (value: unknown): value is string =>
  typeof value === 'string' && /^user_\w{1,250}$/.test(value);
