import type { UserJSON } from '@clerk/backend';
import { CONTENT_FIELDS, LIST_FIELDS, METADATA_FIELDS } from './content-fields.js';
import { failure } from './failures.js';
import { MAPPED_TYPES, type MappableValue, toMappedValue } from './mapped-value.js';
import type { JsonObject, MappedColumn, MappedType, MappedValues } from './user-change.js';

/**
 * What a mapping sees of a user: Clerk's words as the Backend API has them, but for what moves by itself or is told by
 * webhooks only (`updated_at`, `last_sign_in_at`, `last_active_at`, `locked` and the like, `scim`). Every field is there:
 * lists and metadata empty when there is nothing, everything else null. `private_metadata` is empty unless
 * STORE_PRIVATE_METADATA is true.
 */
export type MappableUser = Pick<UserJSON, Extract<keyof UserJSON, (typeof CONTENT_FIELDS)[number] | 'id'>>;

/** How one column is filled. */
export interface ColumnMapping {
  /** The column's type in Postgres. */
  type: MappedType;
  /**
   * Reads the value out of a user: at once, from nothing else, and leaving the user as it is. null and undefined empty the
   * column. A value of another type, and an error, make this user fail with MAPPING_FAILED.
   */
  from(user: MappableUser): unknown;
}

/** Made by {@link defineUserMapping}. Its type names the columns, so that rows that are read with it have them. */
export interface UserMapping<Column extends MappedColumn = MappedColumn> {
  readonly columns: readonly Column[];
  /** @throws MAPPING_FAILED (not retried), which names the column and never a value. */
  valuesOf(user: JsonObject): MappedValues;
}

type ColumnsOf<Columns extends Record<string, ColumnMapping>> = {
  [Name in keyof Columns & string]: { name: Name; type: Columns[Name]['type'] };
}[keyof Columns & string];

/** Refuses a function whose result is known to be of another type than the column; `unknown`, as of metadata, is looked at when it runs. */
type Fitting<Column> = Column extends { type: infer Type extends MappedType; from(user: never): infer Value }
  ? NonNullable<unknown> extends Value
    ? unknown
    : Value extends MappableValue[Type] | null | undefined
      ? unknown
      : { from(user: MappableUser): MappableValue[Type] | null | undefined }
  : unknown;

/** Begins with a letter, as none of the names does that our statements use beside the columns. */
const NAME = /^[a-z][a-z0-9_]{0,49}$/;

/** Columns of `users` that this service fills itself. */
const OWN_COLUMNS: ReadonlySet<string> = new Set([
  ...[
    'clerk_id',
    'email',
    'email_verified',
    'email_withheld',
    'phone',
    'username',
    'first_name',
    'last_name',
  ],
  ...['name', 'avatar_url', 'external_id', 'banned', 'locked', 'deprovisioned', 'public_metadata', 'raw'],
  ...[
    'last_sign_in_at',
    'clerk_created_at',
    'clerk_updated_at',
    'observed_at',
    'observed_via',
    'content_hash',
  ],
  ...[
    'synced_at',
    'synced_by',
    'last_outcome',
    'last_changed_fields',
    'revision',
    'deleted_at',
    'restored_at',
  ],
]);

/**
 * Says how columns that the application added to `users` are filled from Clerk's data. Whatever writes (worker, starter,
 * the application by sign-in) must have the same mapping. It is part of what is compared: after a change of it the next
 * sweep repairs all rows. A column taken out of it is left as it is.
 *
 * @param columns by their names in Postgres: lower-case letters, digits and _, at most 50, beginning with a letter.
 * @throws TypeError that lists every problem at once.
 */
export function defineUserMapping<const Columns extends Record<string, ColumnMapping>>(
  columns: Columns & { [Name in keyof Columns]: Fitting<Columns[Name]> },
): UserMapping<ColumnsOf<Columns>> {
  const given = Object.entries<ColumnMapping>(columns).sort(([a], [b]) => (a < b ? -1 : 1));
  const problems = given.flatMap(([name, column]) => problemsWith(name, column));
  if (given.length === 0) problems.push('it names no column');
  if (problems.length > 0)
    throw new TypeError(
      `defineUserMapping cannot use this mapping:\n${problems.map((text) => `  - ${text}`).join('\n')}`,
    );
  const readers = given.map(([name, { type, from }]) => ({ name, type, from }));
  const described = Object.freeze(
    readers.map(({ name, type }) => Object.freeze({ name, type }) as ColumnsOf<Columns>),
  );
  return Object.freeze({
    columns: described,
    valuesOf(user: JsonObject): MappedValues {
      const visible = visibleOf(user);
      return {
        columns: described,
        values: readers.map(({ name, type, from }) => {
          let mapped: ReturnType<typeof toMappedValue>;
          try {
            // Reading the value may throw as well: a getter does, and so does JSON that contains itself.
            mapped = toMappedValue(type, from(visible));
          } catch (error) {
            throw failure(
              'MAPPING_FAILED',
              `Column ${name}: its function threw ${error instanceof Error ? error.name : typeof error}.`,
            );
          }
          if ('problem' in mapped) throw failure('MAPPING_FAILED', `Column ${name}: ${mapped.problem}.`);
          return mapped.value;
        }),
      };
    },
  });
}

function problemsWith(name: string, column: Partial<ColumnMapping> | null | undefined): string[] {
  const problems: string[] = [];
  if (!NAME.test(name))
    problems.push(
      `${JSON.stringify(name)} is no column that can be mapped: lower-case letters, digits and _, at most 50, beginning with a letter`,
    );
  else if (OWN_COLUMNS.has(name)) problems.push(`${name} is a column that this service fills itself`);
  if (!MAPPED_TYPES.some((type) => type === column?.type))
    problems.push(`${name}: its type must be one of ${MAPPED_TYPES.join(', ')}`);
  if (typeof column?.from !== 'function') problems.push(`${name}: its from must be a function of the user`);
  return problems;
}

/** A webhook and the API leave out different things of one user, and a mapping must not see a difference. */
function visibleOf(user: JsonObject): MappableUser {
  const visible: JsonObject = { id: user.id ?? null };
  for (const field of CONTENT_FIELDS)
    visible[field] = user[field] ?? (METADATA_FIELDS.has(field) ? {} : LIST_FIELDS.has(field) ? [] : null);
  return visible as unknown as MappableUser;
}
