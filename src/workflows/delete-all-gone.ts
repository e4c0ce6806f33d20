import type { DeletedUsers, DeleteStep } from '../activities/delete-gone.js';
import { inPostgres } from './reconcile-activities.js';

/**
 * Deletes those who are gone, step by step.
 *
 * @param beforeStep waits as long as somebody wants it to pause.
 */
export async function deleteAllGone(
  selection: Omit<DeleteStep, 'after'>,
  onDeleted: (deleted: Omit<DeletedUsers, 'after'>) => void,
  beforeStep?: () => Promise<void>,
): Promise<void> {
  for (let after: string | null = null; ; ) {
    await beforeStep?.();
    const { after: next, ...deleted }: DeletedUsers = await inPostgres.deleteGone({ ...selection, after });
    onDeleted(deleted);
    if (next === null) return;
    after = next;
  }
}
