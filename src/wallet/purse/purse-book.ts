// The wallet's own record of its purses. It shares the book's turn: every change is one atomic write, one after the other, and
// after one that failed nothing more is written. What is read is read from the storage, so that nothing is in memory that is not
// on the disk.

import { equalBytes } from '../../identity/binary-text.ts';
import type { SignedBlockList } from '../../roles/documents/block-list.ts';
import { BlockList } from '../../roles/documents/block-list.ts';
import { FraudProof } from '../../roles/documents/fraud-proof.ts';
import type { Codec } from '../../shared/codec.ts';
import { type Book, decoded, type Write } from '../core/book.ts';
import type { Put, WalletStorage } from '../core/ports.ts';
import { StatementRecord } from '../core/records.ts';
import { handoverOf } from '../peer/records.ts';
import {
  PurseKey,
  type Standing,
  StoredProof,
  StoredPurse,
  StoredReceived,
  StoredSent,
  StoredUnseen,
} from './records.ts';

/** Everything of one purse. */
export interface PurseRecords {
  readonly purse: StoredPurse;
  /** In the order of their numbers. */
  readonly sent: readonly StoredSent[];
  readonly received: readonly StoredReceived[];
  readonly unseen: readonly StoredUnseen[];
}

export interface OwnProof {
  readonly number: number;
  readonly proof: FraudProof;
  readonly isReported: boolean;
}

export class PurseBook {
  readonly #book: Pick<Book, 'alone' | 'hasPurses'>;
  readonly #storage: WalletStorage;

  constructor(book: Pick<Book, 'alone' | 'hasPurses'>, storage: WalletStorage) {
    this.#book = book;
    this.#storage = storage;
  }

  /** The oldest first. */
  async purses(): Promise<StoredPurse[]> {
    return this.#book.hasPurses ? this.all(StoredPurse, PurseKey.purses) : [];
  }

  /** The one that is being opened, open, or being closed: there is at most one. */
  async current(): Promise<StoredPurse | undefined> {
    return (await this.purses()).findLast(({ state: { kind } }) => CURRENT.has(kind));
  }

  async ofRequest(request: bigint): Promise<StoredPurse | undefined> {
    return (await this.purses()).find((purse) => purse.request === request);
  }

  async records(purse: StoredPurse): Promise<PurseRecords> {
    const { number } = purse;
    return {
      purse,
      sent: await this.all(StoredSent, PurseKey.sents(number)),
      received: await this.all(StoredReceived, PurseKey.gots(number)),
      unseen: await this.all(StoredUnseen, PurseKey.unseens(number)),
    };
  }

  pages({ number }: StoredPurse): Promise<StatementRecord[]> {
    return this.all(StatementRecord, PurseKey.pages(number));
  }

  async read<Value>(codec: Codec<Value>, key: string): Promise<Value | undefined> {
    const bytes = await this.#storage.read(key);
    return bytes === undefined ? undefined : decoded(codec, key, bytes);
  }

  async has(key: string): Promise<boolean> {
    return (await this.#storage.read(key)) !== undefined;
  }

  async all<Value>(codec: Codec<Value>, prefix: string): Promise<Value[]> {
    return (await this.#storage.list(prefix)).map(({ key, value }) => decoded(codec, key, value));
  }

  keys(prefix: string): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    return this.#storage.list(prefix);
  }

  /** One change: reads what it is made of, and writes at most once. */
  change<T>(work: (write: Write) => Promise<T>): Promise<T> {
    return this.#book.alone(work);
  }

  /** @returns the purse as it is then; undefined: `change` has found nothing to change */
  changePurse(
    number: number,
    change: (purse: StoredPurse) => StoredPurse | undefined,
    alongside: readonly Put[] = [],
  ): Promise<StoredPurse | undefined> {
    return this.change(async (write) => {
      const before = await this.read(StoredPurse, PurseKey.purse(number));
      if (before === undefined) throw new Error(`purse ${number}: expected it, got none`);
      const after = change(before);
      if (after !== undefined) await write([pursePut(after), ...alongside]);
      return after;
    });
  }

  /** What cash says of a payment: the last word is the one that counts, but what is settled stays so. */
  noteSent(number: number, sequence: bigint, standing: Standing): Promise<StoredSent> {
    return this.#note(StoredSent, PurseKey.sent(number, sequence), standing);
  }

  noteReceived(number: number, request: bigint, standing: Standing): Promise<StoredReceived> {
    return this.#note(StoredReceived, PurseKey.got(number, request), standing);
  }

  #note<Stored extends { readonly standing: Standing }>(
    codec: Codec<Stored>,
    key: string,
    standing: Standing,
  ): Promise<Stored> {
    return this.change(async (write) => {
      const before = await this.read(codec, key);
      if (before === undefined) throw new Error(`${key}: expected it, got none`);
      if (before.standing.kind === 'settled' || isSame(before.standing, standing)) return before;
      const after = { ...before, standing };
      await write([{ key, value: codec.encode(after) }]);
      return after;
    });
  }

  // ── frauds and blocked purses ────────────────────────────────────────────────────────────────────────────────────────

  async proofs(): Promise<OwnProof[]> {
    const stored = await this.all(StoredProof, PurseKey.proofs);
    return stored.map(({ proof, isReported }, number) => ({
      number,
      proof,
      isReported: isReported === 'yes',
    }));
  }

  /** One that is there is not kept twice. */
  keepProof(proof: FraudProof): Promise<void> {
    return this.change(async (write) => {
      const bytes = FraudProof.encode(proof);
      const known = await this.proofs();
      if (known.some((one) => equalBytes(FraudProof.encode(one.proof), bytes))) return;
      if (known.length >= PROOFS_MAX) return;
      const value = StoredProof.encode({ proof, isReported: 'no' });
      await write([{ key: PurseKey.proof(known.length), value }]);
    });
  }

  noteProof({ number, proof }: OwnProof): Promise<void> {
    return this.change((write) =>
      write([{ key: PurseKey.proof(number), value: StoredProof.encode({ proof, isReported: 'yes' }) }]),
    );
  }

  /** The parts of one list. */
  async blockList(): Promise<SignedBlockList[]> {
    return this.all(BlockList.signed, PurseKey.blocks);
  }

  putBlockList(parts: readonly SignedBlockList[]): Promise<void> {
    return this.change(async (write) => {
      const old = (await this.keys(PurseKey.blocks)).slice(parts.length);
      await write([
        ...parts.map((part, i) => ({ key: PurseKey.blocked(i), value: BlockList.signed.encode(part) })),
        ...old.map(({ key }) => ({ key, value: undefined })),
      ]);
    });
  }

  /** Orders of other purses that can be reported no more, and prove nothing. */
  forgetSeen(now: bigint): Promise<void> {
    return this.change(async (write) => {
      const over = (await this.keys(PurseKey.seens)).filter(
        ({ value }) => handoverOf({ order: value }).reportBy < now,
      );
      if (over.length > 0) await write(over.map(({ key }) => ({ key, value: undefined })));
    });
  }
}

/** Whoever sends forgeries by the thousand finds no proofs: each has two signatures of one purse. */
const PROOFS_MAX = 1_000;

const CURRENT: ReadonlySet<StoredPurse['state']['kind']> = new Set(['opening', 'open', 'closing']);

export const purseKey = ({ number }: Pick<StoredPurse, 'number'>): string => PurseKey.purse(number);
export const pursePut = (purse: StoredPurse): Put => ({
  key: purseKey(purse),
  value: StoredPurse.encode(purse),
});

function isSame(one: Standing, other: Standing): boolean {
  if (one.kind !== other.kind) return false;
  return one.kind === 'unreported' || one.kind === 'waiting' || one.kind === 'rejected';
}
