// What the mint's HTTP server counts, and the counters in the registry that /metrics shows.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MintOperation } from './service.ts';

export interface MintHttpMetrics {
  /** So many are open now. */
  connections(open: number): void;
  /** @param status HTTP's; 0: aborted before its answer */
  requestEnded(operation: MintOperation | 'none', status: number, seconds: number): void;
}

export const NO_METRICS: MintHttpMetrics = {
  connections() {},
  requestEnded() {},
};

/** @param mint one name for each mint of a process */
export function mintHttpMetrics(registry: Registry, mint: string): MintHttpMetrics {
  const connections = metric(
    registry,
    'specie_mint_connections',
    (name) =>
      new Gauge({
        name,
        help: 'Open HTTP connections of mints',
        labelNames: ['mint'],
        registers: [registry],
      }),
  );
  const requests = metric(
    registry,
    'specie_mint_requests_total',
    (name) =>
      new Counter({
        name,
        help: 'HTTP requests to mints, by operation and status; status 0: aborted',
        labelNames: ['mint', 'operation', 'status'],
        registers: [registry],
      }),
  );
  const seconds = metric(
    registry,
    'specie_mint_request_seconds',
    (name) =>
      new Histogram({
        name,
        help: 'Time from the head of a request to its answer',
        labelNames: ['mint', 'operation'],
        buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
        registers: [registry],
      }),
  );
  return {
    connections: (open) => connections.set({ mint }, open),
    requestEnded(operation, status, duration) {
      requests.inc({ mint, operation, status: String(status) });
      seconds.observe({ mint, operation }, duration);
    },
  };
}

/** The one of that name, when another mint of the process has registered it. */
function metric<Of>(registry: Registry, name: string, make: (name: string) => Of): Of {
  return (registry.getSingleMetric(name) as Of | undefined) ?? make(name);
}
