// A start: newest complete checkpoint, then the journal from there.
//
//     checkpoint usable? ── no ──▶ empty state, replay from operation 1
//            │ yes
//     pages, globals, sessions, runs ──▶ kernel ──▶ replay what the journal has beyond
//
// The journal is the truth. A checkpoint that it does not know (another journal's, or of entries that are gone) is thrown
// away with everything derived from it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from '../journal/journal.ts';
import { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { BATCH_RECORDS_MAX } from '../layout/generated.ts';
import { loadPages, loadRun, readRunPage } from '../state/kernel-loader.ts';
import { StateStore } from '../state/state-store.ts';
import { Committer } from './committer.ts';
import type { LedgerLog } from './ledger.ts';
import { MAINTENANCE_DEFAULTS, Maintenance } from './maintenance.ts';
import type { Records } from './records.ts';
import { Replay, ReplayError } from './replay.ts';
import { Sessions } from './sessions.ts';
import { SlotPool } from './slots.ts';

/** Page images of one snapshot arena: more than one batch can change (two accounts a record). 2 × 67 MB of address space. */
const ARENA_PAGES = 2 * BATCH_RECORDS_MAX + 4;

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
  readonly log: LedgerLog;
}

export interface Recovered {
  readonly kernel: LedgerKernel;
  readonly store: StateStore;
  readonly sessions: Sessions;
  readonly slots: SlotPool;
  readonly report: RecoveryReport;
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { path, journal, log } = options;
  const started = performance.now();
  const statePath = join(path, 'state');
  let store = await StateStore.open({ path: statePath });
  try {
    const discarded = whyUnusable(store, journal);
    if (discarded !== undefined) {
      log('state discarded', { reason: discarded });
      await store.close();
      rmSync(statePath, { recursive: true, force: true });
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
  { journal, records, seed, slots: slotCount, log }: RecoveryOptions,
  store: StateStore,
  discarded: string | undefined,
  started: number,
): Promise<Recovered> {
  const kernel: LedgerKernel = LedgerKernel.instantiate({
    ...(seed === undefined ? {} : { seed }),
    arenaPages: ARENA_PAGES,
    host: {
      readRecord: (ref, address) => records.copy(ref, kernel, address),
      transferAt: (timestamp) => records.transferAt(timestamp, kernel),
      loadRun: (run) => loadRun(store, run, kernel),
      readRunPage: (run, page, address) => readRunPage(store, run, page, kernel, address),
    },
  });
  kernel.runFilterSeed(store.filterSeed);
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
  const replayed = await replayAll({ journal, kernel, store, sessions, slots, from, log });
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
  return { kernel, store, sessions, slots, report };
}

interface ReplayAll {
  readonly journal: Journal;
  readonly kernel: LedgerKernel;
  readonly store: StateStore;
  readonly sessions: Sessions;
  readonly slots: SlotPool;
  readonly from: number;
  readonly log: LedgerLog;
}

/** Batches replayed between two turns of the event loop, in which runs and checkpoints make progress. */
const REPLAY_OPS_A_TURN = 64;

/** Replays to the tip, sealing runs and taking checkpoints on the way like any other work; returns the records. */
async function replayAll({ journal, kernel, store, sessions, slots, from, log }: ReplayAll): Promise<number> {
  if (from > journal.tip.op) return 0;
  let wake = () => {};
  const maintenance = new Maintenance({
    kernel,
    store,
    // Everything that is replayed is flushed already: this committer never has anything to do.
    committer: new Committer(journal, kernel.memory, NO_EVENTS),
    options: MAINTENANCE_DEFAULTS,
    sessions: () => sessions.serialise(),
    digest: (op) => journal.readHeader(op)!.digest,
    relieved: () => wake(),
    log,
  });
  const slot = slots.acquire(BATCH_RECORDS_MAX)!;
  const replay = new Replay(journal, kernel, slot);
  let count = 0;
  for (let op = from; op <= journal.tip.op; op++) {
    const header = replay.load(op);
    while (!maintenance.roomFor(header.count)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (!kernel.reserve(header.operation, header.count)) {
      throw new ReplayError(op, undefined, 'the memory for accounts and pending transfers is used up');
    }
    replay.execute(header);
    if (header.session !== 0n) sessions.apply(header.session, header.request, op);
    maintenance.executed(op, header.timestamp, header.count);
    count += header.count;
    if (op % REPLAY_OPS_A_TURN === 0) await new Promise(setImmediate);
  }
  await maintenance.settled();
  maintenance.close();
  slots.release(slot);
  return count;
}

const NO_EVENTS = { stalled: () => {}, resumed: () => {}, committed: () => {}, failed: () => {} };
