export { deleteGoneUsers } from './delete-gone-users.js';
export { reconcileUsers } from './reconcile-users.js';
export { sweepWindow } from './sweep-window.js';
export { syncUser } from './sync-user.js';
