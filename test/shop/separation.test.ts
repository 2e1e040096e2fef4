// What a shop could learn of its customers: everything that reaches it, and everything that it stores, searched for device
// numbers, in every spelling that a program would use.
import { describe, expect, test } from 'vitest';
import { hpke, sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import {
  NumberContent,
  numberSealInfo,
  PAYMENT_ORDER_BYTES,
  PurchaseBinding,
  paymentSealInfo,
  purchaseReference,
} from '../../src/roles/documents/purchase.ts';
import type { BuyRequest } from '../../src/roles/shop/messages.ts';
import { keySets } from '../identity/support.ts';
import { order, reservation, SHOP, Stage } from './support.ts';

const DEVICE = 0xd371_ce00_1122_3344_5566_7788_99aa_bbccn;

/** With real seals: what is inside says the device's number. */
function sealed(order: BuyRequest): BuyRequest {
  const { request, amount, currency, expiresAt, kind } = order.terms;
  const reference = purchaseReference(order.terms, sha256);
  const aad = PurchaseBinding.encode({ request, shop: SHOP });
  const seal = (publicKey: Uint8Array, info: (keyId: Uint8Array) => Uint8Array, plaintext: Uint8Array) => {
    const keyId = keyIdOf(publicKey, sha256);
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: publicKey,
      info: info(keyId),
      aad,
      plaintext,
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  };
  const payment = new Uint8Array(PAYMENT_ORDER_BYTES);
  payment.set(spellings(DEVICE)[0]!, 16);
  const number = NumberContent.encode({ device: DEVICE, amount, currency, expiresAt, reference, kind });
  return {
    ...order,
    number: seal(keySets.management[0].sealing.publicKey, numberSealInfo, number),
    payment: seal(keySets.cash[0].sealing.publicKey, paymentSealInfo, payment),
  };
}

function spellings(device: bigint): Buffer[] {
  const big = Buffer.from(device.toString(16).padStart(32, '0'), 'hex');
  const little = Buffer.from(big).reverse();
  const texts = [
    device.toString(),
    device.toString(16),
    little.toString('hex'),
    big.toString('base64').slice(0, 20),
  ];
  return [little, big, ...texts.map((text) => Buffer.from(text))];
}

const holds = (bytes: Uint8Array): boolean =>
  spellings(DEVICE).some((spelling) => Buffer.from(bytes).includes(spelling));

describe('a shop never learns the device number', () => {
  test('its disk, its log and what it shows hold none: paid, reserved, refunded, refused in doubt, open', async () => {
    const stage = new Stage();
    await stage.bought(sealed(order(1n)));
    await stage.bought(sealed(reservation(2n)));
    await stage.settle(stage.shop.till('1').refund(1n, '1'));
    await stage.settle(stage.shop.till('1').capture(2n));
    // A management that says too much is not repeated.
    stage.management.script.pay = ({ request }, count) =>
      request === 4n
        ? 'silence'
        : count === 1
          ? 'silence'
          : new Refusal('device_revoked', `device ${DEVICE}`);
    expect(await stage.bought(sealed(order(3n)))).toEqual({ kind: 'refused', code: 'device_revoked' });
    await stage.buy(sealed(order(4n)));
    expect(stage.disk.records.size).toBeGreaterThan(8);
    for (const value of stage.disk.records.values()) expect(holds(value)).toBe(false);
    const shown = [stage.log, stage.shop.sales(), stage.shop.dayBook(), stage.shop.engine.health()];
    const text = JSON.stringify(shown, (_, item) =>
      typeof item === 'bigint'
        ? item.toString()
        : item instanceof Uint8Array
          ? Buffer.from(item).toString('hex')
          : item,
    );
    expect(holds(Buffer.from(text))).toBe(false);
    expect(text).not.toContain(DEVICE.toString(16));
  });

  test('with the outcome the sealed parts are gone', async () => {
    const stage = new Stage();
    const bought = sealed(order(1n));
    await stage.bought(bought);
    for (const value of stage.disk.records.values()) {
      expect(Buffer.from(value).includes(Buffer.from(bought.number.ciphertext))).toBe(false);
      expect(Buffer.from(value).includes(Buffer.from(bought.payment.ciphertext))).toBe(false);
    }
  });

  test('this test would see it', () => {
    for (const spelling of spellings(DEVICE))
      expect(holds(Buffer.concat([Buffer.alloc(7), spelling]))).toBe(true);
  });
});
