// `npm run bench`: the engine end to end (WebSocket → kernel → flush), its recovery, and beside it what a Node engineer
// would write instead. `npm run bench:scale` adds ten million accounts and a hundred million transfers.
//
// Both sides first execute the same batches, and their balances are compared; only then is anything measured.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AccountLayout, BATCH_RECORDS_MAX, RECORD_SIZE } from '../src/layout/generated.ts';
import { Ledger } from '../src/ledger/index.ts';
import { readU128 } from '../src/shared/bytes.ts';
import { runLoad, startEngine } from './processes.ts';
import { openSqliteLedger } from './sqlite-ledger.ts';
import { Workload, type WorkloadOptions } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    scale: { type: 'boolean', default: false },
    accounts: { type: 'string', default: '10000' },
    transfers: { type: 'string', default: '5000000' },
    'scale-accounts': { type: 'string', default: '10000000' },
    'scale-transfers': { type: 'string', default: '100000000' },
    'in-flight': { type: 'string', default: '8' },
    path: { type: 'string', default: tmpdir() },
    seed: { type: 'string', default: '1' },
  },
});

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly detail: string;
  readonly digest?: string;
}

const rows: Row[] = [];
const folder = mkdtempSync(join(flags.path, 'specie-bench-'));
const seed = Number(flags.seed);
const inFlight = Number(flags['in-flight']);

function report(row: Row): void {
  rows.push(row);
  process.stdout.write(
    `${row.name.padEnd(66)} ${row.perSecond.toLocaleString('en').padStart(11)} /s   ${row.detail}\n`,
  );
}

const ms = (value: number) => `${value.toFixed(1)} ms`;

async function endToEnd(name: string, options: WorkloadOptions & { transfers: number }): Promise<string> {
  const path = join(folder, 'store');
  const engine = await startEngine(path);
  const partTransfers = Math.max(1_000_000, Math.floor(options.transfers / 20));
  const load = await runLoad(engine.url, { ...options, inFlight, partTransfers });
  const end = await engine.stop();
  if (load.created !== options.transfers)
    throw new Error(`expected all transfers to be created, got ${load.created}`);
  const cpu = ((end.cpuSeconds / options.transfers) * 1e6).toFixed(2);
  report({
    name,
    perSecond: load.perSecond,
    detail: `p50 ${ms(load.p50)}, p99 ${ms(load.p99)}, max ${ms(load.max)} a batch; engine ${cpu} µs CPU a transfer, ${Math.round(end.peakBytes / 2 ** 20)} MiB`,
    digest: end.digest,
  });
  if (options.accounts >= 1_000_000) {
    report({
      name: `  … its ${options.accounts.toLocaleString('en')} accounts opened`,
      perSecond: load.openedPerSecond,
      detail: `longest wait of a batch ${ms(load.openingMax)} with ${inFlight} in flight`,
    });
  }
  if (load.parts.length > 1) {
    const last = load.parts.slice(-3);
    report({
      name: `  … its last ${last.length} parts of ${(partTransfers / 1e6).toFixed(0)} million`,
      perSecond: Math.round(last.reduce((sum, part) => sum + part, 0) / last.length),
      detail: `parts: ${load.parts.map((part) => `${Math.round(part / 1000)}k`).join(' ')}`,
    });
  }
  return path;
}

/** Replays a whole journal from nothing; the state must come out the same. */
async function recovery(path: string): Promise<void> {
  const before = rows.find((row) => row.digest !== undefined && row.name.startsWith('engine'))!.digest;
  rmSync(join(path, 'state'), { recursive: true });
  const engine = await startEngine(path);
  const { digest } = await engine.stop();
  const { replayedRecords, replayMs } = engine.recovery;
  if (digest !== before)
    throw new Error(`expected the replayed state to have digest ${before}, got ${digest}`);
  report({
    name: 'recovery by replay of the whole journal, checked byte for byte',
    perSecond: Math.round((replayedRecords / replayMs) * 1000),
    detail: `${replayedRecords.toLocaleString('en')} records in ${(replayMs / 1000).toFixed(2)} s`,
    digest,
  });
}

/** Executes `transfers` of the workload in SQLite; returns transfers a second. */
function sqlite(path: string, options: WorkloadOptions, transfers: number): number {
  const ledger = openSqliteLedger(path);
  const workload = new Workload(options);
  for (const batch of workload.openings()) ledger.createAccounts(batch);
  for (const batch of workload.funding()) ledger.createTransfers(batch);
  const batch = new Uint8Array(BATCH_RECORDS_MAX * RECORD_SIZE);
  const started = performance.now();
  for (let left = transfers; left > 0; left -= BATCH_RECORDS_MAX) {
    const records = batch.subarray(0, Math.min(left, BATCH_RECORDS_MAX) * RECORD_SIZE);
    workload.fill(records);
    ledger.createTransfers(records);
  }
  const seconds = (performance.now() - started) / 1000;
  ledger.close();
  return Math.round(transfers / seconds);
}

/** The same batches on both sides must leave the same balances. */
async function proveEqual(options: WorkloadOptions): Promise<void> {
  const transfers = 5 * BATCH_RECORDS_MAX;
  const theirs = openSqliteLedger(join(folder, 'equal.sqlite'));
  const ours = await Ledger.open({ path: join(folder, 'equal') });
  const workload = new Workload({ ...options, accounts: 1000 });
  for (const batch of workload.openings()) {
    theirs.createAccounts(batch);
    await ours.createAccounts(batch);
  }
  const batches = [...workload.funding()];
  for (let left = transfers; left > 0; left -= BATCH_RECORDS_MAX) {
    const batch = new Uint8Array(BATCH_RECORDS_MAX * RECORD_SIZE);
    workload.fill(batch);
    batches.push(batch, batch.slice(0, 1000 * RECORD_SIZE));
  }
  for (const batch of batches) {
    theirs.createTransfers(batch);
    await ours.createTransfers(batch);
  }
  const balances = theirs.balances();
  for (const [id, { debits, credits }] of balances) {
    const packed = new Uint8Array(16);
    new DataView(packed.buffer).setBigUint64(0, id, true);
    const found = await ours.lookupAccounts(packed);
    const view = new DataView(found.buffer, found.byteOffset, found.length);
    const mine = [readU128(view, AccountLayout.debitsPosted), readU128(view, AccountLayout.creditsPosted)];
    if (mine[0] !== debits || mine[1] !== credits) {
      throw new Error(`account ${id}: SQLite has ${debits} and ${credits}, the engine ${mine.join(' and ')}`);
    }
  }
  await ours.close();
  theirs.close();
  process.stdout.write(
    `equal work: ${balances.size} balances agree after ${batches.length} batches with repeated ids\n`,
  );
}

try {
  const workload: WorkloadOptions = { accounts: Number(flags.accounts), seed, ids: 'time' };
  const transfers = Number(flags.transfers);
  process.stdout.write(
    `${cpus()[0]!.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
  );
  await proveEqual(workload);
  const size = `${Number(flags.accounts).toLocaleString('en')} accounts`;
  const path = await endToEnd(`engine: WebSocket → flushed, ${size}, time-ordered ids`, {
    ...workload,
    transfers,
  });
  await recovery(path);
  rmSync(path, { recursive: true });
  rmSync(await endToEnd(`engine: the same, random ids`, { ...workload, ids: 'random', transfers }), {
    recursive: true,
  });
  report({
    name: 'better-sqlite3: prepared statements, one transaction a batch, in-process',
    perSecond: sqlite(join(folder, 'bench.sqlite'), workload, Math.min(transfers, 400_000)),
    detail: 'same workload, no network, WAL, synchronous FULL',
  });
  if (flags.scale) {
    const many = { accounts: Number(flags['scale-accounts']), seed };
    const scaled = Number(flags['scale-transfers']);
    for (const ids of ['time', 'random'] as const) {
      const name = `engine at scale: ${many.accounts.toLocaleString('en')} accounts, ${scaled.toLocaleString('en')} transfers, ${ids} ids`;
      const store = await endToEnd(name, { ...many, ids, transfers: scaled });
      const again = await startEngine(store);
      const { replayedRecords, loadMs, replayMs } = again.recovery;
      await again.kill();
      process.stdout.write(
        `  start: ${ms(loadMs)} to load, ${replayedRecords} records replayed in ${ms(replayMs)}\n`,
      );
      rmSync(store, { recursive: true });
    }
  }
  const results = new URL('./results/', import.meta.url);
  if (!existsSync(results)) mkdirSync(results);
  const machine = { cpu: cpus()[0]!.model, cores: cpus().length, node: process.version };
  writeFileSync(new URL('engine.json', results), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
