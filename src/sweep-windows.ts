/** Windows side by side so that the rate is used up although an answer takes its time: so many for each request a second. */
const WINDOWS_PER_REQUEST = 0.7;
export const MOST_WINDOWS = 16;
/** A window of fewer pages gains nothing. */
const LEAST_PAGES_PER_WINDOW = 20;

/** Where the sweep of a window begins. */
export const WINDOW_START = { after: null, previous: null, doubt: null } as const;

export interface SweptUsers {
  /** null where they could not be counted: then there are as many as the table has. */
  clerkUsers: number | null;
  liveRows: number;
  /** Users a page. */
  pageSize: number;
}

/** @returns on how many pages Clerk's users are, or the table's if those are more. */
export const pagesOf = ({ clerkUsers, liveRows, pageSize }: SweptUsers): number =>
  Math.ceil(Math.max(clerkUsers ?? 0, liveRows) / pageSize);

/** @returns into how many windows of creation times a sweep is cut. */
export const windowsOf = (users: SweptUsers, requestsPerSecond: number): number =>
  Math.max(
    1,
    Math.min(
      MOST_WINDOWS,
      Math.ceil(requestsPerSecond * WINDOWS_PER_REQUEST),
      Math.floor(pagesOf(users) / LEAST_PAGES_PER_WINDOW),
    ),
  );

/** @returns whether the table tells where to cut: it knows half of the users, and so when they were created. */
export const cutByTable = ({ clerkUsers, liveRows }: SweptUsers): boolean =>
  liveRows >= (clerkUsers ?? 0) / 2;
