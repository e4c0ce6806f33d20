import type { FieldValues } from '../db/find-drift.js';
import type { Drift, DriftLabel } from '../drift.js';
import { type Names, PLAIN_NAMES } from '../names.js';
import type { ReconcileResult } from '../workflows/reconcile-messages.js';
import { aligned } from './aligned.js';
import { decideDeletions } from './decide-deletions.js';
import { deleteKeptRows } from './delete-kept-rows.js';
import { counted, duration, grouped } from './in-words.js';

const MEANINGS: Record<DriftLabel, string> = {
  missed_create: 'Clerk has the user, the table had no live row',
  missed_update: "the row was not as Clerk's user",
  missed_delete: 'the row was live, Clerk no longer has the user',
  phantom: 'the row was live, Clerk never had the user',
};

const hasDrift = ({ drift }: ReconcileResult): boolean => Object.values(drift).some((count) => count > 0);

/** Live rows more than users in Clerk, null where those were not counted; without the rows that stay whatever Clerk says. */
const surplusOf = ({
  clerkUsers,
  liveRows,
  keptRows = 0,
  foreignRows = 0,
}: ReconcileResult): number | null =>
  clerkUsers === null ? null : liveRows - keptRows - foreignRows - clerkUsers;

/** Whether a plan found nothing to repair, could compare everybody, and counted as many on both sides. */
export const isEqual = (plan: ReconcileResult): boolean =>
  !hasDrift(plan) && plan.failed === 0 && plan.unasked === 0 && surplusOf(plan) === 0;

function equalLines({ keptRows = 0, foreignRows = 0 }: ReconcileResult): string[] {
  const foreign = `${counted(foreignRows, 'row')} with an id that is none of Clerk's`;
  const kept = `${counted(keptRows, 'row')} that an operator kept (rejectDeletions)`;
  const staying = [...(foreignRows > 0 ? [foreign] : []), ...(keptRows > 0 ? [kept] : [])];
  if (staying.length === 0) return ['Clerk and the table are equal.'];
  const equal = `Clerk and the table are equal, but for ${staying.join(', and ')}.`;
  if (keptRows === 0) return [`${equal} No reconcile deletes such rows.`];
  const those = foreignRows > 0 ? 'the kept rows' : 'they';
  return [`${equal} If ${those} are to go after all:`, `  ${deleteKeptRows(keptRows)}`];
}

export interface ReconcileRuns {
  /** What was asked for: to repair, to tell, or to judge. */
  asked: 'apply' | 'plan' | 'validate';
  result: ReconcileResult;
  /** The plan made after an apply. */
  validation?: ReconcileResult;
}

/**
 * @returns 0 when Clerk and the table are equal as far as was asked; 2 when a plan found drift, which is what it was asked
 *   for; else 1: a validation found drift, deletions were withheld, Clerk could not be asked about
 *   some, or users could not be written.
 */
export function exitCodeOf({ asked, result, validation }: ReconcileRuns): number {
  if (asked === 'plan') return isEqual(result) ? 0 : 2;
  if (asked === 'validate') return isEqual(result) ? 0 : 1;
  const left = result.withheld > 0 || result.unasked > 0 || result.failed > 0;
  return left || (validation !== undefined && !isEqual(validation)) ? 1 : 0;
}

/** What an apply did: its summary, the repairs by label, and what it left for a person. */
export function applyReport(result: ReconcileResult, names: Names = PLAIN_NAMES): string[] {
  return [
    result.summary,
    ...driftTable(result.drift),
    ...(result.withheld > 0
      ? ['', `Deletions withheld, for they are too many to be made without you: ${grouped(result.withheld)}.`]
      : []),
    ...(result.withheld > 0 ? decideDeletions(names) : []),
    ...failedLine(result),
  ];
}

/** What a validation found. */
export function validationReport(result: ReconcileResult, nowMs: number): string[] {
  if (isEqual(result)) return equalLines(result);
  return [
    'Clerk and the table differ:',
    ...driftTable(result.drift),
    ...differences(result, nowMs),
    ...countsLine(result),
    ...failedLine(result),
    '',
    'A change of the last seconds may be on its way: look again with `clerk-sync reconcile --validate`.',
  ];
}

/** What a plan found. @param values of the examples, by user, where they were asked for. */
export function planReport(
  result: ReconcileResult,
  nowMs: number,
  values?: ReadonlyMap<string, readonly FieldValues[]>,
): string[] {
  return [
    result.summary,
    ...driftTable(result.drift),
    ...differences(result, nowMs, values),
    ...countsLine(result),
    ...failedLine(result),
    ...(isEqual(result) ? ['', ...equalLines(result)] : []),
    ...(hasDrift(result)
      ? [
          '',
          'Nothing was written. Repair it with `clerk-sync reconcile`; deletions that wait for an operator stay.',
        ]
      : []),
  ];
}

function driftTable(drift: Record<DriftLabel, number>): string[] {
  const rows = (Object.keys(MEANINGS) as DriftLabel[])
    .filter((label) => drift[label] > 0)
    .map((label) => [`  ${label}`, grouped(drift[label]), MEANINGS[label]]);
  return rows.length === 0 ? [] : ['', ...aligned(rows)];
}

function differences(
  { fields = {}, examples = [], drift }: ReconcileResult,
  nowMs: number,
  values?: ReadonlyMap<string, readonly FieldValues[]>,
): string[] {
  const byCount = Object.entries(fields).sort(([, a], [, b]) => b - a);
  const all = Object.values(drift).reduce((sum, count) => sum + count, 0);
  const heads = aligned(examples.map((example) => exampleRow(example, nowMs)));
  return [
    ...(byCount.length === 0 ? [] : ['', 'Fields that differ:']),
    ...aligned(byCount.map(([field, count]) => [`  ${field}`, grouped(count)])),
    ...(examples.length === 0 ? [] : ['', examples.length < all ? 'Some of them:' : 'They are:']),
    ...examples.flatMap(({ clerkUserId }, place) => [
      heads[place] ?? '',
      ...(values?.get(clerkUserId) ?? []).map(valueLine),
    ]),
  ];
}

const exampleRow = ({ clerkUserId, label, fields, sinceMs }: Drift, nowMs: number): string[] => [
  `  ${clerkUserId}`,
  label,
  sinceMs === null ? '' : `for ${duration(nowMs - sinceMs)}`,
  fields.join(', '),
];

const valueLine = ({ field, stored, incoming }: FieldValues): string =>
  `    ${field}: ${printable(stored)} -> ${printable(incoming)}`;

/** Whoever signs up chooses the name; none may move the cursor or turn the line round. */
const printable = (value: unknown): string =>
  JSON.stringify(value ?? null).replace(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Where other differences were found they explain the counts. */
const countsLine = (result: ReconcileResult): string[] =>
  hasDrift(result) || surplusOf(result) === 0
    ? []
    : [
        '',
        `Clerk has ${result.clerkUsers === null ? 'not counted its' : grouped(result.clerkUsers)} users, the table ${grouped(result.liveRows)} live rows${result.keptRows ? `, ${grouped(result.keptRows)} of which an operator keeps` : ''}${result.foreignRows ? `, ${grouped(result.foreignRows)} with an id that is none of Clerk's` : ''}. Left out are rows seen less than RECONCILE_DELETION_GRACE_SECONDS ago, rows with an id that is none of Clerk's which no sweep has seen yet, and users that Postgres refuses (clerk-sync status).`,
      ];

const failedLine = ({ failed }: ReconcileResult): string[] =>
  failed === 0
    ? []
    : ['', `Users that could not be compared or written: ${grouped(failed)}. See \`clerk-sync status\`.`];
