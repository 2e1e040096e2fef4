// A device made by hand with a purse, and what it signs with the purse's keys, honest or not.
import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { PaymentOrderLayout } from '../../src/layout/generated.ts';
import { orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import {
  PurseClosing,
  PurseOpening,
  type SignedAllowance,
  type SignedPurseOpening,
} from '../../src/roles/documents/purse.ts';
import {
  encodeHandover,
  PayerContent,
  payerSealInfo,
  type ReportedTransfer,
  TransferBinding,
} from '../../src/roles/documents/transfer.ts';
import type { ManagementClient } from '../../src/roles/management/client.ts';
import { id } from '../../src/shared/id.ts';
import { Device, now, signedBy, soon } from './device.ts';
import { answerOf, EUR, eventually, type System, toldBy } from './system.ts';

export class Holder {
  readonly device: Device;
  readonly management: ManagementClient;
  readonly signing = generateKeyPair('signing');
  readonly channel = generateKeyPair('channel');
  opening!: SignedPurseOpening;
  allowance!: SignedAllowance;
  certificate!: Uint8Array;
  sequence = 0n;
  total = 0n;

  private constructor(device: Device, management: ManagementClient) {
    this.device = device;
    this.management = management;
  }

  /** @param account of the device, which loads 20.00 from it; left out: it has no money */
  static async open(system: System, amount: bigint, account?: string): Promise<Holder> {
    const device = await Device.enrolled(system, account);
    const holder = new Holder(device, await device.management());
    if (account !== undefined) {
      const order = device.order(2_000n);
      await eventually(
        async () => toldBy(await holder.management.load({ order, account: undefined })) === 'loaded',
      );
    }
    await holder.#openPurse(amount);
    return holder;
  }

  async #openPurse(amount: bigint): Promise<void> {
    const { number: device, signing } = this.device;
    const keys = { signingKey: this.signing.publicKey, channelKey: this.channel.publicKey };
    const document = { request: id(), device, ...keys, currency: EUR, amount, applyBy: soon() };
    this.opening = signedBy(PurseOpening, document, signing);
    const { opening } = this;
    await eventually(async () => {
      const answer = answerOf(await this.management.openPurse({ opening }));
      if (answer.kind === 'pending') return false;
      if (answer.kind !== 'opened') throw new Error(`expected an allowance, got ${answer.reason}`);
      this.allowance = answer.allowance;
      this.certificate = answer.certificate;
      return true;
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
    const { keys } = this.device.system.directory().currentKeySet('management', now());
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

  closing(lastSequence = this.sequence, total = this.total) {
    return { closing: signedBy(PurseClosing, { purse: this.purse, lastSequence, total }, this.signing) };
  }

  closes() {
    return this.management.closePurse(this.closing());
  }

  async balance(): Promise<bigint> {
    return answerOf(await this.management.getBalance({ currency: EUR })).balance;
  }

  async statement() {
    const query = { currency: EUR, after: 0n, purchases: [] };
    return answerOf(await this.management.getPurseStatement({ purse: this.purse, query })).statement.document;
  }
}
