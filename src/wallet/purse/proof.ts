// The proof of the purses' books: every signature, and that payments are numbered and added up without a gap.
//
//     allowance + received + credits of statements - sent = left, never below 0
import { PurseCertificate } from '../../identity/purse-certificate.ts';
import { Statement } from '../../roles/documents/statement.ts';
import { TransferReceipt } from '../../roles/documents/transfer.ts';
import { OpenPurseRequest } from '../../roles/management/purse-messages.ts';
import { checkOpening } from '../core/check-opening.ts';
import { checkPaymentReceipt, checkPaymentRejection } from '../core/check-payment.ts';
import type { WalletCrypto } from '../core/ports.ts';
import { idText } from '../core/records.ts';
import type { RequestRecord } from '../core/request.ts';
import { checkReceipt } from '../peer/check-receipt.ts';
import { isSignedBy } from '../peer/funding.ts';
import { handoverOf } from '../peer/records.ts';
import type { PurseBook, PurseRecords } from './purse-book.ts';
import type { PurseProof } from './purse-types.ts';
import type { Issued, Standing, StoredPurse } from './records.ts';
import { expectationOfOrder } from './reports.ts';
import { leftOf, payeeOf } from './transfer-report.ts';

export interface ProofOptions {
  readonly currency: number;
  readonly crypto: WalletCrypto;
  readonly request: (id: bigint) => Promise<RequestRecord | undefined>;
}

export async function provenPurses(book: PurseBook, options: ProofOptions): Promise<PurseProof> {
  const problems: string[] = [];
  const openings = new Map<bigint, bigint>();
  const [purses, counts] = [await book.purses(), { sent: 0, received: 0 }];
  for (const purse of purses) {
    const { issued, request, number } = purse;
    if (issued === undefined) continue;
    const records = await book.records(purse);
    const problem = (what: string) => problems.push(`purse ${number}: ${what}`);
    openings.set(request, issued.allowance.document.amount);
    await proveOpening(purse, issued, options, problem);
    proveSent(records, issued, options, problem);
    proveReceived(records, issued, options, problem);
    await proveUnseen(book, records, issued, options, problem);
    const left = leftOf(records);
    if (left < 0n) problem(`expected no more sent than there was, got ${-left} minor units more`);
    counts.sent += records.sent.length;
    counts.received += records.received.length;
  }
  return { purses: purses.length, ...counts, problems, openings };
}

type Problem = (what: string) => void;

async function proveOpening(
  { request }: StoredPurse,
  { certificate, allowance, cashKey }: Issued,
  { crypto, currency, request: find }: ProofOptions,
  problem: Problem,
): Promise<void> {
  const record = await find(request);
  if (record?.kind !== 'reserve' || record.state.kind !== 'opened') {
    problem('expected its opening among the requests, opened, got otherwise');
    return;
  }
  const { document: opening } = OpenPurseRequest.decode(record.message).opening;
  const { document } = PurseCertificate.signed.decode(certificate);
  const wrong = checkOpening(opening, allowance, document, cashKey, crypto);
  if (wrong !== undefined) problem(wrong);
  if (opening.currency !== currency) problem(`expected currency ${currency}, got ${opening.currency}`);
}

function proveSent(
  { purse, sent }: PurseRecords,
  { allowance }: Issued,
  { crypto }: ProofOptions,
  problem: Problem,
): void {
  let [sequence, total] = [0n, 0n];
  for (const stored of sent) {
    const { payment, receipt, standing } = stored;
    const { order } = payment.message;
    const handover = handoverOf(payment.message);
    sequence += 1n;
    total += handover.amount;
    const of = `payment ${handover.sequence}`;
    if (handover.sequence !== sequence || handover.total !== total)
      problem(`${of}: expected number ${sequence} and total ${total}, got total ${handover.total}`);
    if (
      handover.payer !== allowance.document.purse ||
      !isSignedBy(order, allowance.document.signingKey, crypto)
    )
      problem(`${of}: expected what this purse has signed, got something else`);
    const wrong = receipt && checkReceipt(receipt, payment.message, payeeOf(stored), crypto);
    if (wrong !== undefined) problem(`${of}: ${wrong}`);
    proveStanding(order, standing, crypto, (what) => problem(`${of}: ${what}`));
  }
  if (purse.state.kind !== 'closing') return;
  const { document } = purse.state.closing;
  if (document.lastSequence !== sequence || document.total !== total)
    problem(
      `closing: expected ${sequence} payments of ${total}, got ${document.lastSequence} of ${document.total}`,
    );
}

function proveReceived(
  { received }: PurseRecords,
  { allowance: { document: own } }: Issued,
  { crypto }: ProofOptions,
  problem: Problem,
): void {
  for (const { payment, standing } of received) {
    const { message, allowance, receipt } = payment;
    const { request, payer, payee } = handoverOf(message);
    const of = `received ${idText(request)}`;
    const { signingKey, purse } = allowance.document;
    if (payee !== own.purse || payer !== purse || !isSignedBy(message.order, signingKey, crypto))
      problem(`${of}: expected what its payer's purse has signed for this one, got something else`);
    if (!crypto.verify(own.signingKey, TransferReceipt.signedBytes(receipt.document), receipt.signature))
      problem(`${of}: expected this purse's receipt, got something else`);
    proveStanding(message.order, standing, crypto, (what) => problem(`${of}: ${what}`));
  }
}

function proveStanding(order: Uint8Array, standing: Standing, crypto: WalletCrypto, problem: Problem): void {
  const wrong =
    standing.kind === 'settled'
      ? checkPaymentReceipt(standing.receipt, expectationOfOrder(order, crypto), standing.cashKey, crypto)
      : standing.kind === 'rejected'
        ? checkPaymentRejection(
            standing.rejection,
            expectationOfOrder(order, crypto),
            standing.cashKey,
            crypto,
          )
        : undefined;
  if (wrong !== undefined) problem(wrong);
}

async function proveUnseen(
  book: PurseBook,
  { purse, unseen }: PurseRecords,
  { allowance }: Issued,
  { crypto }: ProofOptions,
  problem: Problem,
): Promise<void> {
  const credits = new Map<bigint, bigint>();
  for (const { statement, cashKey } of await book.pages(purse)) {
    const { document, signature } = statement;
    if (
      document.device !== allowance.document.purse ||
      !crypto.verify(cashKey, Statement.signedBytes(document), signature)
    )
      problem('statement: expected what cash has signed of this purse, got something else');
    for (const { transfer, side, amount } of document.entries) {
      if (side === 'credit') credits.set(transfer, amount);
    }
  }
  for (const { request, amount } of unseen) {
    if (credits.get(request) !== amount)
      problem(
        `credit ${idText(request)}: expected it on a statement with ${amount}, got ${credits.get(request)}`,
      );
  }
}
