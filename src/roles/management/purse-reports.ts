// Transfers that wallets report, a batch at a time. As with purchases, money moves at cash alone, once for each transfer,
// and cash answers the same for ever. Who reports does not matter: what is signed does.
//
//     messages ─▶ device? ─▶ an order of purses ─▶ payers' numbers ─▶ cash ─▶ credible? ─▶ records, ─▶ answers
//                            of the registry       one batch a key    one     one batch    frauds:
//                                                                     batch                one write
//
//     refused      by a rule of the message alone: the same for ever, and nothing was done
//     pending      cash has not answered, or not credibly: report it again
//     reported     cash's word. Settled and rejected are final, and signed; waiting and disputed are not: report it again
//
// The purse says which device pays. The number that is sealed for management says so too; where the two differ, the seal is
// worth nothing, and the transfer settles (wrong-seals.ts).
//
// With its word about a transfer cash gives the first proof against a payer's purse that has cheated. Management believes
// only what it has checked itself; then it blocks the device in its registry (purse-frauds.ts). The operator pays, or is to
// decide, only where there is such a proof.
import { ed25519, sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import type { SetTimer } from '../../shared/timer.ts';
import { StoreError } from '../../store/errors.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type { SettleTransferAnswer } from '../cash/purse-messages.ts';
import { Refusal } from '../common/refusal.ts';
import type { CallResult } from '../common/role-client.ts';
import { isSound } from '../documents/fraud-proof.ts';
import { orderSignature, orderSignedBytes } from '../documents/payment-order.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import { type Handover, type PayerContent, readHandover } from '../documents/transfer.ts';
import type { Trace } from '../flow/flow.ts';
import type { CashSigned, CheckCashSignatures } from './cash-signatures.ts';
import { checkRequestId, type Refused, refuse } from './check.ts';
import { checkPaymentReceipt, checkPaymentRejection } from './check-receipt.ts';
import type { Doubts } from './doubts.ts';
import type { CashClient, ManagementLog } from './interface.ts';
import type { OpenPayers, SealProblem } from './payer-seals.ts';
import type { DevicePeer } from './peers.ts';
import { type AskersOptions, purseAskers } from './purse-askers.ts';
import { type Fraud, findFraudIn, isKnownProof, writeFraud } from './purse-frauds.ts';
import type { ReportTransferAnswer, ReportTransferRequest } from './purse-messages.ts';
import type { KnownPurse } from './purse-registry.ts';
import { type FinalTransfer, isNewTransfer, putTransfer } from './purse-transfers.ts';
import { CASH_WAIT_MS } from './relay.ts';
import { withinSignal } from './within.ts';
import type { WrongSeal, WrongSeals } from './wrong-seals.ts';

export interface ReportsOptions extends AskersOptions {
  readonly store: RoleStore;
  /** As they are on the disk. */
  readonly purseOf: (purse: bigint) => KnownPurse | undefined;
  readonly cash: Pick<CashClient, 'settleTransfers'>;
  readonly openPayers: OpenPayers;
  readonly checkSignatures: CheckCashSignatures;
  readonly wrongSeals: WrongSeals;
  readonly doubts: Doubts;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  readonly trace: Trace;
  readonly log: ManagementLog;
}

const SETTLING = 'settling';

/** An order that can be one of its purse: what it says, and whose it is. */
interface Transfer extends Handover {
  readonly order: Uint8Array;
  readonly purse: KnownPurse;
}

/** What cash's answer comes to. */
type Finding =
  | {
      readonly kind: 'told';
      readonly outcome: SettleTransferAnswer;
      readonly signed: CashSigned | undefined;
      readonly final: FinalTransfer | undefined;
      readonly fraud: Fraud | undefined;
    }
  | { readonly kind: 'refused'; readonly refusal: Refused }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'distrusted'; readonly problem: string };

type Told = Finding & { readonly kind: 'told' };

/** An answer each, in order. */
export async function reportTransfers(
  messages: readonly ReportTransferRequest[],
  peers: readonly DevicePeer[],
  options: ReportsOptions,
): Promise<(ReportTransferAnswer | Refused)[]> {
  const { purseOf, clock } = options;
  const now = clock();
  const answers: (ReportTransferAnswer | Refused)[] = new Array(messages.length);
  const mayReport = purseAskers(now, options);
  const places: number[] = [];
  const transfers: Transfer[] = [];
  messages.forEach(({ transfer: { order } }, i) => {
    const transfer = mayReport(peers[i]!) ?? lookAt(purseOf, order);
    if (transfer instanceof Refusal) answers[i] = transfer;
    else {
      places.push(i);
      transfers.push(transfer);
    }
  });
  if (transfers.length === 0) return answers;
  const digests = sha256.batch(transfers.map(({ order }) => orderSignedBytes(order)));
  const contents = await options.openPayers(
    transfers.map(({ request, payee }, n) => ({
      payer: messages[places[n]!]!.transfer.payer,
      binding: { request, payee },
    })),
    now,
  );
  const told = await settle(transfers, digests, options);
  places.forEach((i, n) => {
    const answer = told[n]!;
    answers[i] = answer;
    // Of an order that cash has not found signed, anyone may have made the number beside it.
    if (answer instanceof Refusal || answer.kind === 'pending') return;
    const transfer = transfers[n]!;
    const problem = checkSeal(contents[n]!, transfer, digests[n]!);
    if (problem !== undefined) options.wrongSeals.add(transfer.request, transfer.payer, problem);
  });
  return answers;
}

// ---- Before cash is asked

/** An order between purses of the registry, as the payer's purse can have signed it. The signature is cash's to check. */
function lookAt(purseOf: ReportsOptions['purseOf'], order: Uint8Array): Transfer | Refused {
  const read = readHandover(order);
  if (read === undefined || !isSound(read)) {
    return invalid('expected an order from purse to purse, got another');
  }
  const refused = checkRequestId(read.request);
  if (refused !== undefined) return refused;
  const purse = purseOf(read.payer);
  const payee = purseOf(read.payee);
  if (purse === undefined || payee === undefined) {
    return refuse('purse_unknown', 'order: expected purses of the registry, got another');
  }
  if (read.payer === read.payee) return invalid('expected another purse to be paid, got its own');
  if (read.currency !== purse.currency || read.currency !== payee.currency) {
    return invalid('expected the currency of both purses, got another');
  }
  if (read.keyId !== purse.keyId) {
    return invalid("expected the id of the payer's key, got another");
  }
  if (read.reportBy !== purse.reportBy) return invalid("expected its purse's reportBy, got another");
  return { ...read, order, purse };
}

const invalid = (what: string): Refused => refuse('transfer_invalid', `order: ${what}`);

function checkSeal(
  content: PayerContent | SealProblem,
  { payer, purse }: Transfer,
  digest: Uint8Array,
): WrongSeal | undefined {
  if (typeof content === 'string') return content;
  if (content.device !== purse.device) return 'seal_of_other_device';
  if (content.purse !== payer) return 'seal_of_other_purse';
  return equalBytes(content.orderDigest, digest) ? undefined : 'seal_of_other_order';
}

// ---- Cash

/** Answers in order. */
async function settle(
  transfers: readonly Transfer[],
  digests: readonly Uint8Array[],
  options: ReportsOptions,
): Promise<(ReportTransferAnswer | Refused)[]> {
  const { cash, setTimer, trace, doubts, store } = options;
  const first = transfers[0]!.request;
  trace('before_effect', first, SETTLING);
  const requests = transfers.map(({ order, purse: { device } }) => ({ device, order }));
  const results = await withinSignal(
    CASH_WAIT_MS,
    (signal) => cash.settleTransfers(requests, signal),
    setTimer,
  );
  trace('after_effect', first, SETTLING);
  const findings = transfers.map((transfer, n) => read(store, results[n]!, transfer, digests[n]!));
  await checkAll(findings, options.checkSignatures);
  const failure = await writeAll(first, findings.filter(isTold), options);
  return findings.map((finding, n): ReportTransferAnswer | Refused => {
    const { request } = transfers[n]!;
    if (finding.kind === 'unknown') return { kind: 'pending' };
    if (finding.kind === 'distrusted') {
      doubts.add(request, SETTLING, finding.problem);
      return { kind: 'pending' };
    }
    doubts.end(request);
    if (finding.kind === 'refused') return finding.refusal;
    return failure ?? { kind: 'reported', outcome: finding.outcome };
  });
}

const isTold = (finding: Finding): finding is Told => finding.kind === 'told';

function read(
  reads: StoreReads,
  result: CallResult<SettleTransferAnswer, CashRefusal>,
  transfer: Transfer,
  digest: Uint8Array,
): Finding {
  if (result.kind === 'unknown') return result;
  if (result.kind === 'refused') return ofRefusal(result.refusal.code, transfer);
  const { answer: outcome } = result;
  const problem = checkOutcome(outcome, transfer, digest);
  if (problem !== undefined) return { kind: 'distrusted', problem };
  const { fraud: proof } = outcome;
  let fraud: Fraud | undefined;
  if (proof !== undefined && !isKnownProof(reads, transfer.payer, proof)) {
    fraud = findFraudIn(reads, proof);
    if (fraud?.purse !== transfer.payer) return { kind: 'distrusted', problem: 'fraud_unproven' };
  }
  return { kind: 'told', outcome, fraud, ...ofOutcome(outcome, transfer) };
}

/** Cash may refuse what nobody has signed; all else about the order, management has looked at itself. */
function ofRefusal(code: string, { order, purse }: Transfer): Finding {
  if (code !== 'signature_invalid' || hasSigned(purse, order)) return { kind: 'distrusted', problem: code };
  const refusal = refuse(
    'signature_invalid',
    "signature: expected one by the payer's purse of this order, got another",
  );
  return { kind: 'refused', refusal };
}

function hasSigned({ signingKey }: KnownPurse, order: Uint8Array): boolean {
  return ed25519.verify(signingKey, orderSignedBytes(order), orderSignature(order));
}

/** undefined: cash can have said so of this transfer. */
function checkOutcome(
  { outcome, fraud }: SettleTransferAnswer,
  transfer: Transfer,
  digest: Uint8Array,
): string | undefined {
  switch (outcome.kind) {
    case 'settled': {
      const { document } = outcome.receipt;
      const problem = checkPaymentReceipt(document, { ...transfer, kind: 'sale' }, transfer.payee);
      if (problem !== undefined) return problem;
      if (!equalBytes(document.orderDigest, digest)) return 'receipt_of_other_order';
      return outcome.from === 'loss' && fraud === undefined ? 'covered_without_fraud' : undefined;
    }
    case 'rejected': {
      const { document } = outcome.rejection;
      const problem = checkPaymentRejection(document, transfer, transfer.payee);
      if (problem !== undefined) return problem;
      return equalBytes(document.orderDigest, digest) ? undefined : 'receipt_of_other_order';
    }
    case 'waiting':
      return outcome.reportBy === transfer.purse.reportBy ? undefined : 'waiting_until_other_time';
    case 'disputed':
      return fraud === undefined ? 'disputed_without_fraud' : undefined;
  }
}

/** What of it is signed, and what of it is final. */
function ofOutcome(
  { outcome }: SettleTransferAnswer,
  { request, payer, payee, amount, currency, purse: { device } }: Transfer,
): Pick<Told, 'signed' | 'final'> {
  const transfer = { request, device, payer, payee, amount, currency };
  if (outcome.kind === 'settled') {
    const { document, signature } = outcome.receipt;
    const word = outcome.from === 'loss' ? 'covered' : 'settled';
    return {
      signed: { keyId: document.keyId, message: PaymentReceipt.signedBytes(document), signature },
      final: { ...transfer, outcome: word, reason: '', at: document.timestamp },
    };
  }
  if (outcome.kind === 'rejected') {
    const { document, signature } = outcome.rejection;
    return {
      signed: { keyId: document.keyId, message: PaymentRejection.signedBytes(document), signature },
      final: { ...transfer, outcome: 'rejected', reason: document.reason, at: document.rejectedAt },
    };
  }
  return { signed: undefined, final: undefined };
}

/** What cash has not signed as it should is distrusted. */
async function checkAll(findings: Finding[], checkSignatures: CheckCashSignatures): Promise<void> {
  const places: number[] = [];
  const signed: CashSigned[] = [];
  findings.forEach((finding, place) => {
    if (finding.kind !== 'told' || finding.signed === undefined) return;
    places.push(place);
    signed.push(finding.signed);
  });
  if (places.length === 0) return;
  const problems = await checkSignatures(signed);
  places.forEach((place, i) => {
    const problem = problems[i];
    if (problem !== undefined) findings[place] = { kind: 'distrusted', problem };
  });
}

/** A refusal after which it is reported again: what is not written is not told. */
async function writeAll(
  first: bigint,
  told: readonly Told[],
  { store, clock, trace, log }: ReportsOptions,
): Promise<Refused | undefined> {
  const finals = told.flatMap(({ final }) =>
    final !== undefined && isNewTransfer(store, final) ? [final] : [],
  );
  const frauds = told.flatMap(({ fraud }) => (fraud === undefined ? [] : [fraud]));
  if (finals.length === 0 && frauds.length === 0) return undefined;
  try {
    trace('before_write', first, SETTLING);
    const found = await store.transaction((tx) => {
      for (const final of finals) putTransfer(tx, final);
      return frauds.filter((fraud) => writeFraud(tx, fraud, clock()).isNew);
    });
    for (const fraud of found) logFraud(fraud, log);
    trace('after_write', first, SETTLING);
    return undefined;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_full') {
      return refuse('storage_full', 'nothing was stored, the disk is full');
    }
    if (error instanceof StoreError && error.code === 'store_busy') return refuse('busy', error.what);
    log.error({ count: finals.length, error: String(error) }, 'transfers could not be written');
    return refuse('internal_error', 'the outcome could not be written');
  }
}

export function logFraud({ device, purse, kind }: Fraud, log: ManagementLog): void {
  log.warn(
    { device: String(device), purse: String(purse), kind },
    'a purse has cheated: its device is blocked',
  );
}
