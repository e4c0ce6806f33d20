import { Counter, Histogram, Registry } from 'prom-client';
import { createSyncGauges, type SyncReadings } from './sync-gauges.js';

/** `accepted`, `ignored`, or the code of the failure that the delivery ended in. */
export type DeliveryResult = string;

/** What the starter counts, and what the database says of the table; served at /metrics. */
export interface StarterMetrics {
  /** @returns everything in Prometheus' text format; the database's part is read anew. */
  text(): Promise<string>;
  /** @param seconds from the request's arrival to the answer. */
  countDelivery(result: DeliveryResult, seconds: number): void;
}

/** @param readSync what the database says now; without it only the starter's own counts are served. */
export function createStarterMetrics(readSync?: () => Promise<SyncReadings>): StarterMetrics {
  const registry = new Registry();
  const deliveries = new Counter({
    name: 'clerk_sync_deliveries_total',
    help: 'Webhook deliveries by result: accepted, ignored, or a failure code.',
    labelNames: ['result'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'clerk_sync_delivery_seconds',
    help: 'Time from a delivery to its answer.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const refreshSyncGauges = readSync && createSyncGauges(registry, { read: readSync });
  return {
    async text() {
      await refreshSyncGauges?.();
      return registry.metrics();
    },
    countDelivery(result, seconds) {
      deliveries.inc({ result });
      duration.observe(seconds);
    },
  };
}
