import type { ClerkApi } from '../clerk/clerk-api.js';
import type { Database } from '../db/database.js';
import type { DeletionMode } from '../db/tombstones-to-erase.js';
import type { UserHooks } from '../user-hooks.js';
import type { UserMapping } from '../user-mapping.js';

/** What the worker hands to its activities. */
export interface ActivityDependencies {
  db: Database;
  clerk: ClerkApi;
  /** What the application wants to hear of its users; without it, this worker runs no hook. */
  hooks?: UserHooks;
  /** Whether `private_metadata` is stored. */
  keepPrivateMetadata: boolean;
  /** What fills columns of the application's. */
  mapping?: UserMapping | undefined;
  deletion: {
    mode: DeletionMode;
    /** How long a deleted user's row is left as it was before it is erased. */
    holdbackMs: number;
  };
  /** Entries of `user_changes` older than so many days are removed; 0, the default: none. */
  userChangesRetentionDays?: number | undefined;
  reconcile: {
    /** Users a page, at most 500. */
    pageSize: number;
    /** How many pages a run reads by itself; the windows of a larger sweep are workflows of their own. Default 400. */
    pagesPerRun?: number | undefined;
    /** How many requests an activity makes, one after the other; by default so many as the rate allows. */
    pagesPerTask?: number | undefined;
    /** Time between two reconciles. */
    intervalMs: number;
    /** The share of Clerk's rate limit that reconciling may use. */
    requestsPerSecond: number;
    /** The part of what a tick may ask at that rate which a full sweep may take; 0 to 1. */
    tickShare: number;
    /** The part of the live rows that reconciles may delete without an operator in 24 hours; 0 to 1. */
    mostDeletedShare: number;
    /** A row seen this recently is not looked for: Clerk's lists may lag behind its events. */
    deletionGraceMs: number;
  };
}
