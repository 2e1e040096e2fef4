// A purse with keys of its own, and what its wallet signs with them, from seeds.
import { ed25519, hpke, sha256 } from '../../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { PaymentOrderLayout } from '../../../src/layout/generated.ts';
import { DeviceOrder, type SignedDeviceOrder } from '../../../src/roles/documents/device-order.ts';
import type { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import { PurseClosing, PurseOpening, type SignedPurseOpening } from '../../../src/roles/documents/purse.ts';
import {
  encodeHandover,
  type HandoverContent,
  PayerContent,
  payerSealInfo,
  type ReportedTransfer,
  readHandover,
  type SealedPayer,
  TransferBinding,
} from '../../../src/roles/documents/transfer.ts';
import type { OpenPurseAnswer } from '../../../src/roles/management/purse-messages.ts';
import { DAY, keySets, operatorKeys, START, seededBytes } from '../../identity/support.ts';
import { type Device, EUR, HOUR, type Stage, sign } from './support.ts';

export interface SealChange {
  /** Inside the seal, beside what is right. */
  readonly sealed?: Partial<PayerContent>;
  readonly binding?: Partial<TransferBinding>;
  readonly sealedTo?: KeyPair;
}

export class Purse {
  readonly owner: Device;
  readonly signing: KeyPair;
  readonly channel: KeyPair;
  readonly seed: number;
  /** When it is open. */
  number = 0n;
  device = 0n;

  constructor(owner: Device, seed: number) {
    this.owner = owner;
    this.seed = seed;
    this.signing = generateKeyPair('signing', seededBytes(9_000 + 2 * seed));
    this.channel = generateKeyPair('channel', seededBytes(9_001 + 2 * seed));
  }

  opening(device: bigint, change: Partial<PurseOpening> = {}): { opening: SignedPurseOpening } {
    const document: PurseOpening = {
      request: BigInt(40_000 + this.seed),
      device,
      signingKey: this.signing.publicKey,
      channelKey: this.channel.publicKey,
      currency: EUR,
      amount: 5_000n,
      applyBy: START + HOUR,
      ...change,
    };
    return { opening: sign(PurseOpening, document, this.owner.signing) };
  }

  /** Opens it, and remembers its number. */
  async open(
    stage: Stage,
    device: bigint,
    change: Partial<PurseOpening> = {},
  ): Promise<OpenPurseAnswer & { readonly kind: 'opened' }> {
    const message = this.opening(device, change);
    const answer = await stage.ask(() => stage.as(this.owner.peer(device)).openPurse(message));
    if (typeof answer === 'string' || answer.kind !== 'opened') {
      throw new Error(`expected it to be opened, got ${JSON.stringify(answer)}`);
    }
    this.number = answer.allowance.document.purse;
    this.device = device;
    return answer;
  }

  /** The first of its payments, unless told otherwise. */
  order(payee: Purse, change: Partial<HandoverContent> = {}, key = this.signing): Uint8Array {
    const order = encodeHandover({
      request: 60_000n,
      payer: this.number,
      payee: payee.number,
      amount: 700n,
      currency: EUR,
      sequence: 1n,
      total: 700n,
      reference: new Uint8Array(32).fill(3),
      reportBy: START + 37n * DAY,
      keyId: keyIdOf(this.signing.publicKey, systemCrypto.sha256),
      ...change,
    });
    order.set(ed25519.sign(key.secretKey, orderSignedBytes(order)), PaymentOrderLayout.signature);
    return order;
  }

  reported(order: Uint8Array, change: SealChange = {}): ReportedTransfer {
    const { publicKey } = change.sealedTo ?? keySets.management[0].sealing;
    const keyId = keyIdOf(publicKey, sha256);
    const { request, payee } = readHandover(order)!;
    const orderDigest = sha256(orderSignedBytes(order));
    const content = { device: this.device, purse: this.number, orderDigest, ...change.sealed };
    const [sealed] = hpke.sealBatch({
      recipientPublicKey: publicKey,
      info: payerSealInfo(keyId),
      items: [
        {
          plaintext: PayerContent.encode(content),
          aad: TransferBinding.encode({ request, payee, ...change.binding }),
        },
      ],
    });
    const payer: SealedPayer = {
      keyId,
      encapsulatedKey: sealed!.enc,
      ciphertext: sealed!.ciphertext,
    };
    return { order, payer };
  }

  transfer(payee: Purse, change: Partial<HandoverContent> = {}): ReportedTransfer {
    return this.reported(this.order(payee, change));
  }

  closing(change: Partial<PurseClosing> = {}, key = this.signing) {
    const document = { purse: this.number, lastSequence: 0n, total: 0n, ...change };
    return { closing: sign(PurseClosing, document, key) };
  }

  /** Two payments under one number. */
  fraud(payees: readonly [Purse, Purse]): FraudProof {
    const [first, second] = [this.order(payees[0]), this.order(payees[1], { request: 60_001n })];
    return { signingKey: this.signing.publicKey, evidence: { kind: 'orders', first, second } };
  }
}

/** Signed by the operator. */
export function deviceOrder(
  device: bigint,
  action: DeviceOrder['action'],
  change: Partial<DeviceOrder> = {},
): { order: SignedDeviceOrder } {
  const document: DeviceOrder = {
    ...{ request: 6_000n, operator: 'operator', device, action, reason: 'lost', applyBy: START + HOUR },
    ...change,
  };
  return { order: sign(DeviceOrder, document, operatorKeys.signing) };
}
