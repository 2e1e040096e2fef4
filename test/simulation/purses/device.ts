// A device that is enrolled and has loaded money; its pockets open purses in its name.
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import {
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../../src/roles/documents/account-seal.ts';
import { Enrolment } from '../../../src/roles/documents/enrolment.ts';
import { LoadOrder } from '../../../src/roles/documents/load-order.ts';
import { PurseOpening, type SignedPurseOpening } from '../../../src/roles/documents/purse.ts';
import { managementClient } from '../../../src/roles/management/client.ts';
import type { Keys } from '../../../src/wallet/core/secrets.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { directory } from '../../identity/support.ts';
import type { Ground } from '../ground.ts';
import { EUR, type Roles } from '../roles.ts';
import type { Pocket } from './pocket.ts';

const MINUTE_NS = 60_000_000_000n;
const listed = directory();

export class Device {
  readonly name: string;
  readonly allowanceMax: bigint;
  readonly #ground: Ground;
  readonly #roles: Roles;
  readonly #signing: KeyPair;
  readonly #channel: KeyPair;
  number = 0n;
  loaded = 0n;
  /** The pocket that opens its purses. */
  owner: Pocket | undefined;

  constructor(name: string, allowanceMax: bigint, ground: Ground, roles: Roles) {
    this.name = name;
    this.allowanceMax = allowanceMax;
    this.#ground = ground;
    this.#roles = roles;
    this.#signing = generateKeyPair('signing', ground.bytes);
    this.#channel = generateKeyPair('channel', ground.bytes);
  }

  get peer(): Peer {
    const { number: device } = this;
    const keys = { signingKey: this.#signing.publicKey, channelKey: this.#channel.publicKey };
    return { kind: 'device', device, ...keys, serial: 1n, notAfter: (1n << 63n) - 1n };
  }

  newKeys(): Keys {
    const { bytes } = this.#ground;
    const [signing, channel] = [generateKeyPair('signing', bytes), generateKeyPair('channel', bytes)];
    return {
      ...{ signingSecret: signing.secretKey, signingKey: signing.publicKey },
      ...{ channelSecret: channel.secretKey, channelKey: channel.publicKey },
    };
  }

  opening(request: bigint, keys: Keys, amount: bigint, applyBy: bigint): SignedPurseOpening {
    const { number: device } = this;
    const { signingKey, channelKey } = keys;
    const document = { request, device, signingKey, channelKey, currency: EUR, amount, applyBy };
    const signature = ed25519.sign(this.#signing.secretKey, PurseOpening.signedBytes(document));
    return { document, signature };
  }

  /** While nothing goes wrong yet. */
  async enrol(card: string, amount: bigint): Promise<void> {
    const { bytes } = this.#ground;
    const newId = (): bigint => BigInt(`0x${Buffer.from(bytes(15)).toString('hex')}`) | 1n;
    const applyBy = this.#ground.clockOf(this.name)() + 10n * MINUTE_NS;
    const keys = { signingKey: this.#signing.publicKey, channelKey: this.#channel.publicKey };
    const request = newId();
    const enrolment = { request, ...keys, userData: this.name, account: undefined, applyBy };
    const signature = ed25519.sign(this.#signing.secretKey, Enrolment.signedBytes(enrolment));
    const unenrolled = this.#client({ kind: 'unenrolled', channelKey: keys.channelKey });
    const enrolled = await this.#until(
      () => unenrolled.enrol({ enrolment: { document: enrolment, signature } }),
      ({ kind }) => kind === 'enrolled',
    );
    this.number = (enrolled as { device: bigint }).device;
    if (amount === 0n) return;
    const order = newId();
    const load = {
      request: order,
      signingKey: keys.signingKey,
      account: order,
      amount,
      currency: EUR,
      applyBy,
    };
    const account = this.#sealed(card, order);
    const client = this.#client(this.peer);
    const signed = ed25519.sign(this.#signing.secretKey, LoadOrder.signedBytes(load));
    await this.#until(
      () => client.load({ order: { document: load, signature: signed }, account }),
      ({ kind }) => kind === 'loaded',
    );
    this.loaded = amount;
  }

  #client(peer: Peer) {
    return managementClient(this.#roles.transport(this.name, 'management', peer, () => true));
  }

  async #until<Answer>(
    call: () => Promise<CallResult<Answer>>,
    isDone: (answer: Answer) => boolean,
  ): Promise<Answer> {
    for (;;) {
      const result = await call();
      if (result.kind === 'refused') throw new Error(`${this.name}: ${result.refusal.message}`);
      if (result.kind === 'ok' && isDone(result.answer)) return result.answer;
      await this.#ground.pause(1_000);
    }
  }

  #sealed(accountNumber: string, request: bigint): SealedAccount {
    const { keys } = listed.currentKeySet('settlement', this.#ground.clockOf(this.name)());
    const keyId = keyIdOf(keys.sealing, systemCrypto.sha256);
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: keys.sealing,
      info: accountSealInfo(keyId),
      aad: accountSealAad({ purpose: 'load', request }),
      plaintext: encodeAccountContent({ signingKey: this.#signing.publicKey, accountNumber }),
      randomBytes: this.#ground.bytes,
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  }
}
