/** @returns the command that deletes rows which `rejectDeletions` kept. @param rows all whose users are gone, kept or not. */
export const deleteKeptRows = (rows: number): string => `clerk-sync reconcile --most-deletions ${rows}`;
