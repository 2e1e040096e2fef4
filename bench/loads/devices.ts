// Devices whose messages are made beforehand: keys, enrolments, orders, seals. While the clock runs, they only send and
// read, each over a channel of its own, as management demands.
import { randomBytes } from 'node:crypto';
import { Client } from '../../src/channel/client.ts';
import { ed25519, hpke, type SigningKey } from '../../src/crypto/index.ts';
import type { Directory } from '../../src/identity/directory.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { systemClock } from '../../src/identity/time.ts';
import { testAccountNumbers } from '../../src/institution/account-number.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { mayRepeat, Refusal } from '../../src/roles/common/refusal.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../src/roles/documents/account-seal.ts';
import { Enrolment } from '../../src/roles/documents/enrolment.ts';
import { LoadOrder } from '../../src/roles/documents/load-order.ts';
import { MANAGEMENT_REFUSALS } from '../../src/roles/management/errors.ts';
import {
  EnrolAnswer,
  EnrolRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  LoadAnswer,
  LoadRequest,
  ManagementOperation,
} from '../../src/roles/management/messages.ts';
import { id } from '../../src/shared/id.ts';

const VALID_NS = 3_600_000_000_000n;
const REQUEST_TIMEOUT_MS = 60_000;
const AMOUNT = 100n;
const numberOf = testAccountNumbers(1n);

const enrolAnswers = answerCodec(EnrolAnswer, MANAGEMENT_REFUSALS);
const balanceAnswers = answerCodec(GetBalanceAnswer, MANAGEMENT_REFUSALS);
const loadAnswers = answerCodec(LoadAnswer, MANAGEMENT_REFUSALS);

export interface Target {
  readonly directory: Directory;
  readonly currency: number;
}

/** What came of one request. */
export interface Done {
  readonly milliseconds: number;
  /** How often it was told to come again. */
  readonly pending: number;
}

export class Device {
  readonly #index: number;
  readonly #target: Target;
  readonly #signing: SigningKey;
  readonly #channel: KeyPair = generateKeyPair('channel');
  readonly #sealing: { readonly publicKey: Uint8Array; readonly keyId: Uint8Array };
  readonly #enrolment: Uint8Array;
  /** The enrolment, which has put the account's number on file. */
  readonly #onFile: bigint;
  #certificate: Uint8Array | undefined;
  #number = 0n;
  #client: Client | undefined;
  #prepared: Uint8Array[] = [];

  constructor(index: number, target: Target) {
    this.#index = index;
    this.#target = target;
    this.#signing = ed25519.signingKey(Uint8Array.from(randomBytes(32)));
    const publicKey = target.directory.currentKeySet('settlement', systemClock()).keys.sealing;
    this.#sealing = { publicKey, keyId: keyIdOf(publicKey, systemCrypto.sha256) };
    const request = id();
    this.#onFile = request;
    const document = {
      request,
      signingKey: this.#signing.publicKey,
      channelKey: this.#channel.publicKey,
      userData: `user ${index}`,
      account: this.#seal({ purpose: 'file', request }),
      applyBy: systemClock() + VALID_NS,
    };
    const signature = this.#signing.sign(Enrolment.signedBytes(document));
    this.#enrolment = EnrolRequest.encode({ enrolment: { document, signature } });
  }

  /** A channel to management, with the certificate once there is one; resolves when it stands. */
  async connect(): Promise<void> {
    await this.close();
    const now = systemClock();
    this.#client = new Client({
      url: this.#target.directory.address('management'),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      identity: {
        pattern: 'IK',
        staticKey: this.#channel.secretKey,
        remoteStaticKey: this.#target.directory.currentKeySet('management', now).keys.channel,
        payload: this.#certificate,
      },
    });
    await this.#client.ping();
  }

  async close(): Promise<void> {
    await this.#client?.close(1000);
    this.#client = undefined;
  }

  async enrol(): Promise<Done> {
    const { answer, ...done } = await this.#ask(ManagementOperation.enrol, this.#enrolment, enrolAnswers);
    if (answer.kind !== 'enrolled') throw new Error(`enrolment: expected a certificate, got ${answer.kind}`);
    this.#certificate = answer.certificate;
    this.#number = answer.device;
    return done;
  }

  get signing(): SigningKey {
    return this.#signing;
  }

  /** 0n until it is enrolled. */
  get number(): bigint {
    return this.#number;
  }

  /** What cash has of it, minor units. */
  async balance(): Promise<bigint> {
    const message = GetBalanceRequest.encode({ currency: this.#target.currency });
    const [bytes] = await this.#client!.call(ManagementOperation.get_balance, [message]);
    const answer = balanceAnswers.decode(bytes!);
    if (answer instanceof Refusal) throw answer;
    return answer.balance - answer.reserved;
  }

  /** Makes the messages of `count` loads, every other one with the account's number, the others with the one on file. */
  prepare(count: number, amount = AMOUNT): void {
    for (let i = 0; i < count; i++) {
      const request = id();
      const document = {
        request,
        signingKey: this.#signing.publicKey,
        account: i % 2 === 0 ? request : this.#onFile,
        amount,
        currency: this.#target.currency,
        applyBy: systemClock() + VALID_NS,
      };
      const signature = this.#signing.sign(LoadOrder.signedBytes(document));
      const account = i % 2 === 0 ? this.#seal({ purpose: 'load', request }) : undefined;
      this.#prepared.push(LoadRequest.encode({ order: { document, signature }, account }));
    }
  }

  /** The next prepared load, until there is a receipt. */
  async load(): Promise<Done> {
    const message = this.#prepared.pop();
    if (message === undefined) throw new Error('load: expected a message made beforehand, got none');
    const { answer, ...done } = await this.#ask(ManagementOperation.load, message, loadAnswers);
    if (answer.kind !== 'loaded') throw new Error(`load: expected a receipt, got ${JSON.stringify(answer)}`);
    return done;
  }

  async #ask<Answer extends { readonly kind: string }>(
    operation: number,
    message: Uint8Array,
    answers: { decode(bytes: Uint8Array): Answer | Refusal },
  ): Promise<Done & { readonly answer: Answer }> {
    const since = performance.now();
    for (let pending = 0; ; pending++) {
      const [bytes] = await this.#client!.call(operation, [message]);
      const answer = answers.decode(bytes!);
      if (answer instanceof Refusal) {
        if (!mayRepeat(answer)) throw answer;
      } else if (answer.kind !== 'pending') {
        return { answer, pending, milliseconds: performance.now() - since };
      }
    }
  }

  #seal(binding: AccountBinding): SealedAccount {
    const { publicKey, keyId } = this.#sealing;
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: publicKey,
      info: accountSealInfo(keyId),
      aad: accountSealAad(binding),
      plaintext: encodeAccountContent({
        signingKey: this.#signing.publicKey,
        accountNumber: numberOf(this.#index),
      }),
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  }
}
