/**
 * A worker's option: workflow code may take as long as it takes. The value is the largest that Node accepts, 49 days.
 *
 * The SDK's default is 5 s by the clock. They are over when a process goes on after it was frozen (a laptop asleep, a
 * paused machine, a throttled container). Node then ends the script in the middle, which corrupts the thread that runs
 * all workflows, and often ends the process (`async hook stack has become corrupted`).
 *
 * @remarks The limit would also stop a workflow that loops without end. Ours only decide and then wait; code of an
 *   application runs in activities. Such a loop shows as WorkflowTaskTimedOut in the history.
 *
 *   The SDK takes this option, but its types do not show it; a test compares.
 */
export const WITHOUT_EXECUTION_LIMIT: object = { isolateExecutionTimeout: 4_294_967_295 };
