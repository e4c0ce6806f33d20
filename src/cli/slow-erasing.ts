import type { SyncStatus } from '../db/read-status.js';
import type { Names } from '../names.js';
import { counted } from './in-words.js';

/** @returns what a person has to do where deleted users are to be erased and none was within an hour; else nothing. */
export function slowErasing({ erasing }: SyncStatus, names: Names): string[] {
  if (!erasing?.anHourBefore || erasing.toErase < erasing.anHourBefore) return [];
  return [
    `${counted(erasing.toErase, 'deleted user')} should have been anonymised or removed (DELETION_MODE), and no fewer than an hour before. The Web UI shows what the workflow ${names.eraseDeletedUsersWorkflowId} waits for; every reconcile starts it where it is not open, so if it is not, see the worker's log.`,
  ];
}
