/** Every table of this service, as prisma/schema.prisma maps them. */
export const TABLES = [
  'users',
  'user_changes',
  'sync_failures',
  'reconcile_runs',
  'deletion_candidates',
  'user_tombstones',
  'synced_instance',
  'hooks_switch',
  'pending_hooks',
] as const;
