import { failure } from '../failures.js';

/**
 * What runs of `reconcileUsers` ask for that were begun before sweeps were split into windows (workflows/before-windows.ts).
 * Such a run ends as failed, and not as a completed sweep that it is not; the next tick does its work.
 */
const outdated = async (): Promise<never> => {
  throw failure('RUN_OUTDATED', '');
};

export const planReconcile = outdated;
export const sweepPage = outdated;
export const settleGoneUsers = outdated;
