export { deleteGoneUsers } from './delete-gone-users.js';
export { dispatchUserHooks } from './dispatch-user-hooks.js';
export { eraseDeletedUsers } from './erase-deleted-users.js';
export { pruneUserChanges } from './prune-user-changes.js';
export { reconcileUsers } from './reconcile-users.js';
export { runUserHooks } from './run-user-hooks.js';
export { sweepWindow } from './sweep-window.js';
export { syncUser } from './sync-user.js';
