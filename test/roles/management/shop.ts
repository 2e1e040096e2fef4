// A shop with keys of its own, and what its customers hand it, from seeds.
import { ed25519, hpke, sha256 } from '../../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { ShopOrder, type SignedShopOrder } from '../../../src/roles/documents/payment-receipts.ts';
import {
  NumberContent,
  numberSealInfo,
  PurchaseBinding,
  type SealedNumber,
} from '../../../src/roles/documents/purchase.ts';
import { ShopEnrolment, type SignedShopEnrolment } from '../../../src/roles/documents/shop-enrolment.ts';
import type { PayRequest } from '../../../src/roles/management/messages.ts';
import type { ManagementPeer, ShopPeer } from '../../../src/roles/management/peers.ts';
import { keySets, START, seededBytes } from '../../identity/support.ts';
import { EUR, HOUR, SECOND, sealedAccount, sign } from './support.ts';

export interface PurchaseChange {
  /** Inside the seal, beside what the shop says. */
  readonly sealed?: Partial<NumberContent>;
  readonly binding?: Partial<PurchaseBinding>;
  readonly sealedTo?: KeyPair;
  /** What the shop says. */
  readonly said?: Partial<PayRequest>;
}

export class Shop {
  readonly signing: KeyPair;
  readonly channel: KeyPair;
  readonly seed: number;
  /** When it is open. */
  number = 0n;

  constructor(seed: number) {
    this.seed = seed;
    this.signing = generateKeyPair('signing', seededBytes(5_000 + 2 * seed));
    this.channel = generateKeyPair('channel', seededBytes(5_001 + 2 * seed));
  }

  get unenrolled(): ManagementPeer {
    return { kind: 'unenrolled', channelKey: this.channel.publicKey };
  }

  get peer(): ShopPeer {
    const { number, signing, channel } = this;
    return { kind: 'shop', shop: number, signingKey: signing.publicKey, channelKey: channel.publicKey };
  }

  enrolment(change: Partial<ShopEnrolment> = {}): { enrolment: SignedShopEnrolment } {
    const document: ShopEnrolment = {
      request: BigInt(200 + this.seed),
      signingKey: this.signing.publicKey,
      channelKey: this.channel.publicKey,
      name: `Corner shop ${this.seed}`,
      account: sealedAccount(),
      applyBy: START + 24n * HOUR,
      ...change,
    };
    return { enrolment: sign(ShopEnrolment, document, this.signing) };
  }

  /** What it forwards of a device's purchase. */
  purchase(request: bigint, device: bigint, change: PurchaseChange = {}): PayRequest {
    return this.purchases([request], device, change)[0]!;
  }

  /** Many at a time: sealing is most of the work. */
  purchases(requests: readonly bigint[], device: bigint, change: PurchaseChange = {}): PayRequest[] {
    const { publicKey } = change.sealedTo ?? keySets.management[0].sealing;
    const keyId = keyIdOf(publicKey, sha256);
    const terms = {
      amount: 1_250n,
      currency: EUR,
      expiresAt: START + 600n * SECOND,
      reference: new Uint8Array(32).fill(3),
      kind: 'sale' as const,
    };
    const plaintext = NumberContent.encode({ device, ...terms, ...change.sealed });
    const seals = hpke.sealBatch({
      recipientPublicKey: publicKey,
      info: numberSealInfo(keyId),
      items: requests.map((request) => {
        const aad = PurchaseBinding.encode({ request, shop: this.number, ...change.binding });
        return { plaintext, aad };
      }),
    });
    return requests.map((request, i) => {
      const { enc, ciphertext } = seals[i]!;
      const number: SealedNumber = { keyId, encapsulatedKey: enc, ciphertext };
      const payment = {
        keyId: new Uint8Array(8),
        encapsulatedKey: new Uint8Array(32),
        ciphertext: new Uint8Array(272).fill(9),
      };
      return { request, ...terms, number, payment, ...change.said };
    });
  }

  order(request: bigint, change: Partial<ShopOrder> = {}, key = this.signing): SignedShopOrder {
    const document: ShopOrder = {
      request,
      shop: this.number,
      action: 'refund',
      purchase: 7_000n,
      amount: 250n,
      currency: EUR,
      applyBy: START + HOUR,
      ...change,
    };
    return { document, signature: ed25519.sign(key.secretKey, ShopOrder.signedBytes(document)) };
  }
}
