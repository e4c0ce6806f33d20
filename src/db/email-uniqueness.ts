/**
 * `none`: nobody yields, and the later one is rejected. `take-over`: who is being written gets it. `null-older`: who was
 * created later at Clerk keeps it. `quarantine`: who has it keeps it, and the other is named in `sync_failures`.
 */
export type EmailUniqueness = 'none' | 'take-over' | 'null-older' | 'quarantine';
