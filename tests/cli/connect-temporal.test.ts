import { expect, test } from '@jest/globals';
import { boundedBackoff } from '../../src/cli/connect-temporal.js';

test('a client waits at most 3 s before it connects anew, and keeps its other options', () => {
  expect(boundedBackoff({ address: 'x:1', channelArgs: { 'grpc.keepalive_time_ms': 5 } })).toEqual({
    address: 'x:1',
    channelArgs: {
      'grpc.keepalive_time_ms': 5,
      'grpc.initial_reconnect_backoff_ms': 500,
      'grpc.max_reconnect_backoff_ms': 3_000,
    },
  });
});
