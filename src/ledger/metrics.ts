// What an operator watches, in the Prometheus text format.
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import { BATCH_RECORDS_MAX, CreateResultLayout, CreateTransferStatus } from '../layout/generated.ts';
import type { EngineReply, EngineRequest } from '../wire/engine.ts';
import { operationName } from '../wire/operation.ts';
import { requestStatusName } from '../wire/status.ts';
import type { LedgerStatus } from './ledger.ts';

const GAUGES = {
  op: ['specie_op', 'Last executed operation'],
  durableOp: ['specie_durable_op', 'Last flushed operation'],
  accounts: ['specie_accounts', 'Accounts'],
  transfers: ['specie_transfers', 'Transfers created'],
  paymentOrders: ['specie_payment_orders', 'Payment orders applied'],
  devices: ['specie_order_accounts', 'Accounts that have had payment orders or terms for them'],
  pendingTransfers: ['specie_pending_transfers', 'Open pending transfers'],
  sessions: ['specie_sessions', 'Client sessions remembered'],
  slotsUsed: ['specie_batches_in_flight', 'Batches between socket and disk'],
  waiting: ['specie_requests_waiting', 'Requests that wait for room'],
  memtableEntries: ['specie_memtable_entries', 'Transfer ids in memory'],
  runs: ['specie_index_runs', 'Sorted runs of transfer ids'],
  checkpointOp: ['specie_checkpoint_op', 'Operation of the last complete checkpoint'],
  memoryBytes: ['specie_kernel_memory_bytes', 'Memory of the ledger kernel'],
} as const satisfies Partial<Record<keyof LedgerStatus, readonly [string, string]>>;

export class LedgerMetrics {
  readonly #registry: Registry;
  readonly #requests: Counter<'operation' | 'status'>;
  readonly #records: Counter<'operation' | 'result'>;
  readonly #seconds: Histogram<'operation'>;
  readonly #size: Histogram<'operation'>;

  constructor(status: () => LedgerStatus, registry: Registry) {
    this.#registry = registry;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    for (const [key, [name, help]] of Object.entries(GAUGES)) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(Number(status()[key as keyof typeof GAUGES]));
        },
      });
    }
    this.#requests = new Counter({
      name: 'specie_requests_total',
      help: 'Requests answered',
      labelNames: ['operation', 'status'],
      registers,
    });
    this.#records = new Counter({
      name: 'specie_records_total',
      help: 'Records answered: created, or refused with a code of their own',
      labelNames: ['operation', 'result'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'specie_request_seconds',
      help: 'From the arrival of a write to its flush',
      labelNames: ['operation'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.#size = new Histogram({
      name: 'specie_batch_records',
      help: 'Records in a batch',
      labelNames: ['operation'],
      buckets: [1, 8, 64, 512, 4096, BATCH_RECORDS_MAX],
      registers,
    });
  }

  answered({ operation, count }: EngineRequest, { status, body }: EngineReply, ms: number): void {
    const name = operationName(operation);
    this.#requests.inc({ operation: name, status: requestStatusName(status) ?? 'unknown' });
    this.#seconds.observe({ operation: name }, ms / 1000);
    this.#size.observe({ operation: name }, count);
    if (body.length === 0) return;
    // Answers are little-endian words in a buffer of their own, as the machine is.
    const words = new Uint32Array(body.buffer, body.byteOffset, body.length / 4);
    let created = 0;
    for (let at = CreateResultLayout.status / 4; at < words.length; at += CreateResultLayout.size / 4) {
      if (words[at] === CreateTransferStatus.created) created++;
    }
    const records = body.length / CreateResultLayout.size;
    if (created > 0) this.#records.inc({ operation: name, result: 'created' }, created);
    if (records > created) this.#records.inc({ operation: name, result: 'refused' }, records - created);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
