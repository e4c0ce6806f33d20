import { workflowInfo } from '@temporalio/workflow';
import { type Names, namesBeside } from '../names.js';

/** @returns the names of the service that this workflow runs in. Call it while one runs, not while its file is loaded. */
export const ownNames = (): Names => namesBeside(workflowInfo().taskQueue);
