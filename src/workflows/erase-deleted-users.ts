import { continueAsNew, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { inPostgres } from './reconcile-activities.js';

export interface ErasedUsers {
  erased: number;
  /** Rows that Postgres refuses to change; each has a row in `sync_failures`. */
  refused: number;
}

/**
 * Erases deleted users until none is left whose time has come. The end of a reconcile starts it where there are any; it
 * runs beside the reconciles, and holds none of them up.
 */
export async function eraseDeletedUsers(
  { erased, refused }: ErasedUsers = { erased: 0, refused: 0 },
): Promise<ErasedUsers> {
  for (;;) {
    const step = await inPostgres.eraseOverdue();
    erased += step.erased;
    refused += step.refused;
    setCurrentDetails(`${erased} deleted users erased, ${refused} refused by Postgres (see sync_failures).`);
    if (!step.more) return { erased, refused };
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof eraseDeletedUsers>({ erased, refused });
  }
}
