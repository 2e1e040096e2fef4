// kill -9 before and after the writes of a refund and of a replacement, one after the other: asked again, each is done once.
import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import {
  CashOperation,
  cashProtocol,
  DeviceOrderRequest,
  GetBalanceRequest,
  ShopOrderRequest,
} from '../../../src/roles/cash/messages.ts';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import { DeviceOrder } from '../../../src/roles/documents/device-order.ts';
import type { Codec } from '../../../src/shared/codec.ts';
import { openRoleStore } from '../../../src/store/lmdb-store.ts';
import { funded, openedShop } from './pay-support.ts';
import { paid, shopOrder } from './shop-support.ts';
import { EUR, keyPair, nextRequest, TestCash } from './support.ts';
import { type Call, hex, run } from './victim.ts';

/** The first two are those of the system accounts, which kill.test.ts sees to. */
const STEP_FIRST = 2;
const STRIDE = process.env.SPECIE_SLOW_TESTS === '1' ? 1 : 5;
const ANNA = keyPair(70_001);

function line<Answer>(
  operation: { readonly answer: Codec<Answer> },
  answer: string,
  text: (answer: Answer) => string,
): string {
  const decoded = answerCodec(operation.answer, cashProtocol.refusals).decode(
    Uint8Array.from(Buffer.from(answer, 'hex')),
  );
  return decoded instanceof Refusal ? `refused: ${decoded.code}` : text(decoded);
}

test('killed before and after each write', { timeout: 300_000 }, async () => {
  const prepared = mkdtempSync(join(tmpdir(), 'specie-cash-kill-'));
  const store = await openRoleStore({ path: join(prepared, 'store') });
  const cash = await TestCash.open({ path: prepared, store });
  const [shop, old, by] = [await openedShop(cash), await funded(cash, 500n), await funded(cash, 7n)];
  const sale = await paid(cash, old, shop, { amount: 300n });
  await cash.cash.close();
  await store.close();
  await cash.ledger.close();

  const refund = shopOrder(shop, { action: 'refund', purchase: sale, amount: 120n });
  const document: DeviceOrder = {
    request: nextRequest(),
    operator: 'anna',
    device: old.device,
    action: { kind: 'replace', by: by.device },
    reason: 'lost',
    applyBy: 1n << 62n,
  };
  const replacement = {
    document,
    signature: ed25519.sign(ANNA.secretKey, DeviceOrder.signedBytes(document)),
  };
  const balance = (device: bigint) => hex(GetBalanceRequest.encode({ device, currency: EUR }));
  const call = (operation: number, ...messages: string[]): Call => ({ peer: 'role', operation, messages });
  const calls = [
    call(CashOperation.shop_order, hex(ShopOrderRequest.encode({ order: refund }))),
    call(CashOperation.device_order, hex(DeviceOrderRequest.encode({ order: replacement }))),
    call(CashOperation.get_balance, balance(old.device), balance(by.device)),
  ];
  const { shop_order, device_order, get_balance } = cashProtocol.operations;
  const described = ([refunded, replaced, balances]: readonly string[][]): string[] => [
    line(shop_order, refunded![0]!, (answer) =>
      answer.kind === 'done' ? `refunded ${answer.receipt.document.amount}` : answer.kind,
    ),
    line(device_order, replaced![0]!, ({ moved }) => `moved ${moved.map(({ amount }) => amount)}`),
    ...balances!.map((one) => line(get_balance, one, (answer) => String(answer.balance))),
  ];

  const killedAt: string[] = [];
  for (let step = STEP_FIRST; ; step += STRIDE) {
    const path = mkdtempSync(join(tmpdir(), 'specie-cash-kill-'));
    // What marks a store as open is a socket: no part of the copy.
    cpSync(prepared, path, { recursive: true, filter: (file) => !lstatSync(file).isSocket() });
    const first = await run(path, calls, step, ANNA.publicKey);
    if (first.kind === 'killed') killedAt.push(first.at);
    // Three times: where the disk takes its time, the first answer may be `busy`. What is not is the same for ever.
    const second = await run(path, [...calls, ...calls, ...calls], -1, ANNA.publicKey);
    if (second.kind !== 'answered') throw new Error('expected answers');
    const last = second.answers.slice(2 * calls.length);
    expect([step, ...described(last)]).toEqual([step, 'refunded 120', 'moved 320', '0', '327']);
    const before = [second.answers, second.answers.slice(calls.length)];
    if (first.kind === 'answered') before.push(first.answers);
    for (const answers of before) {
      described(answers).forEach((text, i) => {
        if (text !== 'refused: busy' && i < 2) expect(answers[i]).toEqual(last[i]);
      });
    }
    rmSync(path, { recursive: true, force: true });
    if (first.kind === 'answered') break;
  }
  rmSync(prepared, { recursive: true, force: true });
  const around = (what: string) => [`before ${what}`, `after ${what}`];
  const all = [
    // The refund: booking, its transfer, done.
    ...around('transaction'),
    ...around('createTransfers'),
    ...around('transaction'),
    // The replacement: setting, its terms, moving, its transfers, done.
    ...around('transaction'),
    ...around('setOrderTerms'),
    ...around('transaction'),
    ...around('createTransfers'),
    ...around('transaction'),
  ];
  expect(killedAt).toEqual(all.filter((_, i) => i % STRIDE === 0));
});
