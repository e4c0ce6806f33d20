import { Counter, Histogram, Registry } from 'prom-client';

/** `accepted`, `ignored`, or the code of the failure that the delivery ended in. */
export type DeliveryResult = string;

/** What the starter counts; served at /metrics in Prometheus' text format. */
export interface StarterMetrics {
  registry: Registry;
  /** @param seconds from the request's arrival to the answer. */
  countDelivery(result: DeliveryResult, seconds: number): void;
}

export function createStarterMetrics(): StarterMetrics {
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
  return {
    registry,
    countDelivery(result, seconds) {
      deliveries.inc({ result });
      duration.observe(seconds);
    },
  };
}
