/** @returns the column of a Prisma field of this service's models. */
export const columnOf = (field: string): string =>
  field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** @returns the items of a SELECT that read columns under the names that Prisma gives their fields. */
export const selectFields = (fields: Record<string, string>): string[] =>
  Object.values(fields).map((field) => `${columnOf(field)} AS "${field}"`);
