// A shop made by hand, approved by the operator: its channel to management, and what it forwards there.
import type { Client } from '../../src/channel/client.ts';
import { hpke } from '../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import type { PayRequest as CashPayRequest } from '../../src/roles/cash/messages.ts';
import { type NoteAction, NoteOrder, type SignedNoteOrder } from '../../src/roles/documents/note-order.ts';
import { ShopOrder, type SignedShopOrder } from '../../src/roles/documents/payment-receipts.ts';
import { NumberContent, numberSealInfo, PurchaseBinding } from '../../src/roles/documents/purchase.ts';
import { ShopEnrolment, type SignedShopEnrolment } from '../../src/roles/documents/shop-enrolment.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import type { PayRequest } from '../../src/roles/management/messages.ts';
import { id } from '../../src/shared/id.ts';
import { paymentOrder, payRequest, sealedTo } from '../roles/cash/pay-support.ts';
import { type Device, now, sealTo, signedBy, soon } from './device.ts';
import { answerOf, EUR, eventually, type System } from './system.ts';

export class HandmadeShop {
  readonly system: System;
  readonly signing: KeyPair = generateKeyPair('signing');
  readonly channel: KeyPair = generateKeyPair('channel');
  readonly enrolment: SignedShopEnrolment;
  number = 0n;
  #certificate: Uint8Array | undefined;

  constructor(system: System, accountNumber: string) {
    this.system = system;
    const request = id();
    const { keys } = system.directory().currentKeySet('settlement', now());
    const { publicKey: signingKey } = this.signing;
    const account = sealTo(keys.sealing, accountNumber, { purpose: 'payout', request }, signingKey);
    const { publicKey: channelKey } = this.channel;
    this.enrolment = signedBy(
      ShopEnrolment,
      { request, signingKey, channelKey, name: 'a shop\u001b[2J made by hand', account, applyBy: soon() },
      this.signing,
    );
  }

  static async open(system: System, accountNumber: string): Promise<HandmadeShop> {
    const shop = new HandmadeShop(system, accountNumber);
    const operator = managementClient(await system.asOperator('management'));
    const client = await shop.connect();
    const management = managementClient(client);
    await eventually(async () => {
      const answer = answerOf(await management.enrolShop({ enrolment: shop.enrolment }));
      if (answer.kind === 'closed') throw new Error(`expected it to be enrolled, got ${answer.reason}`);
      shop.number = answer.shop;
      if (answer.kind === 'pending') {
        answerOf(await operator.approveShop({ shop: answer.shop }));
        return false;
      }
      shop.#certificate = answer.certificate;
      return true;
    });
    await client.close(0);
    return shop;
  }

  /** Without a certificate as long as it has none. */
  connect(to: RoleName = 'management'): Promise<Client> {
    return this.system.connect(to, {
      pattern: 'IK',
      staticKey: this.channel.secretKey,
      remoteStaticKey: this.system.channelKey(to),
      ...(this.#certificate && { payload: this.#certificate }),
    });
  }

  /** What a wallet has sealed to cash, as this shop forwards it, with the device's number sealed to management. */
  forwards({
    request,
    device,
    kind,
    amount,
    currency,
    expiresAt,
    reference,
    payment,
  }: CashPayRequest): PayRequest {
    const { sealing: publicKey } = this.system.directory().currentKeySet('management', now()).keys;
    const keyId = keyIdOf(publicKey, systemCrypto.sha256);
    const { enc: encapsulatedKey, ciphertext } = hpke.seal({
      recipientPublicKey: publicKey,
      info: numberSealInfo(keyId),
      aad: PurchaseBinding.encode({ request, shop: this.number }),
      plaintext: NumberContent.encode({ device, amount, currency, expiresAt, reference, kind }),
    });
    const number = { keyId, encapsulatedKey, ciphertext };
    return { request, kind, amount, currency, expiresAt, reference, number, payment };
  }

  /** What a device buys here, as this shop forwards it. */
  sale(device: Device, amount: bigint, expiresAt = soon()): PayRequest {
    const payer = { device: device.number, key: device.signing };
    const payee = { shop: this.number, key: this.signing };
    const order = paymentOrder(payer, payee, { id: id(), amount, ledger: EUR, expiresAt });
    const asked = payRequest(order, payer, payee);
    const { sealing: publicKey } = this.system.directory().currentKeySet('cash', now()).keys;
    const binding = { request: asked.request, shop: this.number };
    return this.forwards({ ...asked, payment: sealedTo(binding, order, { publicKey }) });
  }

  noteOrder(action: NoteAction, amount: bigint): SignedNoteOrder {
    return signedBy(
      NoteOrder,
      {
        ...{ request: id(), shop: this.number, action, source: 'exchange', amount, currency: EUR },
        ...{ reference: new Uint8Array(32).fill(action === 'issue' ? 1 : 0), applyBy: soon() },
      },
      this.signing,
    );
  }

  refund(purchase: bigint, amount: bigint): SignedShopOrder {
    return signedBy(
      ShopOrder,
      {
        request: id(),
        shop: this.number,
        action: 'refund',
        purchase,
        amount,
        currency: EUR,
        applyBy: soon(),
      },
      this.signing,
    );
  }
}
