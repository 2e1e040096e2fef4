// `npm run bench:kernel`: the ledger kernel alone, with tinybench. Each iteration executes one full batch; a digest of
// the end state shows that the work was done and is the same in every run.
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import { LedgerKernel } from '../src/kernel/ledger-kernel.ts';
import {
  AccountLayout,
  BATCH_RECORDS_MAX,
  CreateResultLayout,
  CreateTransferStatus,
  Operation,
  OrderVerdict,
  PAYMENT_ORDER_SIZE,
  PAYMENT_ORDERS_MAX,
  PaymentOrderLayout,
  RECORD_SIZE,
  SLOT_RESULTS_OFFSET,
  TransferFlags,
  TransferLayout,
} from '../src/layout/generated.ts';
import { recordSizeOf } from '../src/layout/record-size.ts';
import { stateDigest } from '../src/ledger/state-digest.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const { values: flags } = parseArgs({
  options: { time: { type: 'string', default: '2000' }, large: { type: 'boolean', default: false } },
});

const SEAL_ENTRIES = 2_000_000;

/** What the accounts of payers have as user_data_64. */
const KEY = 7;

/** A kernel with funded accounts, as the engine has it, but with nothing behind it: sealed ids are dropped. */
class Subject {
  readonly kernel: LedgerKernel;
  readonly #workload: Workload;
  readonly #slot: number;
  readonly #prepared: Uint8Array[] = [];
  readonly #operation: number;
  #sequence = 0n;
  #op = 0;
  #timestamp = 1_000_000n;

  constructor(options: WorkloadOptions, operation: number = Operation.create_transfers) {
    this.#operation = operation;
    const none = (what: string) => (): never => {
      throw new Error(`expected the kernel not to ask for ${what}`);
    };
    this.kernel = LedgerKernel.instantiate({
      seed: 1n,
      host: {
        readRecord: none('a record'),
        transferAt: none('a timestamp'),
        loadRun: none('a run'),
        readRunPage: none('a page'),
      },
    });
    this.#slot = this.kernel.allocateSlot();
    this.#workload = new Workload(options);
    for (const batch of this.#workload.openings()) {
      const view = new DataView(batch.buffer);
      for (let at = AccountLayout.userData64; at < batch.length; at += RECORD_SIZE)
        view.setUint32(at, KEY, true);
      this.#run(Operation.create_accounts, batch);
    }
    for (const batch of this.#workload.funding()) this.#run(Operation.create_transfers, batch);
  }

  /** Makes the next batch outside of what is measured. */
  prepare(change?: (view: DataView, at: number, index: number) => void): void {
    const batch = new Uint8Array(BATCH_RECORDS_MAX * RECORD_SIZE);
    this.#workload.fill(batch);
    if (change) {
      const view = new DataView(batch.buffer);
      for (let i = 0; i < BATCH_RECORDS_MAX; i++) change(view, i * RECORD_SIZE, i);
    }
    this.#prepared.push(this.#operation === Operation.create_transfers ? batch : this.#orders(batch));
    if (this.kernel.memtableCount() > SEAL_ENTRIES) {
      this.kernel.memtableFreeze();
      this.kernel.frozenRelease();
    }
  }

  /** As many of the transfers as a batch of orders holds. Numbers rise together, so a payer's are far apart. */
  #orders(transfers: Uint8Array): Uint8Array {
    const batch = new Uint8Array(PAYMENT_ORDERS_MAX * PAYMENT_ORDER_SIZE);
    const view = new DataView(batch.buffer);
    for (let i = 0; i < PAYMENT_ORDERS_MAX; i++) {
      const at = i * PAYMENT_ORDER_SIZE;
      batch.set(transfers.subarray(i * RECORD_SIZE, (i + 1) * RECORD_SIZE), at);
      view.setBigUint64(at + PaymentOrderLayout.sequence, ++this.#sequence, true);
      view.setBigUint64(at + PaymentOrderLayout.expiresAt, 1n << 63n, true);
      view.setUint32(at + PaymentOrderLayout.keyId, KEY, true);
      view.setUint32(at + PaymentOrderLayout.verdict, OrderVerdict.good, true);
    }
    return batch;
  }

  execute(): void {
    this.#run(this.#operation, this.#prepared.pop()!);
  }

  get batchRecords(): number {
    return this.#operation === Operation.create_payment_orders ? PAYMENT_ORDERS_MAX : BATCH_RECORDS_MAX;
  }

  #run(operation: number, batch: Uint8Array): void {
    const count = batch.length / recordSizeOf(operation);
    this.#timestamp += BigInt(count);
    this.#op++;
    this.kernel.bytes(this.#slot, batch.length).set(batch);
    if (!this.kernel.reserve(operation, count)) throw new Error('expected room for a batch');
    this.kernel.execute(operation, this.#op, this.#timestamp, this.#slot, count);
  }

  /** Share of the last batch that was created. */
  created(): number {
    let created = 0;
    for (let i = 0; i < this.batchRecords; i++) {
      const at = this.#slot + SLOT_RESULTS_OFFSET + i * CreateResultLayout.size + CreateResultLayout.status;
      if (this.kernel.u32(at) === CreateTransferStatus.created) created++;
    }
    return created / this.batchRecords;
  }
}

const sizes = flags.large ? [10_000, 1_000_000, 10_000_000] : [10_000, 1_000_000];
const bench = new Bench({ time: Number(flags.time), warmupTime: 300 });
const subjects: [string, Subject][] = [];

function add(
  name: string,
  subject: Subject,
  change?: (view: DataView, at: number, index: number) => void,
): void {
  subjects.push([name, subject]);
  bench.add(name, () => subject.execute(), { beforeEach: () => subject.prepare(change) });
}

for (const accounts of sizes) {
  for (const ids of ['time', 'random'] as const) {
    add(
      `plain, ${accounts.toLocaleString('en')} accounts, ${ids} ids`,
      new Subject({ accounts, seed: 1, ids }),
    );
  }
}
// Every second record posts the pending transfer before it.
add(
  'pending and post, 10,000 accounts',
  new Subject({ accounts: 10_000, seed: 1, ids: 'time' }),
  (view, at, index) => {
    if (index % 2 === 0) {
      view.setUint16(at + TransferLayout.flags, TransferFlags.pending, true);
      return;
    }
    for (let i = 0; i < 16; i += 8) {
      view.setBigUint64(
        at + TransferLayout.pendingId + i,
        view.getBigUint64(at - RECORD_SIZE + i, true),
        true,
      );
      view.setBigUint64(at + TransferLayout.debitAccountId + i, 0n, true);
      view.setBigUint64(at + TransferLayout.creditAccountId + i, 0n, true);
      view.setBigUint64(at + TransferLayout.amount + i, 2n ** 64n - 1n, true);
    }
    view.setUint16(at + TransferLayout.flags, TransferFlags.post_pending_transfer, true);
  },
);
// Chains of four.
add(
  'linked chains of 4, 10,000 accounts',
  new Subject({ accounts: 10_000, seed: 1, ids: 'time' }),
  (view, at, index) => {
    if (index % 4 !== 3 && index !== BATCH_RECORDS_MAX - 1) {
      view.setUint16(at + TransferLayout.flags, TransferFlags.linked, true);
    }
  },
);

// 4,095 a batch.
for (const accounts of [10_000, 1_000_000]) {
  add(
    `payment orders, ${accounts.toLocaleString('en')} payers`,
    new Subject({ accounts, seed: 1, ids: 'time' }, Operation.create_payment_orders),
  );
}

await bench.run();
process.stdout.write(`${'full batches'.padEnd(46)} ns/transfer   transfers/s  least ns     p99 ms a batch\n`);
for (const task of bench.tasks) {
  const { result, name } = task;
  if (!('latency' in result)) throw new Error(`${name}: ${JSON.stringify(result)}`);
  const { batchRecords } = subjects.find(([title]) => title === name)![1];
  const nanoseconds = (result.latency.mean * 1e6) / batchRecords;
  process.stdout.write(
    `${name.padEnd(46)} ${nanoseconds.toFixed(0).padStart(11)} ${Math.round(1e9 / nanoseconds)
      .toLocaleString('en')
      .padStart(
        13,
      )} ${((result.latency.min * 1e6) / batchRecords).toFixed(0).padStart(9)} ${result.latency.p99.toFixed(2).padStart(18)}\n`,
  );
}
for (const [name, subject] of subjects) {
  process.stdout.write(
    `${name}: ${(subject.created() * 100).toFixed(1)} % created, state ${stateDigest(subject.kernel).slice(0, 16)}\n`,
  );
}
