import {
  APPROVE_DELETIONS_SIGNAL,
  DELETE_GONE_USERS_WORKFLOW_ID,
  REJECT_DELETIONS_SIGNAL,
} from '../names.js';

const signal = (name: string): string =>
  `temporal workflow signal --workflow-id ${DELETE_GONE_USERS_WORKFLOW_ID} --name ${name}`;

/** What an operator does about deletions that are too many to be made by themselves; a line each. */
export const DECIDE_DELETIONS: readonly string[] = [
  'First look some of them up in Clerk (deletion_candidates names them). If they are really gone, delete their rows with',
  `  ${signal(APPROVE_DELETIONS_SIGNAL)}`,
  'and if they are not, keep the rows with',
  `  ${signal(REJECT_DELETIONS_SIGNAL)}`,
  'If no such workflow is open, clerk-sync reconcile deletes them or waits again.',
];
