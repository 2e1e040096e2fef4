// Brings a kernel from one state to a later one by executing the journal: what recovery and verification share.
import type { JournalReader } from '../journal/journal.ts';
import { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { BATCH_RECORDS_MAX } from '../layout/generated.ts';
import { loadRun, readRunPage } from '../state/kernel-loader.ts';
import type { StateStore } from '../state/state-store.ts';
import type { LedgerLog } from './log.ts';
import {
  ARENA_PAGES,
  MAINTENANCE_DEFAULTS,
  Maintenance,
  type MaintenanceOptions,
  SAVED_ROWS,
} from './maintenance.ts';
import type { Records } from './records.ts';
import { Replay, ReplayError } from './replay.ts';
import type { Sessions } from './sessions.ts';
import type { SlotPool } from './slots.ts';

/** Batches replayed between two turns of the event loop, in which runs and checkpoints make progress. */
const REPLAY_OPS_A_TURN = 64;

/** An empty kernel whose index of transfer ids lives in `store`. */
export function createKernel(records: Records, store: StateStore, seed: bigint | undefined): LedgerKernel {
  const kernel: LedgerKernel = LedgerKernel.instantiate({
    ...(seed === undefined ? {} : { seed }),
    arenaPages: ARENA_PAGES,
    savedRows: SAVED_ROWS,
    host: {
      readRecord: (ref, address) => records.copy(ref, kernel, address),
      transferAt: (timestamp) => records.transferAt(timestamp, kernel),
      loadRun: (run) => loadRun(store, run, kernel),
      readRunPage: (run, page, address) => readRunPage(store, run, page, kernel, address),
    },
  });
  kernel.runFilterSeed(store.filterSeed);
  return kernel;
}

export interface ReplayAll {
  readonly journal: JournalReader;
  readonly kernel: LedgerKernel;
  readonly store: StateStore;
  readonly sessions: Sessions;
  readonly slots: SlotPool;
  readonly from: number;
  readonly toOp: number;
  readonly maintenance: Partial<MaintenanceOptions> | undefined;
  readonly log: LedgerLog;
  /** Called after each operation. */
  readonly after?: (op: number) => void;
}

export interface Replayed {
  readonly records: number;
  /** May still be at work: what it has begun is not waited for. */
  readonly maintenance: Maintenance;
}

/**
 * Replays operations `from` to `toOp`, sealing runs and taking checkpoints on the way like any other work. Throws
 * ReplayError.
 */
export async function replayAll(options: ReplayAll): Promise<Replayed> {
  const { journal, kernel, store, sessions, slots, from, toOp, log, after } = options;
  let wake = () => {};
  const maintenance = new Maintenance(
    {
      kernel,
      store,
      options: { ...MAINTENANCE_DEFAULTS, ...options.maintenance },
      sessions: () => sessions.serialise(),
      digest: (op) => {
        const header = journal.readHeader(op);
        if (header === undefined) throw new Error(`expected operation ${op} in the journal, found none`);
        return header.digest;
      },
      log,
    },
    // What is replayed is flushed already.
    { durable: () => Promise.resolve(), relieved: () => wake() },
  );
  if (from > toOp) return { records: 0, maintenance };
  const slot = slots.acquire(BATCH_RECORDS_MAX)!;
  const replay = new Replay(journal, kernel, slot);
  let count = 0;
  try {
    for (let op = from; op <= toOp; op++) {
      const header = replay.load(op);
      while (!maintenance.roomFor(header.count) || !kernel.reserve(header.operation, header.count)) {
        if (!maintenance.busy) {
          throw new ReplayError(op, undefined, 'the memory for accounts and pending transfers is used up');
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      replay.execute(header);
      if (header.session !== 0n) sessions.apply(header.session, header.request, op);
      maintenance.executed(header.operation, op, header.timestamp, header.count);
      count += header.count;
      after?.(op);
      if (op % REPLAY_OPS_A_TURN === 0) await new Promise(setImmediate);
    }
  } catch (error) {
    // It would try again for ever what the caller is about to take away.
    maintenance.close();
    throw error;
  }
  slots.release(slot);
  return { records: count, maintenance };
}
