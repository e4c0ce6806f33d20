import { describe, expect, test } from '@jest/globals';
import { workflowTaskFailure } from '../../src/worker/workflow-task-failure.js';

/** As Temporal's core renders a failure in its log. */
const rendered = (message: string, stackTrace = '') =>
  `Failure { failure: Some(Failure { message: ${JSON.stringify(message)}, source: "TypeScriptSDK", stack_trace: ${JSON.stringify(stackTrace)}, encoded_attributes: None, cause: None, failure_info: None }), force_cause: Unspecified }`;

describe("the reason of a workflow task's failure", () => {
  test.each([
    'Script execution timed out after 5000ms',
    "Cannot read properties of undefined (reading 'kind')",
    'No such function "x" in C:\\bundle',
  ])('is its message: %s', (message) => {
    expect(workflowTaskFailure(rendered(message, `Error: ${message}\n    at main`))).toBe(message);
  });

  test('quotes nothing that could not be parsed', () => {
    const message = `Unexpected token 'a', "ada@example.com" is not valid JSON`;
    expect(workflowTaskFailure(rendered(message))).toBe(
      'Something in the history could not be read as JSON.',
    );
  });

  test('says so when there is none', () => {
    expect(workflowTaskFailure('Failure { failure: None }')).toBe('No message.');
  });
});
