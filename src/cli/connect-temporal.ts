import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.js';

/** @param cause why the connection could not be made. */
export const temporalIsAway = (address = '127.0.0.1:7233', cause?: unknown): Error =>
  new Error(`Temporal at ${address} does not answer. Start it, or set TEMPORAL_ADDRESS.`, { cause });

/** @throws Error that names the address, when no Temporal answers there. */
export async function connectTemporal({ temporal }: Config): Promise<Client> {
  const { connectionOptions, namespace = 'default' } = temporal;
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '5s' }).catch(
    (cause: unknown) => {
      throw temporalIsAway(connectionOptions.address, cause);
    },
  );
  return new Client({ connection, namespace });
}
