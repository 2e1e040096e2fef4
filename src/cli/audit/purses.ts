// Purses: what wallets say that they have paid each other, against the ledger and against each other. A wallet writes a payment down
// before it sends it, and a payee before it answers, so
//
//     what a payee has, its payer has          what a payer has a receipt for, its payee has
//     what cash has taken of a purse, its wallet has sent          what a wallet has cash's receipt for, cash has
//
// Payments that cash does not have are no fault: nobody has reported them yet. They are counted.
import type { Client } from '../../channel/client.ts';
import type { Transfer } from '../../layout/generated.ts';
import { TransferCode } from '../../roles/cash/accounts.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import { handoverOf } from '../../wallet/peer/records.ts';
import {
  PurseKey,
  StoredPurse,
  StoredReceived,
  StoredSent,
  StoredUnseen,
} from '../../wallet/purse/records.ts';
import { parts } from '../ids.ts';
import { TransferReader } from './collect.ts';
import type { AuditCheck, Finding } from './compare.ts';

/** One payment, as a wallet has it. */
export interface Handed {
  readonly request: bigint;
  readonly payer: bigint;
  readonly payee: bigint;
  readonly amount: bigint;
  /** Sent: the payee has signed for it. Received: always. */
  readonly hasReceipt: boolean;
  /** Cash has signed for it. */
  readonly isSettled: boolean;
}

export interface PurseBooks {
  readonly purse: bigint;
  /** The wallet's name, for findings. */
  readonly wallet: string;
  readonly reserved: bigint;
  readonly isClosed: boolean;
  readonly sent: readonly Handed[];
  readonly received: readonly Handed[];
  /** Credits that the wallet knows from cash alone. */
  readonly unseen: ReadonlyMap<bigint, bigint>;
}

export interface Handovers {
  readonly sent: number;
  readonly settled: number;
  readonly unreported: number;
  /** Of those: without a receipt. */
  readonly inDoubt: number;
}

export async function pursesIn(storage: WalletStorage, wallet: string): Promise<PurseBooks[]> {
  const books: PurseBooks[] = [];
  const all = async <Value>(codec: { decode(bytes: Uint8Array): Value }, prefix: string): Promise<Value[]> =>
    (await storage.list(prefix)).map(({ value }) => codec.decode(value));
  for (const { number, issued, state } of await all(StoredPurse, PurseKey.purses)) {
    if (issued === undefined) continue;
    const { purse, amount: reserved } = issued.allowance.document;
    const handed = (
      { payment: { message }, standing }: StoredSent | StoredReceived,
      hasReceipt: boolean,
    ): Handed => {
      const { request, payer, payee, amount } = handoverOf(message);
      return { request, payer, payee, amount, hasReceipt, isSettled: standing.kind === 'settled' };
    };
    const unseen = await all(StoredUnseen, PurseKey.unseens(number));
    books.push({
      ...{ purse, wallet, reserved, isClosed: state.kind === 'closed' },
      sent: (await all(StoredSent, PurseKey.sents(number))).map((one) =>
        handed(one, one.receipt !== undefined),
      ),
      received: (await all(StoredReceived, PurseKey.gots(number))).map((one) => handed(one, true)),
      unseen: new Map(unseen.map(({ request, amount }) => [request, amount])),
    });
  }
  return books;
}

/** What cash has of each purse; the oldest first. */
export type PurseTransfers = ReadonlyMap<bigint, readonly PurseTransfer[]>;
export type PurseTransfer = Pick<Transfer, 'id' | 'code' | 'amount' | 'debitAccountId'>;

const HISTORIES_AT_ONCE = 64;

/** After the wallets were read: what they have done, cash may have; the other way round it must not be. */
export async function pursesAtCash(client: Client, books: readonly PurseBooks[]): Promise<PurseTransfers> {
  const transfers = new Map<bigint, Transfer[]>();
  for (const some of parts(books, HISTORIES_AT_ONCE)) {
    const read = async ({ purse }: PurseBooks): Promise<void> => {
      const found: Transfer[] = [];
      await new TransferReader(client).more(purse, (transfer) => found.push(transfer));
      transfers.set(purse, found);
    };
    await Promise.all(some.map(read));
  }
  return transfers;
}

/** Ids that cash makes by itself begin with eight ones: covers, and payments whose own id was used up. */
const DERIVED_IDS_FROM = 0xffn << 120n;

export function comparePurses(
  books: readonly PurseBooks[],
  atCash: PurseTransfers,
): { readonly check: AuditCheck; readonly handovers: Handovers } {
  const findings: Finding[] = [];
  for (const book of books) compareWithCash(book, atCash.get(book.purse) ?? [], findings);
  compareWithEachOther(books, findings);
  const settled = new Set([...atCash.values()].flat().map(({ id }) => id));
  const sent = books.flatMap((book) => book.sent);
  const unreported = sent.filter(({ request }) => !settled.has(request));
  return {
    check: {
      name: 'payers, payees and cash have the same payments from purse to purse',
      compared: sent.length + books.length,
      findings,
    },
    handovers: {
      sent: sent.length,
      settled: sent.length - unreported.length,
      unreported: unreported.length,
      inDoubt: unreported.filter(({ hasReceipt }) => !hasReceipt).length,
    },
  };
}

function compareWithCash(book: PurseBooks, transfers: readonly PurseTransfer[], findings: Finding[]): void {
  const { purse, wallet, sent, received, unseen } = book;
  const problem = (request: bigint, text: string) =>
    findings.push({ request, text: `purse ${purse.toString(16)} of ${wallet}: ${text}` });
  const out = new Map(sent.map((one) => [one.request, one.amount]));
  const inward = new Map([...received.map((one): [bigint, bigint] => [one.request, one.amount]), ...unseen]);
  const atCash = new Map<bigint, bigint>();
  const derived: bigint[] = [];
  let [reserved, balance] = [0n, 0n];
  for (const { id, code, amount, debitAccountId } of transfers) {
    const isOut = debitAccountId === purse;
    balance += isOut ? -amount : amount;
    if (code === TransferCode.reserve) reserved += amount;
    if (id >= DERIVED_IDS_FROM) derived.push(amount);
    if (code !== TransferCode.handover || id >= DERIVED_IDS_FROM) continue;
    atCash.set(id, amount);
    const known = (isOut ? out : inward).get(id);
    // What others have reported, the wallet may not have heard of yet; what it has paid itself, it must know.
    if (known === undefined && isOut) problem(id, `cash has paid ${amount}, the wallet has not`);
    if (known !== undefined && known !== amount) problem(id, `wallet ${known}, cash ${amount}`);
  }
  for (const { request, amount, isSettled } of [...sent, ...received]) {
    if (!isSettled || atCash.has(request)) continue;
    const place = derived.indexOf(amount);
    if (place === -1)
      problem(request, `the wallet has cash's receipt of ${amount}, cash has no such transfer`);
    else derived.splice(place, 1);
  }
  if (reserved !== book.reserved) problem(0n, `wallet has reserved ${book.reserved}, cash ${reserved}`);
  // What comes to a purse that is closed goes on to its device at once.
  if (book.isClosed && balance !== 0n) problem(0n, `closed, but cash has ${balance} in it`);
}

function compareWithEachOther(books: readonly PurseBooks[], findings: Finding[]): void {
  const byPurse = new Map(books.map((book) => [book.purse, book]));
  const amounts = (handed: readonly Handed[]) => new Map(handed.map((one) => [one.request, one.amount]));
  const sent = new Map(books.map((book) => [book.purse, amounts(book.sent)]));
  const received = new Map(books.map((book) => [book.purse, amounts(book.received)]));
  for (const { sent: own, received: got } of books) {
    for (const { request, payer, amount } of got) {
      const there = sent.get(payer)?.get(request);
      if (byPurse.has(payer) && there !== amount)
        findings.push({ request, text: `payee: received ${amount}, payer: ${there ?? 'not sent'}` });
    }
    for (const { request, payee, amount, hasReceipt } of own) {
      const there = received.get(payee)?.get(request);
      if (hasReceipt && byPurse.has(payee) && there !== amount)
        findings.push({ request, text: `payer: paid ${amount}, payee: ${there ?? 'not received'}` });
    }
  }
}
