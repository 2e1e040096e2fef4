// Purses through management and cash as they are: opened, paid out of without anybody, reported by whoever has the order,
// closed; and one that pays twice, which costs the operator and nobody else.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { PaymentOrderLayout } from '../../src/layout/generated.ts';
import { orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import { PurseClosing, PurseOpening, type SignedAllowance } from '../../src/roles/documents/purse.ts';
import {
  encodeHandover,
  PayerContent,
  payerSealInfo,
  type ReportedTransfer,
  TransferBinding,
} from '../../src/roles/documents/transfer.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import { id } from '../../src/shared/id.ts';
import { Device, now, signedBy, soon } from './device.ts';
import { accountNumber, answerOf, EUR, eventually, System, toldBy } from './system.ts';

let system: System;
let operator: ManagementClient;

beforeAll(async () => {
  system = await System.start({ deaf: true });
  operator = managementClient(await system.asOperator('management'));
});
afterAll(() => system?.close());

/** A device with money, and its purse. */
class Holder {
  readonly device: Device;
  readonly management: ManagementClient;
  readonly signing = generateKeyPair('signing');
  readonly channel = generateKeyPair('channel');
  allowance!: SignedAllowance;
  certificate!: Uint8Array;
  sequence = 0n;
  total = 0n;

  private constructor(device: Device, management: ManagementClient) {
    this.device = device;
    this.management = management;
  }

  static async open(account: number, amount: bigint): Promise<Holder> {
    const device = await Device.enrolled(system, accountNumber(account));
    const holder = new Holder(device, await device.management());
    await eventually(async () => (await holder.load(2_000n)) === 'loaded');
    await holder.openPurse(amount);
    return holder;
  }

  #order = undefined as ReturnType<Device['order']> | undefined;
  async load(amount: bigint): Promise<string> {
    this.#order ??= this.device.order(amount);
    return toldBy(await this.management.load({ order: this.#order, account: undefined }));
  }

  async openPurse(amount: bigint): Promise<void> {
    const { number: device, signing } = this.device;
    const keys = { signingKey: this.signing.publicKey, channelKey: this.channel.publicKey };
    const document = { request: id(), device, ...keys, currency: EUR, amount, applyBy: soon() };
    const opening = signedBy(PurseOpening, document, signing);
    await eventually(async () => {
      const answer = answerOf(await this.management.openPurse({ opening }));
      if (answer.kind === 'pending') return false;
      if (answer.kind !== 'opened') throw new Error(`expected an allowance, got ${answer.reason}`);
      this.allowance = answer.allowance;
      this.certificate = answer.certificate;
      return true;
    });
    expect(answerOf(await this.management.openPurse({ opening }))).toMatchObject({
      kind: 'opened',
      certificate: this.certificate,
    });
  }

  get purse(): bigint {
    return this.allowance.document.purse;
  }

  /** @param isHonest false: as if it were the first one */
  pays(payee: Holder, amount: bigint, isHonest = true): ReportedTransfer {
    const sequence = isHonest ? ++this.sequence : 1n;
    if (isHonest) this.total += amount;
    const request = id();
    const order = encodeHandover({
      ...{ request, payer: this.purse, payee: payee.purse, amount, currency: EUR, sequence },
      ...{
        total: isHonest ? this.total : amount,
        reportBy: this.allowance.document.reportBy,
      },
      reference: new Uint8Array(32).fill(3),
      keyId: keyIdOf(this.signing.publicKey, sha256),
    });
    order.set(ed25519.sign(this.signing.secretKey, orderSignedBytes(order)), PaymentOrderLayout.signature);
    const { keys } = system.directory().currentKeySet('management', now());
    const keyId = keyIdOf(keys.sealing, sha256);
    const content = {
      device: this.device.number,
      purse: this.purse,
      orderDigest: sha256(orderSignedBytes(order)),
    };
    const { enc: encapsulatedKey, ciphertext } = hpke.seal({
      recipientPublicKey: keys.sealing,
      info: payerSealInfo(keyId),
      aad: TransferBinding.encode({ request, payee: payee.purse }),
      plaintext: PayerContent.encode(content),
    });
    return { order, payer: { keyId, encapsulatedKey, ciphertext } };
  }

  async reports(transfer: ReportedTransfer) {
    const answer = answerOf(await this.management.reportTransfer({ transfer }));
    if (answer.kind !== 'reported') throw new Error(`expected cash's word, got ${answer.kind}`);
    return answer.outcome;
  }

  async closes(lastSequence = this.sequence, total = this.total) {
    const closing = signedBy(PurseClosing, { purse: this.purse, lastSequence, total }, this.signing);
    return this.management.closePurse({ closing });
  }

  async balance(): Promise<bigint> {
    return answerOf(await this.management.getBalance({ currency: EUR })).balance;
  }

  async statement() {
    const query = { currency: EUR, after: 0n, purchases: [] };
    return answerOf(await this.management.getPurseStatement({ purse: this.purse, query })).statement.document;
  }
}

test('a chain, reported in the wrong order and by others; then all is closed, and the audit agrees', async () => {
  const [ada, bob, eve] = [await Holder.open(1, 500n), await Holder.open(2, 0n), await Holder.open(3, 0n)];
  expect(await ada.balance()).toBe(1_500n);
  const first = ada.pays(bob, 300n);
  const second = bob.pays(eve, 250n);
  // What funds it was not reported yet.
  expect((await eve.reports(second)).outcome.kind).toBe('waiting');
  expect((await ada.closes()) as unknown).toMatchObject({
    answer: { answer: { kind: 'unreported', sequences: [1] } },
  });
  expect(await eve.reports(first)).toMatchObject({
    outcome: { kind: 'settled', from: 'purse' },
    fraud: undefined,
  });
  await eventually(async () => (await bob.reports(second)).outcome.kind === 'settled');
  expect(await ada.reports(first)).toEqual(await bob.reports(first));
  expect(await eve.statement()).toMatchObject({ device: eve.purse, balance: 250n });
  for (const [holder, balance] of [
    [ada, 1_700n],
    [bob, 2_050n],
    [eve, 2_250n],
  ] as const) {
    expect(await holder.closes()).toMatchObject({ answer: { kind: 'answered', answer: { kind: 'closed' } } });
    expect(await holder.balance()).toBe(balance);
  }
  expect(answerOf(await operator.deviceExposure({ device: ada.device.number }))).toMatchObject({
    purses: [{ purse: ada.purse, state: 'closed', settled: 300n, left: 0n, payments: 1 }],
    frauds: [],
    blockListSerial: 0n,
  });
  expect(answerOf(await bob.management.getBlockList({ serial: 0n, part: 0 })).list).toBeUndefined();
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});

test('two payments under one number: both payees have their money, the device is named and blocked by both', async () => {
  const [mallory, bob, eve] = [
    await Holder.open(4, 400n),
    await Holder.open(5, 0n),
    await Holder.open(6, 0n),
  ];
  const first = mallory.pays(bob, 400n);
  const second = mallory.pays(eve, 350n, false);
  expect(await bob.reports(first)).toMatchObject({
    outcome: { kind: 'settled', from: 'purse' },
    fraud: undefined,
  });
  const told = await eve.reports(second);
  expect(told).toMatchObject({
    outcome: { kind: 'settled', from: 'loss' },
    fraud: { evidence: { kind: 'orders' } },
  });
  expect(await eve.statement()).toMatchObject({ balance: 350n });
  const exposure = answerOf(await operator.deviceExposure({ device: mallory.device.number }));
  expect(exposure).toMatchObject({
    purses: [{ purse: mallory.purse, state: 'cheated', settled: 400n, covered: 350n, coverMax: 400n }],
    frauds: [{ purse: mallory.purse, kind: 'same_sequence', proof: told.fraud }],
    purseCount: 1,
  });
  const { list } = answerOf(await bob.management.getBlockList({ serial: 0n, part: 0 }));
  expect(list!.document).toMatchObject({ serial: exposure.blockListSerial, purses: [mallory.purse] });
  // At cash too, which has found it by itself.
  expect(await mallory.closes()).toMatchObject({ kind: 'refused', refusal: { code: 'purse_cheated' } });
  // A wallet that has both orders can say so itself: the answer is that of then.
  const { blockedAt } = answerOf(await bob.management.reportFraud({ proof: told.fraud! }));
  expect(blockedAt).toBe(exposure.frauds[0]!.provenAt);
  const listed = answerOf(await operator.listDevices({ after: mallory.device.number - 1n, limit: 1 }));
  expect(listed.devices).toMatchObject([{ blocked: true, revoked: false }]);
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});
