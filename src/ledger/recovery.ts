// A start: newest complete checkpoint, then the journal from there.
//
//     checkpoint usable? ── no ──▶ empty state, replay from operation 1
//            │ yes
//     pages, globals, sessions, runs ──▶ kernel ──▶ replay what the journal has beyond
//
// The journal is the truth. A checkpoint that it does not know (another journal's, or of entries that are gone) is thrown
// away with everything derived from it.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../journal/journal.ts';
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { loadPages } from '../state/kernel-loader.ts';
import { StateStore } from '../state/state-store.ts';
import type { LedgerLog } from './log.ts';
import type { Maintenance, MaintenanceOptions } from './maintenance.ts';
import { createKernel, replayAll } from './rebuild.ts';
import type { Records } from './records.ts';
import { Sessions } from './sessions.ts';
import { SlotPool } from './slots.ts';
import { checkStateFile } from './state-file.ts';

export interface RecoveryReport {
  /** Operation of the checkpoint that the start began from; 0: none. */
  readonly checkpointOp: number;
  readonly tipOp: number;
  readonly replayedOps: number;
  readonly replayedRecords: number;
  readonly loadMs: number;
  readonly replayMs: number;
  /** Why a checkpoint was thrown away. */
  readonly discarded: string | undefined;
}

export interface RecoveryOptions {
  readonly path: string;
  readonly journal: Journal;
  readonly records: Records;
  readonly seed: bigint | undefined;
  readonly slots: number;
  readonly maintenance: Partial<MaintenanceOptions> | undefined;
  readonly log: LedgerLog;
}

export interface Recovered {
  readonly kernel: LedgerKernel;
  readonly store: StateStore;
  readonly sessions: Sessions;
  readonly slots: SlotPool;
  readonly report: RecoveryReport;
  readonly maintenance: Maintenance;
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { path, journal, log } = options;
  const started = performance.now();
  const statePath = join(path, 'state');
  checkStateFile(statePath);
  let store = await StateStore.open({ path: statePath });
  try {
    const discarded = whyUnusable(store, journal);
    if (discarded !== undefined) {
      log('state discarded', { reason: discarded });
      await store.close();
      // Not the folder itself, which may be a link or a disk of its own.
      for (const name of readdirSync(statePath))
        rmSync(join(statePath, name), { recursive: true, force: true });
      store = await StateStore.open({ path: statePath });
    }
    return await rebuild(options, store, discarded, started);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Whether the journal has what the state says it was derived from. */
function whyUnusable(store: StateStore, journal: Journal): string | undefined {
  const { checkpoint, coveredOp: covered } = store;
  if (covered > journal.tip.op) {
    return `the index covers operation ${covered}, but the journal ends at ${journal.tip.op}`;
  }
  if (checkpoint === undefined) {
    return covered > 0 ? 'runs without a checkpoint' : undefined;
  }
  if (checkpoint.op > journal.tip.op) {
    return `the checkpoint is of operation ${checkpoint.op}, but the journal ends at ${journal.tip.op}`;
  }
  const header = journal.readHeader(checkpoint.op);
  if (header === undefined || Buffer.compare(header.digest, checkpoint.digest) !== 0) {
    return `the checkpoint of operation ${checkpoint.op} belongs to another journal`;
  }
  return undefined;
}

async function rebuild(
  { journal, records, seed, slots: slotCount, maintenance: options, log }: RecoveryOptions,
  store: StateStore,
  discarded: string | undefined,
  started: number,
): Promise<Recovered> {
  const kernel = createKernel(records, store, seed);
  const slots = new SlotPool(slotCount, (bytes) => kernel.allocate(bytes));
  const { checkpoint } = store;
  let sessions = new Sessions();
  if (checkpoint !== undefined) {
    kernel.globalsRestore(checkpoint.globals);
    loadPages(store, kernel);
    kernel.loadFinish();
    sessions = Sessions.restore(checkpoint.sessions);
  }
  for (const run of store.runs) kernel.runAdd(run);
  kernel.indexCovered(store.coveredOp);
  const loadMs = performance.now() - started;
  const from = (checkpoint?.op ?? 0) + 1;
  const toOp = journal.tip.op;
  const parts = { journal, kernel, store, sessions, slots, maintenance: options, log };
  const { records: replayed, maintenance } = await replayAll({ ...parts, from, toOp });
  const report: RecoveryReport = {
    checkpointOp: checkpoint?.op ?? 0,
    tipOp: journal.tip.op,
    replayedOps: journal.tip.op - from + 1,
    replayedRecords: replayed,
    loadMs,
    replayMs: performance.now() - started - loadMs,
    discarded,
  };
  log('recovered', { ...report });
  return { kernel, store, sessions, slots, report, maintenance };
}
