// The load generator of the end-to-end benchmark, a process of its own: `load-client URL JSON`. It opens and funds the
// accounts, then keeps a number of full batches in flight, and prints one line of JSON.

import {
  BATCH_RECORDS_MAX,
  CreateResultLayout,
  CreateTransferStatus,
  RECORD_SIZE,
} from '../src/layout/generated.ts';
import { connect } from '../src/main/index.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

export interface LoadOptions extends WorkloadOptions {
  readonly transfers: number;
  readonly inFlight: number;
  /** Transfers a second are also told for each part of so many. */
  readonly partTransfers: number;
}

export interface LoadReport {
  readonly transfers: number;
  readonly created: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly parts: readonly number[];
  /** Milliseconds a batch, from the call to its durable answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly clientCpuSeconds: number;
  /** Accounts opened a second, and the longest wait of a batch of them in milliseconds. */
  readonly openedPerSecond: number;
  readonly openingMax: number;
}

const [url, json] = process.argv.slice(2);
const options = JSON.parse(json!) as LoadOptions;
const workload = new Workload(options);
const client = await connect({ url: url! });

/** Sends all batches; returns the longest wait of one, in milliseconds. */
async function inParallel(
  batches: Iterable<Uint8Array>,
  send: (batch: Uint8Array) => Promise<Uint8Array>,
): Promise<number> {
  const sending = new Set<Promise<void>>();
  let longest = 0;
  for (const batch of batches) {
    const started = performance.now();
    const sent = send(batch).then((results) => {
      sending.delete(sent);
      longest = Math.max(longest, performance.now() - started);
      if (created(results) !== results.length / CreateResultLayout.size) {
        throw new Error('expected all to be created');
      }
    });
    sending.add(sent);
    if (sending.size >= options.inFlight) await Promise.race(sending);
  }
  await Promise.all(sending);
  return longest;
}

function created(results: Uint8Array): number {
  const view = new DataView(results.buffer, results.byteOffset, results.length);
  let count = 0;
  for (let at = CreateResultLayout.status; at < results.length; at += CreateResultLayout.size) {
    if (view.getUint32(at, true) === CreateTransferStatus.created) count++;
  }
  return count;
}

const openingStarted = performance.now();
const openingMax = await inParallel(workload.openings(), (batch) => client.createAccounts(batch));
const openedPerSecond = Math.round((options.accounts / (performance.now() - openingStarted)) * 1000);
await inParallel(workload.funding(), (batch) => client.createTransfers(batch));

const latencies: number[] = [];
const parts: number[] = [];
let left = options.transfers;
let total = 0;
let done = 0;
let partStarted = performance.now();
let partDone = 0;

async function lane(): Promise<void> {
  const batch = new Uint8Array(BATCH_RECORDS_MAX * RECORD_SIZE);
  while (left > 0) {
    const count = Math.min(left, BATCH_RECORDS_MAX);
    left -= count;
    const records = batch.subarray(0, count * RECORD_SIZE);
    workload.fill(records);
    const started = performance.now();
    const results = await client.createTransfers(records);
    const now = performance.now();
    latencies.push(now - started);
    total += created(results);
    done += count;
    if (done - partDone >= options.partTransfers) {
      parts.push(Math.round(((done - partDone) / (now - partStarted)) * 1000));
      partDone = done;
      partStarted = now;
    }
  }
}

const cpu = process.cpuUsage();
const started = performance.now();
await Promise.all(Array.from({ length: options.inFlight }, lane));
const seconds = (performance.now() - started) / 1000;
const used = process.cpuUsage(cpu);
latencies.sort((a, b) => a - b);
const at = (share: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
const report: LoadReport = {
  transfers: options.transfers,
  created: total,
  seconds,
  perSecond: Math.round(options.transfers / seconds),
  parts,
  p50: at(0.5),
  p99: at(0.99),
  max: latencies.at(-1)!,
  openedPerSecond,
  openingMax,
  clientCpuSeconds: (used.user + used.system) / 1e6,
};
await client.close();
process.stdout.write(`${JSON.stringify(report)}\n`);
