// What the flows ask of others, and what their answers mean.
//
//     ok, credible    ▶ an outcome: the flow goes on
//     pending         ▶ again, after a pause that grows
//     no answer       ▶ again, after a pause that grows
//     not credible    ▶ `distrusted`, once for each problem; then again (distrust.ts)
//
// A refusal is an outcome where it says for good that nothing was done and nothing will be: only settlement's of a charge
// may. Others say that the partner takes our message for something that it is not: whether an earlier one was carried out,
// or a later one will be, is then open, so those are not credible. flow.ts says what is behind each refusal by cash.
import { equalBytes } from '../../identity/binary-text.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type { Distrust } from '../common/distrust.ts';
import type { CommonRefusal } from '../common/refusal.ts';
import type { SignedChargeReceipt } from '../documents/receipts.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { SettlementRefusal } from '../settlement/errors.ts';
import type { IssueCertificate } from './certificates.ts';
import {
  checkChargeReceipt,
  checkCreditReceipt,
  checkCreditRejection,
  type ReceiptChecks,
} from './check-receipt.ts';
import {
  type EnrolEffect,
  type EnrolOutcome,
  type LoadEffect,
  type LoadOutcome,
  SERIAL_FIRST,
} from './flow.ts';
import type { CashClient, SettlementClient } from './interface.ts';

/** A refusal says that nothing was charged and nothing will be; these do not. */
const NOT_CREDIBLE_FROM_SETTLEMENT: ReadonlySet<SettlementRefusal | CommonRefusal> = new Set([
  // It takes the message for something else than it is, or management for somebody else.
  'malformed',
  'not_permitted',
  'request_differs',
  // Management has checked the signature itself.
  'signature_invalid',
  // Of a charge this is no answer, and management reverses only what it holds a receipt of.
  'request_unknown',
] as const);

/**
 * Settlement's directory and configuration decide about these, and both may change: the refusal says that nothing is
 * charged now, not that a copy of the charge that is still on its way will not be.
 */
const MAY_PASS_AT_SETTLEMENT: ReadonlySet<SettlementRefusal | CommonRefusal> = new Set([
  'seal_key_unknown',
  'currency_not_offered',
  'amount_too_large',
] as const);
/** A directory or a configuration is replaced within seconds or minutes. */
const REFUSED_PAUSE_MS = 5_000;

/** By cash: settlement's signature does not count there. */
const RECEIPT_REFUSED: CashRefusal = 'receipt_invalid';

export interface EffectsOptions {
  readonly settlement: SettlementClient;
  readonly cash: CashClient;
  readonly issueCertificate: IssueCertificate;
  readonly receipts: ReceiptChecks;
  readonly now: () => bigint;
  readonly distrust: Distrust;
}

export interface Effects {
  readonly performEnrolment: Perform<EnrolEffect, EnrolOutcome>;
  readonly performLoad: Perform<LoadEffect, LoadOutcome>;
}

export function managementEffects(options: EffectsOptions): Effects {
  const { settlement, cash, issueCertificate, receipts, now, distrust } = options;

  async function open(item: EffectItem<EnrolEffect & { kind: 'open' }>): Promise<EnrolOutcome | Again> {
    const { account, certify } = item.effect;
    const result = await cash.openAccount(account);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    if (certify === undefined) return { kind: 'opened', issued: undefined };
    const { device, signingKey } = account;
    const keys = { device, signingKey, channelKey: certify.channelKey, serial: SERIAL_FIRST };
    return { kind: 'opened', issued: issueCertificate(keys, now()) };
  }

  async function charge(item: EffectItem<LoadEffect & { kind: 'charge' }>): Promise<LoadOutcome | Again> {
    const { request, refused } = item.effect;
    const result = await settlement.charge(request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') {
      const { code } = result.refusal;
      if (MAY_PASS_AT_SETTLEMENT.has(code)) {
        return refused === undefined ? { kind: 'refused', reason: code } : again(REFUSED_PAUSE_MS);
      }
      return NOT_CREDIBLE_FROM_SETTLEMENT.has(code)
        ? distrust.distrust(item, code)
        : { kind: 'declined', reason: code };
    }
    const { answer } = result;
    if (answer.kind === 'pending') return refused === undefined ? again() : { kind: 'taken' };
    if (answer.kind !== 'charged') return answer;
    const problem = await checkChargeReceipt(answer.receipt, request.order, receipts);
    return problem === undefined ? answer : distrust.distrust(item, problem);
  }

  /**
   * What settlement has signed anew, if cash has refused the receipt of before. Not at the first attempt: cash may only have
   * an older directory, and a settlement that always says something else would keep both busy.
   */
  async function renewedCharge({
    effect,
    attempt,
  }: EffectItem<LoadEffect & { kind: 'credit' }>): Promise<SignedChargeReceipt | undefined> {
    if (effect.distrusted !== RECEIPT_REFUSED || attempt < 2) return undefined;
    const { receipt } = effect.request;
    const result = await settlement.charge(effect.charge);
    if (result.kind !== 'ok' || result.answer.kind !== 'charged') return undefined;
    const { receipt: found } = result.answer;
    if (equalBytes(found.signature, receipt.signature)) return undefined;
    const problem = await checkChargeReceipt(found, effect.charge.order, receipts);
    return problem === undefined ? found : undefined;
  }

  async function credit(item: EffectItem<LoadEffect & { kind: 'credit' }>): Promise<LoadOutcome | Again> {
    const { request } = item.effect;
    const renewed = await renewedCharge(item);
    if (renewed !== undefined) return { kind: 'charged', receipt: renewed };
    const result = await cash.credit(request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    const { answer } = result;
    const problem =
      answer.kind === 'credited'
        ? await checkCreditReceipt(answer.receipt, request.device, request.order, receipts)
        : await checkCreditRejection(answer.rejection, request.device, request.order, receipts);
    return problem === undefined ? answer : distrust.distrust(item, problem);
  }

  async function reverse(item: EffectItem<LoadEffect & { kind: 'reverse' }>): Promise<LoadOutcome | Again> {
    const result = await settlement.reverse(item.effect.request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    return result.answer.kind === 'pending' ? again() : result.answer;
  }

  async function prevent(item: EffectItem<LoadEffect & { kind: 'prevent' }>): Promise<LoadOutcome | Again> {
    const result = await settlement.reverse(item.effect.request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') {
      const { code } = result.refusal;
      // It is charged after all: asked for the charge, settlement gives the receipt.
      return code === 'rejection_required' ? { kind: 'taken' } : distrust.distrust(item, code);
    }
    return result.answer.kind === 'pending' ? again() : { kind: 'prevented' };
  }

  const performEnrolment = async (item: EffectItem<EnrolEffect>): Promise<EnrolOutcome | Again> =>
    item.effect.kind === 'open' ? open({ ...item, effect: item.effect }) : { kind: 'expired' };

  function performLoad({ effect, ...item }: EffectItem<LoadEffect>): Promise<LoadOutcome | Again> {
    switch (effect.kind) {
      case 'charge':
        return charge({ ...item, effect });
      case 'credit':
        return credit({ ...item, effect });
      case 'prevent':
        return prevent({ ...item, effect });
      case 'reverse':
        return reverse({ ...item, effect });
    }
  }

  return {
    performEnrolment: (items) => items.map((item) => distrust.noting(item.id, performEnrolment(item))),
    performLoad: (items) => items.map((item) => distrust.noting(item.id, performLoad(item))),
  };
}
