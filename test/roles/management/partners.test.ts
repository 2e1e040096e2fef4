// Calls to settlement and cash as they go over the wire.
import { expect, test } from 'vitest';
import { CASH_REFUSALS } from '../../../src/roles/cash/errors.ts';
import {
  CashOperation,
  CreditAnswer,
  CreditRequest,
  GetBalanceRequest,
  OpenAccountAnswer,
  OpenAccountRequest,
} from '../../../src/roles/cash/messages.ts';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { MessageTransport } from '../../../src/roles/common/role-client.ts';
import { cashClient, settlementClient } from '../../../src/roles/management/partners.ts';
import { SETTLEMENT_REFUSALS } from '../../../src/roles/settlement/errors.ts';
import {
  ChargeAnswer,
  ChargeRequest,
  ReverseRequest,
  SettlementOperation,
} from '../../../src/roles/settlement/messages.ts';
import { chargeReceipt, creditReceipt, creditRejection, Device, EUR, sealedAccount } from './support.ts';

const ada = new Device(1);
const order = ada.order(5n);

/** Keeps what was sent, and answers with the given bytes. */
function transport(answers: (count: number) => readonly Uint8Array[]) {
  const sent: { readonly operation: number; readonly messages: readonly Uint8Array[] }[] = [];
  const call: MessageTransport['call'] = async (operation, messages) => {
    sent.push({ operation, messages });
    return answers(messages.length);
  };
  return { call, sent };
}

test('charges of a turn travel in one frame, each with its own answer', async () => {
  const codec = answerCodec(ChargeAnswer, SETTLEMENT_REFUSALS);
  const receipt = chargeReceipt(order);
  const bytes = [
    codec.encode({ kind: 'charged', receipt }),
    codec.encode(new Refusal('seal_invalid', 'expected another')),
    codec.encode(new Refusal<never>('busy', 'later')),
  ];
  const wire = transport(() => bytes);
  const request: ChargeRequest = {
    order,
    account: sealedAccount(),
    binding: { purpose: 'load', request: 5n },
  };
  const client = settlementClient(wire);
  const results = await Promise.all([client.charge(request), client.charge(request), client.charge(request)]);
  expect(results).toMatchObject([
    { kind: 'ok', answer: { kind: 'charged', receipt } },
    { kind: 'refused', refusal: { code: 'seal_invalid' } },
    { kind: 'unknown' },
  ]);
  expect(wire.sent).toHaveLength(1);
  expect(wire.sent[0]!.operation).toBe(SettlementOperation.charge);
  expect(ChargeRequest.decode(wire.sent[0]!.messages[0]!)).toEqual(request);
});

test('each call has its operation', async () => {
  const nothing = transport(() => []);
  const settlement = settlementClient(nothing);
  const cash = cashClient(nothing);
  await settlement.reverse({ request: 5n, reason: 'closed', rejection: creditRejection(1n, order) });
  await cash.openAccount({ device: 1n, signingKey: ada.signing.publicKey, currency: EUR });
  await cash.credit({ device: 1n, order, receipt: chargeReceipt(order) });
  // No answer in place of one: nobody knows.
  expect(await cash.getBalance({ device: 1n, currency: EUR })).toMatchObject({ kind: 'unknown' });
  const requests = [ReverseRequest, OpenAccountRequest, CreditRequest, GetBalanceRequest];
  expect(nothing.sent.map(({ operation }) => operation)).toEqual([
    SettlementOperation.reverse,
    CashOperation.open_account,
    CashOperation.credit,
    CashOperation.get_balance,
  ]);
  nothing.sent.forEach(({ messages }, i) => {
    expect(() => requests[i]!.decode(messages[0]!)).not.toThrow();
  });
});

test('what cash answers comes back as it was sent', async () => {
  const rejection = creditRejection(1n, order);
  const rejected = transport(() => [
    answerCodec(CreditAnswer, CASH_REFUSALS).encode({ kind: 'rejected', reason: 'closed', rejection }),
  ]);
  expect(
    await cashClient(rejected).credit({ device: 1n, order, receipt: chargeReceipt(order) }),
  ).toMatchObject({ answer: { rejection } });
  const receipt = creditReceipt(1n, order);
  const credited = transport(() => [
    answerCodec(CreditAnswer, CASH_REFUSALS).encode({ kind: 'credited', receipt }),
  ]);
  const result = await cashClient(credited).credit({ device: 1n, order, receipt: chargeReceipt(order) });
  expect(result).toEqual({ kind: 'ok', answer: { kind: 'credited', receipt } });
  const opened = transport(() => [answerCodec(OpenAccountAnswer, CASH_REFUSALS).encode({ timestamp: 9n })]);
  const account = { device: 1n, signingKey: ada.signing.publicKey, currency: EUR };
  expect(await cashClient(opened).openAccount(account)).toEqual({ kind: 'ok', answer: { timestamp: 9n } });
});
