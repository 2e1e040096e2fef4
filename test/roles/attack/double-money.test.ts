// Management's keys in the wrong hands: whoever has them asks settlement and cash directly, in whatever order. Both are the
// real roles behind their engines, with a scripted institution's books behind settlement. The money of a load is in the
// account or in the balance, never in both.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import type { CreditRequest } from '../../../src/roles/cash/messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { SignedChargeReceipt, SignedCreditRejection } from '../../../src/roles/documents/receipts.ts';
import type { ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import { BALANCE_MAX, CASH_KEY, keyPair, newDevice, TestCash, type TestDevice } from '../cash/support.ts';
import { chargeRequest, KEYS, keyIdOf, SIGNING, Simulation } from '../settlement/support.ts';

const AMOUNT = 2_500n;

/** What management's keys open. */
class Stolen {
  readonly cash: TestCash;
  readonly simulation: Simulation;
  /** A new one for each test. */
  device: TestDevice;
  #requests = 1n << 100n;

  private constructor(cash: TestCash, simulation: Simulation, device: TestDevice) {
    this.cash = cash;
    this.simulation = simulation;
    this.device = device;
  }

  static async open(): Promise<Stolen> {
    const simulation = new Simulation({
      keys: {
        ...KEYS,
        cash: (keyId) =>
          Buffer.compare(keyIdOf(CASH_KEY.publicKey), keyId) === 0 ? CASH_KEY.publicKey : undefined,
      },
    });
    await simulation.start();
    const cash = await TestCash.open();
    cash.identity.list(SIGNING.publicKey);
    return new Stolen(cash, simulation, await cash.opened());
  }

  async close(): Promise<void> {
    await this.cash.close();
    await this.simulation.close();
  }

  /** An order of the device, whose owner is in on it. */
  order(amount = AMOUNT): ChargeRequest {
    const { applyBy } = this.simulation;
    return chargeRequest({ request: ++this.#requests, device: this.device.key, amount, applyBy });
  }

  async charged(charge: ChargeRequest): Promise<SignedChargeReceipt> {
    const answer = await this.simulation.insist((client) => client.charge(charge));
    if (answer.kind !== 'charged') throw new Error(`expected it to be charged, got ${answer.kind}`);
    return answer.receipt;
  }

  /** What cash answers, in a word; and its rejection. */
  async credit(
    charge: ChargeRequest,
    receipt: SignedChargeReceipt,
    device = this.device,
  ): Promise<{ readonly word: string; readonly rejection: SignedCreditRejection | undefined }> {
    const request: CreditRequest = { device: device.device, order: charge.order, receipt };
    const [result] = await this.cash.credit(request);
    if (result!.kind !== 'ok') return { word: wordOf(result!), rejection: undefined };
    const { answer } = result!;
    return { word: answer.kind, rejection: answer.kind === 'rejected' ? answer.rejection : undefined };
  }

  /** What settlement answers in the end, in a word. */
  async reverse(charge: ChargeRequest, rejection?: SignedCreditRejection): Promise<string> {
    const { request } = charge.order.document;
    for (;;) {
      const client = this.simulation.client();
      const asked = client.reverse({ request, reason: 'stolen', rejection });
      const result = await this.simulation.world.until(asked);
      if (result.kind !== 'ok' || result.answer.kind !== 'pending') return wordOf(result);
      await this.simulation.world.pass(500);
    }
  }

  /** Minor units that the account has lost, and that the balance has gained: the same for every load. */
  async expectEven(...charges: readonly ChargeRequest[]): Promise<void> {
    await this.simulation.finish();
    const ids = charges.map(({ order }) => order.document.request);
    const transfers = await this.cash.ledger.lookupTransfers(ids);
    for (const { order } of charges) {
      const { request, amount } = order.document;
      const { times } = this.simulation.institution.charged(request);
      const credited = transfers.find(({ id }) => id === request)?.amount ?? 0n;
      expect(credited <= BigInt(times) * amount, `${credited} credited, charged ${times} times`).toBe(true);
    }
  }
}

function wordOf(result: CallResult<{ readonly kind: string }>): string {
  if (result.kind === 'refused') return result.refusal.code;
  return result.kind === 'ok' ? result.answer.kind : result.kind;
}

let attack: Stolen;
beforeAll(async () => {
  attack = await Stolen.open();
});
beforeEach(async () => {
  attack.device = await attack.cash.opened();
});
afterAll(() => attack.close());

describe("management's keys make no money", () => {
  test('reverse, then credit with the receipt that was kept', async () => {
    const charge = attack.order();
    const receipt = await attack.charged(charge);
    expect(await attack.reverse(charge)).toBe('rejection_required');
    expect((await attack.credit(charge, receipt)).word).toBe('credited');
    expect(await attack.reverse(charge)).toBe('rejection_required');
    await attack.expectEven(charge);
    expect(attack.simulation.institution.charged(charge.order.document.request).times).toBe(1);
  });

  test('reverse before there is a receipt: there never is one', async () => {
    const charge = attack.order();
    expect(await attack.reverse(charge)).toBe('reversed');
    expect(await attack.simulation.insist((client) => client.charge(charge))).toMatchObject({
      kind: 'reversed',
    });
    await attack.expectEven(charge);
  });

  test('credit, then reverse with whatever can be had', async () => {
    const charge = attack.order();
    const receipt = await attack.charged(charge);
    expect((await attack.credit(charge, receipt)).word).toBe('credited');

    // A rejection of another load, one of the same device.
    const large = attack.order(BALANCE_MAX + 1n);
    const { rejection } = await attack.credit(large, await attack.charged(large));
    expect(await attack.reverse(charge, rejection!)).toBe('rejection_mismatch');
    const { document, signature } = rejection!;
    const { request } = charge.order.document;
    expect(await attack.reverse(charge, { document: { ...document, request }, signature })).toBe(
      'rejection_invalid',
    );
    // One that management signs itself, with each key that it may have.
    for (const key of [keyPair(99), attack.device.key]) {
      for (const keyId of [keyIdOf(key.publicKey), document.keyId]) {
        const forged = { ...document, request, keyId };
        const forgery = { document: forged, signature: ed25519.sign(key.secretKey, new Uint8Array(9)) };
        expect(await attack.reverse(charge, forgery)).toBe('rejection_invalid');
      }
    }
    await attack.expectEven(charge, large);
    // The other one can be reversed, once cash has rejected it.
    expect(await attack.reverse(large, rejection!)).toBe('reversed');
    await attack.expectEven(charge, large);
  });

  test('credit to one device, and have it rejected for another of the same key', async () => {
    const twins = [
      await attack.cash.opened({ ...newDevice(), key: attack.device.key }),
      await attack.cash.opened({ ...newDevice(), key: attack.device.key }, 840),
    ];
    const charge = attack.order();
    const receipt = await attack.charged(charge);
    expect((await attack.credit(charge, receipt)).word).toBe('credited');
    for (const twin of twins) {
      const { word, rejection } = await attack.credit(charge, receipt, twin);
      expect([word, rejection]).toEqual(['credited_otherwise', undefined]);
    }
    await attack.expectEven(charge);
  });

  test('have it rejected for one device, reverse, and credit it to another of the same key', async () => {
    const poor = await attack.cash.opened({ ...newDevice(), key: attack.device.key }, 840);
    const charge = attack.order();
    const receipt = await attack.charged(charge);
    const { rejection } = await attack.credit(charge, receipt, poor);
    expect(rejection?.document.reason).toBe('currency_not_offered');
    expect(await attack.reverse(charge, rejection)).toBe('reversed');
    for (const device of [attack.device, poor, await attack.cash.opened(poor)]) {
      expect((await attack.credit(charge, receipt, device)).word).toBe('rejected');
    }
    expect(await attack.cash.balance(attack.device)).toBe(0n);
    await attack.expectEven(charge);
  });

  test('both at once, many times over: with any receipt, any rejection, in any order', async () => {
    for (let round = 0; round < 12; round++) {
      const charge = attack.order(round % 3 === 2 ? BALANCE_MAX + 1n : 100n);
      const receipt = await attack.charged(charge);
      const steps = [
        () => attack.credit(charge, receipt),
        () => attack.reverse(charge),
        async () => attack.reverse(charge, (await attack.credit(charge, receipt)).rejection),
      ];
      const turned = [...steps.slice(round % 3), ...steps.slice(0, round % 3)];
      await Promise.all(turned.map((step) => step()));
      await attack.expectEven(charge);
      const { times } = attack.simulation.institution.charged(charge.order.document.request);
      expect(times).toBe(round % 3 === 2 ? 0 : 1);
    }
  });

  test('both at once, while the account is being charged', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const charge = attack.order(100n);
      const charging = attack.simulation.client().charge(charge);
      await attack.simulation.world.quiet(turns);
      const word = await attack.reverse(charge);
      const result = await attack.simulation.world.until(charging);
      const answer = result.kind === 'ok' ? result.answer : undefined;
      if (answer?.kind === 'charged')
        expect((await attack.credit(charge, answer.receipt)).word).toBe('credited');
      else expect(word).toBe('reversed');
      await attack.expectEven(charge);
    }
  });
});
