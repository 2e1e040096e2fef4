// Proves a whole store, or says where it breaks:
//
//     1  the journal's file       LMDB's pages hang together, nothing is cut off
//     2  the chain                every entry whole, in order, hashed, linked (journal/verify.ts)
//     3  replay from nothing      every batch executed again gives the stored records, results and effects, byte for byte
//     4  the books                debits equal credits in every ledger
//     5  the checkpoint           equals the replayed state after its operation, row for row
//     6  the index                has exactly the ids that the replay produced
//
// It writes nothing to the store but a scratch folder that it removes: ids of the replay need an index of their own, so
// that the stored one is not taken for its own proof.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataFile } from '../journal/environment.ts';
import { JournalError } from '../journal/errors.ts';
import { LmdbJournalReader } from '../journal/lmdb-reader.ts';
import { checkStoreFile } from '../journal/store-file.ts';
import { lockStore } from '../journal/store-lock.ts';
import { type Finding, type Proof, verifyChain } from '../journal/verify.ts';
import { type LedgerKernel, wholeGlobals } from '../kernel/ledger-kernel.ts';
import {
  IndexEntryLayout,
  PAGE_HEADER_SIZE,
  PAGE_ROWS,
  PAGE_SIZE,
  ROW_SIZE,
  TableNames,
} from '../layout/generated.ts';
import { StateStoreError } from '../state/errors.ts';
import { StateStore } from '../state/state-store.ts';
import { type Books, sumBooks, unbalanced } from './books.ts';
import { IndexSum } from './index-sum.ts';
import { createKernel, replayAll } from './rebuild.ts';
import { Records } from './records.ts';
import { ReplayError } from './replay.ts';
import { Sessions } from './sessions.ts';
import { SlotPool } from './slots.ts';
import { stateDigest } from './state-digest.ts';
import { checkStateFile } from './state-file.ts';

export type VerifyStep = 'file' | 'chain' | 'replay' | 'books' | 'checkpoint' | 'index';

export interface StoreFinding {
  readonly step: VerifyStep;
  readonly what: string;
  /** What an operator can do about it. */
  readonly advice: string;
  /** For the chain: entry, part and byte range. */
  readonly journal?: Finding;
}

export interface StoreReport {
  /** What was proved of the journal; undefined: its file could not even be opened. */
  readonly proof?: Proof;
  readonly replayedRecords: number;
  readonly books: readonly Books[];
  /** Digest of the state after the last entry. */
  readonly stateDigest?: string;
  /** Operation of the checkpoint that was compared; 0: there is none. */
  readonly checkpointOp: number;
  /** Ids in the stored runs that were compared. */
  readonly indexEntries: number;
  /** Empty: everything above is proved. */
  readonly findings: readonly StoreFinding[];
}

type OnProgress = (step: VerifyStep, op: number, toOp: number) => void;

export interface VerifyStoreOptions {
  readonly path: string;
  readonly onProgress?: OnProgress;
}

const REPORT_ENGINE = 'keep the store as it is and report it: the engine that wrote it and this one disagree';
const DELETE_STATE =
  'stop the engine and delete the folder `state`: the next start rebuilds it from the journal';
const PAGE_BYTES = PAGE_ROWS * ROW_SIZE;

/** Verifies a store that no process has open. Throws JournalError `journal_locked`; damage is reported, not thrown. */
export async function verifyStore({ path, onProgress = () => {} }: VerifyStoreOptions): Promise<StoreReport> {
  const journalPath = join(path, 'journal');
  const nothing = { replayedRecords: 0, books: [], checkpointOp: 0, indexEntries: 0 };
  if (!existsSync(dataFile(journalPath))) {
    const what = `expected a journal in ${journalPath}, found none`;
    return { ...nothing, findings: [{ step: 'file', what, advice: 'check the path of the store' }] };
  }
  const lock = await lockStore(journalPath);
  try {
    checkStoreFile(dataFile(journalPath));
    const journal = LmdbJournalReader.open(journalPath);
    try {
      return await new Verifier(path, journal, onProgress).run();
    } finally {
      await journal.close();
    }
  } catch (error) {
    if (!(error instanceof JournalError) || error.code === 'journal_locked') throw error;
    const advice = 'restore the journal from a copy; copies of single entries do not help here';
    return { ...nothing, findings: [{ step: 'file', what: error.what, advice }] };
  } finally {
    await lock.release();
  }
}

class Verifier {
  readonly #path: string;
  readonly #journal: LmdbJournalReader;
  readonly #onProgress: OnProgress;
  readonly #findings: StoreFinding[] = [];
  #state: StateStore | undefined;
  #replayedRecords = 0;
  #books: Books[] = [];
  #stateDigest: string | undefined;
  #indexEntries = 0;

  constructor(path: string, journal: LmdbJournalReader, onProgress: OnProgress) {
    this.#path = path;
    this.#journal = journal;
    this.#onProgress = onProgress;
  }

  async run(): Promise<StoreReport> {
    await this.#openState();
    try {
      const proof = await this.#chain();
      if (this.#findings.every((finding) => finding.step !== 'chain')) await this.#replay(proof.toOp);
      return {
        proof,
        replayedRecords: this.#replayedRecords,
        books: this.#books,
        ...(this.#stateDigest === undefined ? {} : { stateDigest: this.#stateDigest }),
        checkpointOp: this.#state?.checkpoint?.op ?? 0,
        indexEntries: this.#indexEntries,
        findings: this.#findings,
      };
    } finally {
      await this.#state?.close();
    }
  }

  async #openState(): Promise<void> {
    const path = join(this.#path, 'state');
    try {
      if (checkStateFile(path)) this.#state = await StateStore.open({ path });
    } catch (error) {
      this.#find('checkpoint', (error as Error).message, DELETE_STATE);
    }
  }

  async #chain(): Promise<Proof> {
    const checkpoint = this.#state?.checkpoint;
    const { proof, finding } = await verifyChain(this.#journal, {
      ...(checkpoint === undefined ? {} : { known: { op: checkpoint.op, digest: checkpoint.digest } }),
      onProgress: (op, toOp) => this.#onProgress('chain', op, toOp),
    });
    if (finding !== undefined) {
      const part = finding.part === 0 ? 'header' : `segment ${finding.part - 1}`;
      const what = `operation ${finding.op}, ${part}, bytes ${finding.byteRange.join(' to ')}: ${finding.what}`;
      this.#findings.push({ step: 'chain', what, advice: finding.advice, journal: finding });
    }
    return proof;
  }

  async #replay(toOp: number): Promise<void> {
    mkdirSync(this.#path, { recursive: true });
    const scratchPath = mkdtempSync(join(this.#path, 'verify-'));
    const scratch = await StateStore.open({ path: scratchPath });
    try {
      const records = new Records(this.#journal, () => toOp);
      const kernel = createKernel(records, scratch, undefined);
      const checkpointOp = this.#state?.checkpoint?.op;
      const { records: replayed, maintenance } = await replayAll({
        journal: this.#journal,
        kernel,
        store: scratch,
        sessions: new Sessions(),
        slots: new SlotPool(1, (bytes) => kernel.allocate(bytes)),
        from: 1,
        toOp,
        // The scratch store needs no checkpoints, only runs.
        maintenance: { checkpointBytesMin: Number.POSITIVE_INFINITY },
        log: () => {},
        after: (op) => {
          if (op % 64 === 0) this.#onProgress('replay', op, toOp);
          if (op === checkpointOp) this.#compareCheckpoint(kernel);
        },
      });
      await maintenance.settled();
      maintenance.close();
      this.#replayedRecords = replayed;
      this.#stateDigest = stateDigest(kernel);
      this.#books = sumBooks(kernel);
      for (const books of this.#books) {
        const what = unbalanced(books);
        if (what !== undefined) this.#find('books', what, REPORT_ENGINE);
      }
      this.#compareIndex(kernel, scratch);
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      this.#find('replay', error.message, REPORT_ENGINE);
    } finally {
      await scratch.close();
      rmSync(scratchPath, { recursive: true, force: true });
    }
  }

  #compareCheckpoint(kernel: LedgerKernel): void {
    const { checkpoint } = this.#state!;
    if (Buffer.compare(wholeGlobals(checkpoint!.globals), kernel.globalsCopy()) !== 0) {
      this.#find(
        'checkpoint',
        `operation ${checkpoint!.op}: other totals than the replayed ones`,
        DELETE_STATE,
      );
    }
    try {
      this.#state!.readPages((table, first, count, images) => {
        for (let i = 0; i < count; i++) {
          const start = i * PAGE_SIZE + PAGE_HEADER_SIZE;
          const stored = images.subarray(start, start + PAGE_BYTES);
          const replayed = kernel.bytes(kernel.pageAddress(table, first + i), PAGE_BYTES);
          if (Buffer.compare(stored, replayed) === 0) continue;
          const row = Math.floor(stored.findIndex((byte, at) => byte !== replayed[at]) / ROW_SIZE);
          const slot = (first + i) * PAGE_ROWS + row;
          const what = `operation ${checkpoint!.op}, ${TableNames.get(table)}, row ${slot}: other than the replayed one`;
          throw new StateStoreError('state_corrupt', what);
        }
      });
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
      this.#find('checkpoint', error.message, DELETE_STATE);
    }
  }

  /** Compares what the stored runs say of the operations they cover with what the replay says of them. */
  #compareIndex(kernel: LedgerKernel, scratch: StateStore): void {
    const state = this.#state;
    if (state === undefined || state.runs.length === 0) return;
    const stored = new IndexSum(state.coveredOp);
    const replayed = new IndexSum(state.coveredOp);
    try {
      stored.addRuns(state);
      replayed.addRuns(scratch);
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
      this.#find('index', error.message, DELETE_STATE);
      return;
    }
    if (kernel.memtableCount() > 0) {
      kernel.memtableFreeze();
      const bytes = kernel.frozenCount() * IndexEntryLayout.size;
      replayed.add(kernel.bytes(kernel.frozenEntries(), bytes));
    }
    this.#indexEntries = stored.entries;
    if (stored.equals(replayed)) return;
    const what = `operations 1 to ${state.coveredOp}: expected ${replayed.entries} ids, got ${stored.entries} or other ones`;
    this.#find('index', what, DELETE_STATE);
  }

  #find(step: VerifyStep, what: string, advice: string): void {
    this.#findings.push({ step, what, advice });
  }
}
