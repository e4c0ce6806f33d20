import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { Config } from '../config.js';
import { temporalProblem } from './temporal-problem.js';

const CONNECT_MS = 5_000;

/**
 * gRPC waits longer after each attempt to connect that fails, up to two minutes by default: so long would Temporal be
 * back without a delivery being taken. The connection of workers tries anew with every request, and needs none of this.
 */
const BOUNDED_BACKOFF = {
  'grpc.initial_reconnect_backoff_ms': 500,
  'grpc.max_reconnect_backoff_ms': 3_000,
};

/** Of every connection that is not a worker's. */
export const boundedBackoff = (options: ConnectionOptions): ConnectionOptions => ({
  ...options,
  channelArgs: { ...options.channelArgs, ...BOUNDED_BACKOFF },
});

/** @throws Error that names the address and what to do, when no Temporal that takes us answers there within 5 s. */
export async function connectTemporal({ temporal }: Pick<Config, 'temporal'>): Promise<Client> {
  const { connectionOptions, namespace = 'default' } = temporal;
  try {
    await askTemporal(temporal);
    const connection = await Connection.connect({
      ...boundedBackoff(connectionOptions),
      connectTimeout: CONNECT_MS,
    });
    return new Client({ connection, namespace });
  } catch (cause) {
    throw new Error(temporalProblem(cause, temporal).text, { cause });
  }
}

/**
 * Asks once for the namespace. The client's own retries would hide why a connection cannot be made.
 *
 * @throws what gRPC said, for `temporalProblem`.
 */
export async function askTemporal({
  connectionOptions,
  namespace = 'default',
}: Config['temporal']): Promise<void> {
  const connection = Connection.lazy({ ...connectionOptions, interceptors: [] });
  try {
    await connection.withDeadline(Date.now() + CONNECT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } finally {
    await connection.close();
  }
}
