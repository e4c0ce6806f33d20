import { APPROVE_DELETIONS_SIGNAL, type Names, REJECT_DELETIONS_SIGNAL } from '../names.js';

/** @returns what an operator does about deletions that are too many to be made by themselves; a line each. */
export function decideDeletions({ deleteGoneUsersWorkflowId }: Names): string[] {
  const signal = (name: string): string =>
    `temporal workflow signal --workflow-id ${deleteGoneUsersWorkflowId} --name ${name}`;
  return [
    'First look some of them up in Clerk (deletion_candidates names them). If they are really gone, delete their rows with',
    `  ${signal(APPROVE_DELETIONS_SIGNAL)}`,
    'and if they are not, keep the rows with',
    `  ${signal(REJECT_DELETIONS_SIGNAL)}`,
    'If no such workflow is open, clerk-sync reconcile deletes them or waits again.',
  ];
}
