import { describe, expect, test } from '@jest/globals';
import {
  applyReport,
  exitCodeOf,
  planReport,
  type ReconcileRuns,
  validationReport,
} from '../../src/cli/reconcile-report.js';
import type { Drift, DriftLabel } from '../../src/drift.js';
import { noTotals } from '../../src/reconcile-totals.js';
import type { ReconcileResult } from '../../src/workflows/reconcile-messages.js';

const NOW_MS = 1_750_000_000_000;

function result(
  drift: Partial<Record<DriftLabel, number>> = {},
  given: Partial<ReconcileResult> = {},
): ReconcileResult {
  return {
    ...noTotals(),
    kind: 'sweep',
    mode: 'apply',
    summary: 'Sweep of 2003 users.',
    drift: { missed_create: 0, missed_update: 0, missed_delete: 0, phantom: 0, ...drift },
    problems: [],
    windows: 1,
    clerkUsers: 2_003,
    liveRows: 2_003,
    ...given,
  };
}

const equal = result();
const drifted = result({ missed_update: 1 });
/** 64 rows that an operator keeps. */
const keeping = result({}, { liveRows: 2_067, keptRows: 64 });
/** Two rows that somebody made by hand. */
const foreign = result({}, { liveRows: 2_005, foreignRows: 2 });

describe('the exit code', () => {
  test.each<[number, string, ReconcileRuns]>([
    [0, 'an apply that was validated', { asked: 'apply', result: drifted, validation: equal }],
    [0, 'an apply that was not to be validated', { asked: 'apply', result: drifted }],
    [1, 'an apply after which something differs', { asked: 'apply', result: equal, validation: drifted }],
    [1, 'rows that Clerk could not be asked about', { asked: 'apply', result: result({}, { unasked: 1 }) }],
    [1, 'withheld deletions', { asked: 'apply', result: result({}, { withheld: 1 }), validation: equal }],
    [1, 'users who could not be written', { asked: 'apply', result: result({}, { failed: 1 }) }],
    [0, 'a plan that finds nothing', { asked: 'plan', result: equal }],
    [2, 'a plan that finds drift', { asked: 'plan', result: drifted }],
    [2, 'a plan that could not compare everybody', { asked: 'plan', result: result({}, { failed: 1 }) }],
    [0, 'a validation that finds nothing', { asked: 'validate', result: equal }],
    [
      0,
      'counts that differ by the rows that an operator keeps',
      { asked: 'apply', result: equal, validation: keeping },
    ],
    [
      0,
      "counts that differ by rows whose id is none of Clerk's",
      { asked: 'apply', result: equal, validation: foreign },
    ],
    [1, 'more rows than have such an id', { asked: 'validate', result: { ...foreign, liveRows: 2_006 } }],
    [1, 'more rows than an operator keeps', { asked: 'validate', result: { ...keeping, liveRows: 2_068 } }],
    [1, 'counts that differ', { asked: 'validate', result: result({}, { liveRows: 2_004 }) }],
    [1, 'a validation that finds drift', { asked: 'validate', result: result({ phantom: 1 }) }],
  ])('is %i for %s', (code, _, runs) => {
    expect(exitCodeOf(runs)).toBe(code);
  });
});

test('an apply tells its summary and what it repaired, by label, in a table', () => {
  expect(applyReport(result({ missed_create: 1_200, phantom: 3 }))).toEqual([
    'Sweep of 2003 users.',
    '',
    '  missed_create  1,200  Clerk has the user, the table had no live row',
    '  phantom        3      the row was live, Clerk never had the user',
  ]);
});

test('withheld deletions come with the commands that decide', () => {
  const text = applyReport(result({}, { withheld: 40 })).join('\n');
  expect(text).toContain('Deletions withheld, for they are too many to be made without you: 40.');
  expect(text).toContain('--workflow-id delete-gone-users --name approveDeletions');
  expect(text).toContain('--workflow-id delete-gone-users --name rejectDeletions');
});

const EXAMPLES: Drift[] = [
  {
    clerkUserId: 'user_1',
    label: 'missed_update',
    fields: ['email', 'name'],
    sinceMs: NOW_MS - 3 * 60_000,
  },
  { clerkUserId: 'user_22', label: 'missed_delete', fields: [], sinceMs: null },
];

test('a plan tells counts, fields and examples with their age, and that nothing was written', () => {
  const plan = result(
    { missed_update: 7, missed_delete: 1 },
    { fields: { name: 2, email: 7 }, examples: EXAMPLES },
  );
  expect(planReport(plan, NOW_MS)).toEqual([
    'Sweep of 2003 users.',
    '',
    "  missed_update  7  the row was not as Clerk's user",
    '  missed_delete  1  the row was live, Clerk no longer has the user',
    '',
    'Fields that differ:',
    '  email  7',
    '  name   2',
    '',
    'Some of them:',
    '  user_1   missed_update  for 3 min  email, name',
    '  user_22  missed_delete',
    '',
    'Nothing was written. Repair it with `clerk-sync reconcile`; deletions that wait for an operator stay.',
  ]);
});

test('a plan that finds nothing says that both are equal', () => {
  expect(planReport(equal, NOW_MS)).toEqual(['Sweep of 2003 users.', '', 'Clerk and the table are equal.']);
});

test('values stand under their user, stored first, and none can play tricks on the terminal', () => {
  const values = new Map([
    [
      'user_1',
      [
        { field: 'email', stored: null, incoming: 'a@example.com' },
        { field: 'name', stored: 'Old', incoming: 'A\u001b[2J\u202eB\u009bC' },
      ],
    ],
  ]);
  const lines = planReport(
    result({ missed_update: 1, missed_delete: 1 }, { examples: EXAMPLES }),
    NOW_MS,
    values,
  );
  expect(lines.slice(5, 10)).toEqual([
    'They are:',
    '  user_1   missed_update  for 3 min  email, name',
    '    email: null -> "a@example.com"',
    '    name: "Old" -> "A\\u001b[2J\\u202eB\\u009bC"',
    '  user_22  missed_delete',
  ]);
});

test('a validation says that both are equal, or how they differ', () => {
  expect(validationReport(equal, NOW_MS)).toEqual(['Clerk and the table are equal.']);
  const lines = validationReport(result({ missed_update: 1 }, { examples: EXAMPLES.slice(0, 1) }), NOW_MS);
  expect(lines[0]).toBe('Clerk and the table differ:');
  expect(lines).toContain('  user_1  missed_update  for 3 min  email, name');
  expect(lines.at(-1)).toContain('clerk-sync reconcile --validate');
});

test('counts that differ keep both from being called equal, with a reason why nothing else was found', () => {
  const uneven = result({}, { liveRows: 2_004 });
  const words = expect.stringMatching(/^Clerk has 2,003 users, the table 2,004 live rows\. .*GRACE_SECONDS/);
  expect(validationReport(uneven, NOW_MS)).toContainEqual(words);
  expect(planReport(uneven, NOW_MS)).toEqual(['Sweep of 2003 users.', '', words]);
  expect(planReport(result({ missed_delete: 1 }, { liveRows: 2_004 }), NOW_MS)).not.toContainEqual(words);
});

test('rows that an operator keeps are told with the command that deletes them, and are no difference', () => {
  const lines = [
    'Clerk and the table are equal, but for 64 rows that an operator kept (rejectDeletions). If they are to go after all:',
    '  clerk-sync reconcile --most-deletions 64',
  ];
  expect(validationReport(keeping, NOW_MS)).toEqual(lines);
  expect(planReport(keeping, NOW_MS)).toEqual(['Sweep of 2003 users.', '', ...lines]);
  expect(validationReport({ ...keeping, liveRows: 2_068 }, NOW_MS).join()).toContain(
    'the table 2,068 live rows, 64 of which an operator keeps.',
  );
});

test("rows whose id is none of Clerk's are told, and are no difference", () => {
  const line =
    "Clerk and the table are equal, but for 2 rows with an id that is none of Clerk's. No reconcile deletes such rows.";
  expect(validationReport(foreign, NOW_MS)).toEqual([line]);
  expect(planReport(foreign, NOW_MS)).toEqual(['Sweep of 2003 users.', '', line]);
  expect(validationReport({ ...keeping, liveRows: 2_069, foreignRows: 2 }, NOW_MS)).toEqual([
    "Clerk and the table are equal, but for 2 rows with an id that is none of Clerk's, and 64 rows that an operator kept (rejectDeletions). If the kept rows are to go after all:",
    '  clerk-sync reconcile --most-deletions 64',
  ]);
  expect(validationReport({ ...foreign, liveRows: 2_006 }, NOW_MS).join()).toContain(
    "the table 2,006 live rows, 2 with an id that is none of Clerk's.",
  );
});

test('whoever could not be compared keeps both from being called equal', () => {
  expect(validationReport(result({}, { failed: 2 }), NOW_MS)).toContain(
    'Users that could not be compared or written: 2. See `clerk-sync status`.',
  );
});
