/**
 * How a worker takes workflow tasks.
 *
 * A run's next task goes to the worker that has the run in memory, by that worker's own (sticky) queue. Where it is not
 * taken there within 5 s, or that worker has ended, it goes by the task queue that all workers share. By default 2 of 10
 * pollers serve the shared one; while workers were restarted on a busy machine, tasks waited there for up to 50 s.
 *
 * By default a worker also takes 40 tasks at a time, which one thread does one after the other, each within 10 s from when
 * it was taken. On a busy machine the last ones were done too late, in vain, and handed out again. What is not taken waits
 * in Temporal for whichever worker is free.
 */
export const WORKFLOW_TASKS = {
  maxConcurrentWorkflowTaskPolls: 16,
  nonStickyToStickyPollRatio: 0.5,
  /** A poller that waits counts: 8 that find nothing in one queue leave 16 to the other. */
  maxConcurrentWorkflowTaskExecutions: 24,
} as const;
