export { reconcileUsers } from './reconcile-users.js';
export { syncUser } from './sync-user.js';
