// Management, settlement and cash for tests of the wallet, in one object that can be told how to misbehave. It keeps its
// books strictly: a request is charged once and credited once, whatever is asked how often.
//
//     wallet ──▶ behaviour (silent, slow, lost, a lie …) ──▶ books: requests, charges, credits
import { ed25519, hpke, type SigningKey, sha256 } from '../../src/crypto/index.ts';
import { DeviceCertificate, issueDeviceCertificate } from '../../src/identity/device-certificate.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import { type KeySet, keyIdOf } from '../../src/identity/key-set.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  decodeAccountContent,
  type SealedAccount,
} from '../../src/roles/documents/account-seal.ts';
import { AccountFiling, Enrolment } from '../../src/roles/documents/enrolment.ts';
import { LoadOrder } from '../../src/roles/documents/load-order.ts';
import { CreditReceipt, type SignedCreditReceipt } from '../../src/roles/documents/receipts.ts';
import { MANAGEMENT_REFUSALS, type ManagementRefusal } from '../../src/roles/management/errors.ts';
import {
  EnrolAnswer,
  EnrolRequest,
  FileAccountAnswer,
  FileAccountRequest,
  GetBalanceAnswer,
  GetDirectoryAnswer,
  GetStatementAnswer,
  GetStatementRequest,
  LoadAnswer,
  LoadRequest,
  ManagementOperation,
  RenewCertificateAnswer,
} from '../../src/roles/management/messages.ts';
import type { Codec } from '../../src/shared/codec.ts';
import {
  type ConnectOptions,
  type ConnectShopOptions,
  TransportError,
  type WalletChannel,
  type WalletTransport,
} from '../../src/wallet/core/ports.ts';
import { content, DAY, directory, keySets, root, rootKeys } from '../identity/support.ts';
import { TestCash } from './cash.ts';
import type { TestPurses } from './purse/test-purses.ts';
import type { TestShop } from './shop.ts';

/** What happens to one call. */
export type Behaviour =
  | 'answer'
  /** The connection breaks before the message arrives. */
  | 'unreachable'
  /** It is done, and the answer is lost. */
  | 'lost'
  /** Never an answer. */
  | 'silent'
  /** Not through yet. */
  | 'pending'
  /** Management cannot now. */
  | 'busy'
  | { readonly answer: (honest: () => Uint8Array) => Uint8Array }
  | { readonly delayMs: number };

export interface Call {
  readonly as: 'unenrolled' | 'device';
  readonly operation: number;
  readonly message: Uint8Array;
  /** 1 for the first call of these very bytes. */
  readonly attempt: number;
}

/** Whose keys are whose. */
export interface TestSystem {
  readonly directory: Directory;
  readonly keySets: { readonly [Role in RoleName]: readonly [KeySet, KeySet] };
  readonly root: SigningKey;
  readonly rootKey: Uint8Array;
}

interface Device {
  readonly number: bigint;
  readonly signingKey: Uint8Array;
  readonly channelKey: Uint8Array;
  accountNumber: string | undefined;
  /** The request that has put it on file. */
  onFile: bigint | undefined;
  serial: bigint;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class TestManagement implements WalletTransport {
  behaviour: (call: Call) => Behaviour = () => 'answer';
  /** Which accounts the institution declines. */
  declined = new Set<string>();
  certificateDays = 365n;
  firstDevice = 1000n;
  /** What get_directory gives out, and whose keys sign. */
  published: Directory;
  readonly calls: Call[] = [];
  readonly connections: ConnectOptions[] = [];
  readonly devices = new Map<string, Device>();
  /** Charges by request: at most one each. */
  readonly charges = new Map<bigint, { readonly accountNumber: string; readonly amount: bigint }>();
  readonly receipts = new Map<bigint, SignedCreditReceipt>();
  /** First message and its answer of each request. */
  readonly #done = new Map<bigint, { readonly message: string; readonly answer: Uint8Array }>();
  readonly #attempts = new Map<string, number>();
  readonly now: () => bigint;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly cash: TestCash;
  /** Where wallets pay each other: one for all of them. */
  purses: TestPurses | undefined;
  /** By their channel keys. */
  readonly shops = new Map<string, TestShop>();
  /** Why it does not let somebody in. */
  refuseConnections: string | ((options: ConnectOptions) => string | undefined) | undefined;

  readonly system: TestSystem;

  constructor(
    now: () => bigint,
    pause: (milliseconds: number) => Promise<void>,
    system: TestSystem = { directory: directory(), keySets, root, rootKey: rootKeys.publicKey },
  ) {
    this.now = now;
    this.pause = pause;
    this.system = system;
    this.cash = new TestCash({
      now,
      keySets: system.keySets,
      signingKeyOf: (device) =>
        [...this.devices.values()].find(({ number }) => number === device)?.signingKey,
    });
    this.published = system.directory;
  }

  async connect(options: ConnectOptions): Promise<WalletChannel> {
    this.connections.push(options);
    const { refuseConnections } = this;
    const refusal = typeof refuseConnections === 'function' ? refuseConnections(options) : refuseConnections;
    if (refusal !== undefined) throw new TransportError('refused', `refused: ${refusal}`, { refusal });
    let isOpen = true;
    return {
      call: async (operation, messages) => {
        if (!isOpen) throw new TransportError('unreachable', 'expected an open channel, got a closed one');
        return Promise.all(messages.map((message) => this.answer(options.as, operation, message)));
      },
      close: async () => {
        isOpen = false;
      },
    };
  }

  /** 0 or 1: which of cash's key sets signs. */
  get cashKeySet(): 0 | 1 {
    return this.cash.keySet;
  }

  set cashKeySet(keySet: 0 | 1) {
    this.cash.keySet = keySet;
  }

  async connectShop(options: ConnectShopOptions): Promise<WalletChannel> {
    const shop = this.shops.get(hex(options.shopKey));
    if (shop === undefined) throw new TransportError('unreachable', 'test: no such shop');
    return shop.connect(options);
  }

  /** One message, with whatever misbehaviour is in force. */
  async answer(as: 'unenrolled' | 'device', operation: number, message: Uint8Array): Promise<Uint8Array> {
    const name = `${operation} ${hex(message)}`;
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const call: Call = { as, operation, message: Uint8Array.from(message), attempt };
    this.calls.push(call);
    const behaviour = this.behaviour(call);
    if (behaviour === 'unreachable') throw new TransportError('unreachable', 'test: connection refused');
    if (behaviour === 'silent') return new Promise(() => {});
    if (behaviour === 'busy') return encode(LoadAnswer, new Refusal<ManagementRefusal>('busy', 'later'));
    if (behaviour === 'pending') {
      return operation === ManagementOperation.enrol
        ? encode(EnrolAnswer, { kind: 'pending' })
        : encode(LoadAnswer, { kind: 'pending', state: 'charging' });
    }
    if (typeof behaviour === 'object' && 'answer' in behaviour) {
      return behaviour.answer(() => this.#honest(operation, message));
    }
    const answer = this.#honest(operation, message);
    if (behaviour === 'lost') throw new TransportError('unreachable', 'test: connection lost');
    if (typeof behaviour === 'object') await this.pause(behaviour.delayMs);
    return answer;
  }

  get charged(): bigint {
    return [...this.charges.values()].reduce((sum, { amount }) => sum + amount, 0n);
  }

  /** A credit receipt as cash would sign it, with anything changed. */
  receipt(
    document: Partial<CreditReceipt> & { readonly request: bigint },
    secretKey = this.system.keySets.cash[this.cashKeySet].signing.secretKey,
  ): SignedCreditReceipt {
    const { publicKey } = this.system.keySets.cash[this.cashKeySet].signing;
    const whole: CreditReceipt = {
      keyId: keyIdOf(publicKey, sha256),
      device: 1n,
      amount: 1n,
      currency: 978,
      timestamp: this.now(),
      ...document,
    };
    return { document: whole, signature: ed25519.sign(secretKey, CreditReceipt.signedBytes(whole)) };
  }

  /** Gives out a directory with a higher serial. */
  publish(change: Partial<ReturnType<typeof content>> = {}): void {
    const next = signDirectory(
      { ...content(), serial: this.published.serial + 1n, ...change },
      this.system.root,
    );
    this.published = Directory.verify(next, this.system.rootKey, systemCrypto);
  }

  #honest(operation: number, message: Uint8Array): Uint8Array {
    switch (operation) {
      case ManagementOperation.enrol: {
        const { document, signature } = EnrolRequest.decode(message).enrolment;
        expectSigned(document.signingKey, Enrolment.signedBytes(document), signature);
        return this.#once(document.request, message, () => this.#enrol(document));
      }
      case ManagementOperation.file_account: {
        const { document, signature } = FileAccountRequest.decode(message).filing;
        expectSigned(document.signingKey, AccountFiling.signedBytes(document), signature);
        return this.#once(document.request, message, () => {
          const device = this.#device(document.signingKey);
          device.onFile = document.request;
          device.accountNumber = this.#open(document.account, document.signingKey, {
            purpose: 'file',
            request: document.request,
          });
          return encode(FileAccountAnswer, { filedAt: this.now() });
        });
      }
      case ManagementOperation.load: {
        const request = LoadRequest.decode(message);
        const { document, signature } = request.order;
        expectSigned(document.signingKey, LoadOrder.signedBytes(document), signature);
        return this.#once(document.request, message, () => this.#load(document, request.account));
      }
      case ManagementOperation.get_balance: {
        const [device] = this.devices.values();
        const number = device?.number ?? 0n;
        return encode(GetBalanceAnswer, {
          balance: this.cash.balance(number),
          reserved: this.cash.reserved(number),
          timestamp: this.now(),
        });
      }
      case ManagementOperation.get_statement: {
        const [device] = this.devices.values();
        const { query } = GetStatementRequest.decode(message);
        return encode(GetStatementAnswer, { statement: this.cash.statement(device!.number, query) });
      }
      case ManagementOperation.get_directory:
        return encode(GetDirectoryAnswer, { directory: this.published.bytes() });
      case ManagementOperation.renew_certificate: {
        const [device] = this.devices.values();
        device!.serial += 1n;
        return encode(RenewCertificateAnswer, { certificate: this.certificate(device!) });
      }
      default: {
        const [device] = this.devices.values();
        if (this.purses === undefined || device === undefined)
          throw new Error(`expected an operation of devices, got ${operation}`);
        return this.purses.answer(operation, message, device.number, this.cash);
      }
    }
  }

  certificate({
    number,
    signingKey,
    channelKey,
    serial,
  }: Omit<Device, 'accountNumber' | 'onFile'>): Uint8Array {
    const signer = ed25519.signingKey(this.system.keySets.management[0].signing.secretKey);
    // Clocks differ.
    const notBefore = this.now() - 300_000_000_000n;
    const notAfter = this.now() + this.certificateDays * DAY;
    return DeviceCertificate.signed.encode(
      issueDeviceCertificate(
        { device: number, signingKey, channelKey, serial, notBefore, notAfter },
        signer,
        {
          sha256,
        },
      ),
    );
  }

  #enrol({ request, signingKey, channelKey, account, applyBy }: Enrolment): Uint8Array {
    if (applyBy <= this.now()) return encode(EnrolAnswer, { kind: 'expired' });
    const device: Device = {
      number: this.firstDevice + BigInt(this.devices.size),
      signingKey,
      channelKey,
      accountNumber: account && this.#open(account, signingKey, { purpose: 'file', request }),
      onFile: account && request,
      serial: 1n,
    };
    this.devices.set(hex(signingKey), device);
    return encode(EnrolAnswer, {
      kind: 'enrolled',
      device: device.number,
      certificate: this.certificate(device),
    });
  }

  #load(
    { request, signingKey, account: named, amount, currency, applyBy }: LoadOrder,
    account: SealedAccount | undefined,
  ): Uint8Array {
    const device = this.#device(signingKey);
    if (applyBy <= this.now()) return encode(LoadAnswer, { kind: 'expired' });
    const expected = account === undefined ? (device.onFile ?? 0n) : request;
    if (named !== expected) throw new Error(`order: expected the account of ${expected}, got ${named}`);
    const accountNumber =
      account === undefined
        ? device.accountNumber
        : this.#open(account, signingKey, { purpose: 'load', request });
    if (accountNumber === undefined) {
      return encode(
        LoadAnswer,
        new Refusal<ManagementRefusal>('account_not_on_file', 'expected one, got none'),
      );
    }
    if (this.declined.has(accountNumber)) {
      return encode(LoadAnswer, { kind: 'declined', reason: 'insufficient_funds' });
    }
    if (this.charges.has(request)) throw new Error(`request ${request} was charged twice`);
    this.charges.set(request, { accountNumber, amount });
    this.cash.credit(device.number, amount, request);
    const receipt = this.receipt({ request, device: device.number, amount, currency });
    this.receipts.set(request, receipt);
    return encode(LoadAnswer, { kind: 'loaded', receipt });
  }

  /** As settlement does. */
  #open(account: SealedAccount, signingKey: Uint8Array, binding: AccountBinding): string {
    const keySet = this.system.keySets.settlement.find(
      ({ sealing }) => hex(keyIdOf(sealing.publicKey, sha256)) === hex(account.keyId),
    );
    if (keySet === undefined) throw new Error('expected a seal to a key of settlement, got another');
    const plaintext = hpke.open({
      recipientPrivateKey: keySet.sealing.secretKey,
      info: accountSealInfo(account.keyId),
      aad: accountSealAad(binding),
      enc: account.encapsulatedKey,
      ciphertext: account.ciphertext,
    });
    const found = decodeAccountContent(plaintext);
    if (hex(found.signingKey) !== hex(signingKey))
      throw new Error('expected the seal of this device, got another');
    return found.accountNumber;
  }

  #device(signingKey: Uint8Array): Device {
    const device = this.devices.get(hex(signingKey));
    if (device === undefined) throw new Error('expected a device that is enrolled, got another');
    return device;
  }

  /** The same answer for the same request; another message under its id is refused. */
  #once(request: bigint, message: Uint8Array, work: () => Uint8Array): Uint8Array {
    const known = this.#done.get(request);
    if (known === undefined) {
      const answer = work();
      this.#done.set(request, { message: hex(message), answer });
      return answer;
    }
    if (known.message !== hex(message)) throw new Error(`request ${request} came with other bytes`);
    return known.answer;
  }
}

export function encode<Answer>(
  codec: Codec<Answer>,
  answer: Answer | Refusal<ManagementRefusal>,
): Uint8Array {
  return answerCodec(codec, MANAGEMENT_REFUSALS).encode(answer);
}

export function decodeLoad(bytes: Uint8Array): LoadAnswer {
  return answerCodec(LoadAnswer, MANAGEMENT_REFUSALS).decode(bytes) as LoadAnswer;
}

export function expectSigned(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): void {
  if (!ed25519.verify(publicKey, bytes, signature)) throw new Error('expected a good signature, got another');
}
