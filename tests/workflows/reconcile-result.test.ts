import { describe, expect, test } from '@jest/globals';
import type { Drift } from '../../src/drift.js';
import { noPlanned } from '../../src/planned.js';
import { noTotals, type ReconcileTotals } from '../../src/reconcile-totals.js';
import { reconcileResult } from '../../src/workflows/reconcile-result.js';
import type { ReconcileRun } from '../../src/workflows/reconcile-run.js';

const MADE = {
  mode: 'apply',
  kind: 'sweep',
  windows: 1,
  notes: [],
  problems: [],
  counts: { clerkUsers: 9, liveRows: 8 },
};

/** What a run knows at its end; a real one can only be made within a workflow. */
function resultOf(
  totals: Partial<ReconcileTotals>,
  run: Partial<Pick<ReconcileRun, 'mode' | 'kind' | 'notes' | 'problems' | 'counts'>> = {},
  found: Partial<Parameters<typeof reconcileResult>[1]> = {},
) {
  const ended = { ...MADE, ...run, totals: { ...noTotals(), ...totals } } as ReconcileRun;
  return reconcileResult(ended, { planned: noPlanned(), gone: [], webhooks: undefined, ...found });
}

describe('the summary', () => {
  test('says that nothing differed', () => {
    expect(resultOf({ seen: 120, clerkRequests: 3 }).summary).toBe(
      'Sweep of 120 users: no difference; 3 requests to Clerk.',
    );
  });

  test('counts what was repaired, by the kind of drift', () => {
    const totals = {
      seen: 5,
      created: 2,
      restored: 1,
      updated: 4,
      deleted: 3,
      phantoms: 1,
      clerkRequests: 7,
    };
    const result = resultOf(totals, { kind: 'delta' });
    expect(result.drift).toEqual({ missed_create: 3, missed_update: 4, missed_delete: 2, phantom: 1 });
    expect(result.summary).toBe(
      'Delta of 5 users: 3 missed_create, 4 missed_update, 2 missed_delete, 1 phantom repaired; 7 requests to Clerk.',
    );
  });

  test('of a plan says what is to be repaired', () => {
    expect(resultOf({ seen: 5, updated: 1, clerkRequests: 1 }, { mode: 'plan' }).summary).toBe(
      'Sweep of 5 users: 1 missed_update to repair; 1 requests to Clerk.',
    );
  });

  test('says what Clerk failed over, and so does the result by itself', () => {
    const uncounted = "Clerk's users could not be counted: status 500.";
    const counts = { clerkUsers: null, liveRows: 8, uncounted };
    const result = resultOf({ seen: 5 }, { problems: [uncounted], counts });
    expect(result.summary).toBe(`Sweep of 5 users: no difference; 0 requests to Clerk. ${uncounted}`);
    expect(result).toMatchObject({ problems: [uncounted], clerkUsers: null, liveRows: 8 });
    expect(Object.keys(result)).not.toContain('uncounted');
  });

  test('names those who could not be written, and every note, without its markup', () => {
    const notes = ['**12 deletions withheld**: see `delete-gone-users`.', 'Another note.'];
    expect(resultOf({ failed: 2 }, { notes }).summary).toBe(
      'Sweep of 0 users: no difference; 0 requests to Clerk. 2 could not be written, see sync_failures. 12 deletions withheld: see delete-gone-users. Another note.',
    );
  });
});

test('a run that read nothing was a delta', () => {
  expect(resultOf({}, { kind: null }).kind).toBe('delta');
});

test('the result has the totals, the counts of both sides and what webhooks are like', () => {
  expect(resultOf({ seen: 5, pages: 2 }, {}, { webhooks: 'lossy' })).toMatchObject({
    kind: 'sweep',
    mode: 'apply',
    seen: 5,
    pages: 2,
    windows: 1,
    clerkUsers: 9,
    liveRows: 8,
    webhooks: 'lossy',
  });
});

describe('fields and examples', () => {
  const drift = (clerkUserId: string): Drift => ({
    clerkUserId,
    label: 'missed_delete',
    fields: [],
    sinceMs: null,
  });
  const many = (name: string, count: number) =>
    Array.from({ length: count }, (_, n) => drift(`${name}_${n}`));

  test('are of a plan only, the gone behind the others and a hundred in all', () => {
    const planned = { ...noPlanned(), fields: { email: 7 }, examples: many('listed', 60) };
    const result = resultOf({}, { mode: 'plan' }, { planned, gone: many('gone', 60) });
    expect(result.fields).toEqual({ email: 7 });
    expect(result.examples).toEqual([...many('listed', 60), ...many('gone', 40)]);
  });

  test('are not of a run that repairs', () => {
    const result = resultOf({}, {}, { gone: many('gone', 1) });
    expect(Object.keys(result)).not.toEqual(expect.arrayContaining(['fields']));
    expect(Object.keys(result)).not.toEqual(expect.arrayContaining(['examples']));
  });
});
