import { describe, expect, test } from '@jest/globals';
import {
  type ClerkSyncConfig,
  defineClerkSync,
  defineUserHooks,
  defineUserMapping,
  getSyncedUser,
  type JsonValue,
  type SignInDependencies,
  syncUserWithDatabase,
  type UserHooks,
  type UserMapping,
  type UserRow,
} from '../src/index.js';
import { setSyncedUser } from '../src/sign-in/get-synced-user.js';

/** Compiles only where both are one and the same type. */
const same = <A, B>(
  _same: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false,
) => undefined;

const mapping = defineUserMapping({
  plan: { type: 'text', from: (user) => user.public_metadata.plan },
  seats: { type: 'integer', from: (user) => user.public_metadata.seats },
  credit: { type: 'bigint', from: (user) => user.public_metadata.credit },
  share: { type: 'numeric', from: (user) => user.public_metadata.share },
  wants_mail: { type: 'boolean', from: (user) => user.public_metadata.wantsMail },
  joined_at: { type: 'timestamptz', from: (user) => user.created_at },
  tags: { type: 'jsonb', from: (user) => user.public_metadata.tags },
});
type Row = UserRow<typeof mapping>;
type Mapped = Pick<Row, Exclude<keyof Row, keyof UserRow>>;

describe('by its type, the row has', () => {
  test('of a mapping each column, in the type of its values, or null', () => {
    same<
      Mapped,
      {
        plan: string | null;
        seats: number | null;
        credit: string | null;
        share: string | null;
        wants_mail: boolean | null;
        joined_at: Date | null;
        tags: JsonValue;
      }
    >(true);
    same<Row['email'], string | null>(true);
  });

  test('without one, or with one that nobody knows the columns of, ours and no others', () => {
    same<UserRow<undefined>, UserRow>(true);
    same<UserRow<UserMapping>, UserRow>(true);
    same<UserRow<UserMapping | undefined>, UserRow>(true);
    // @ts-expect-error not ours
    same<UserRow['plan'], string | null>(true);
  });

  test('at sign-in the columns of the mapping that was handed in', () => {
    const deps = {} as Pick<SignInDependencies, 'db' | 'clerk'>;
    const withIt = () => syncUserWithDatabase('user_1', { ...deps, mapping });
    const without = () => syncUserWithDatabase('user_1', deps);
    const perhaps = (options: SignInDependencies) => syncUserWithDatabase('user_1', options);
    same<Awaited<ReturnType<typeof withIt>>['row'], Row | null>(true);
    same<Awaited<ReturnType<typeof without>>['row'], UserRow | null>(true);
    same<Awaited<ReturnType<typeof perhaps>>['row'], UserRow | null>(true);
  });

  test('of a request those of the mapping that is named', () => {
    const request = {};
    setSyncedUser(request, null);
    const [row, plain] = [getSyncedUser<typeof mapping>(request), getSyncedUser(request)];
    same<typeof row, Row | null>(true);
    same<typeof plain, UserRow | null>(true);
    expect([row, plain]).toEqual([null, null]);
  });
});

describe('in one configuration', () => {
  test('hooks have the columns of its mapping, and so has whoever names config.mapping', () => {
    const config = defineClerkSync({
      mapping: defineUserMapping({ plan: { type: 'text', from: (user) => user.public_metadata.plan } }),
      hooks: {
        onUserCreated({ user }) {
          same<NonNullable<typeof user>['plan'], string | null>(true);
          // @ts-expect-error not mapped
          user?.seats;
        },
      },
    });
    same<UserRow<typeof config.mapping>['plan'], string | null>(true);
    const asBefore: ClerkSyncConfig = config;
    expect(asBefore.mapping?.columns).toEqual([{ name: 'plan', type: 'text' }]);
  });

  test('hooks that need a column go with the mapping that has it, and others with any', () => {
    const needing = defineUserHooks<typeof mapping>({ onUserCreated: ({ user }) => void user?.plan });
    const plain: UserHooks = defineUserHooks({ onUserCreated: ({ user }) => void user?.email });
    expect(Object.keys(defineClerkSync({ mapping, hooks: needing }))).toEqual(['mapping', 'hooks']);
    defineClerkSync({ mapping, hooks: plain });
    // @ts-expect-error without the mapping
    defineClerkSync({ hooks: needing });
    const other = defineUserMapping({ tier: { type: 'text', from: () => null } });
    // @ts-expect-error another one
    defineClerkSync({ mapping: other, hooks: needing });
  });
});
