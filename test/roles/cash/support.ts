// A cash role on a ledger in a temporary folder, with devices that order and a settlement that signs receipts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519, sha256, x25519 } from '../../../src/crypto/index.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { Ledger } from '../../../src/ledger/index.ts';
import { CashClient } from '../../../src/roles/cash/client.ts';
import type { CreditAnswer, CreditRequest } from '../../../src/roles/cash/messages.ts';
import { type Cash, type CashOptions, openCash } from '../../../src/roles/cash/role.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { LoadOrder, type SignedLoadOrder } from '../../../src/roles/documents/load-order.ts';
import { ChargeReceipt, CreditReceipt, CreditRejection } from '../../../src/roles/documents/receipts.ts';
import { KEY_ID_BYTES } from '../../../src/roles/documents/signed.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import type { RoleStore } from '../../../src/store/store.ts';
import type { EngineReply, EngineRequest } from '../../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';

export const EUR = 978;
export const USD = 840;
export const BALANCE_MAX = 15_000n;
export const TERMS = [{ currency: EUR, balanceMax: amountOf(BALANCE_MAX) }, { currency: USD }];

export const MANAGEMENT: Peer = { kind: 'role', role: 'management', keyId: new Uint8Array(8) };
export const OPERATOR: Peer = { kind: 'operator', name: 'anna', channelKey: new Uint8Array(32) };

/** A key pair whose secret key is 32 times the same byte, or begins with a number. */
export function keyPair(seed: number) {
  const secretKey = new Uint8Array(32).fill(7);
  new DataView(secretKey.buffer).setUint32(0, seed);
  return { secretKey, publicKey: ed25519.publicKey(secretKey) };
}

/** The same of X25519. */
export function sealingKeyPair(seed: number): KeyPair {
  const { secretKey } = keyPair(seed);
  return { secretKey, publicKey: x25519.publicKey(secretKey) };
}

export const keyIdOf = (publicKey: Uint8Array): Uint8Array => sha256(publicKey).subarray(0, KEY_ID_BYTES);

export const CASH_KEY = keyPair(1);
export const SETTLEMENT_KEY = keyPair(2);
export const CASH_SEALING_KEY = sealingKeyPair(3);

/** Settlement's keys that count, as the directory lists them; tests take one out. */
export class TestIdentity {
  readonly #keys = new Map<string, Uint8Array>();
  readonly #sealing = new Map<string, KeyPair>();
  readonly operators = new Map<string, Uint8Array>();

  list(publicKey: Uint8Array): void {
    this.#keys.set(Buffer.from(keyIdOf(publicKey)).toString('hex'), publicKey);
  }

  /** Cash opens what was sealed to it. */
  listSealing(key: KeyPair): void {
    this.#sealing.set(Buffer.from(keyIdOf(key.publicKey)).toString('hex'), key);
  }

  unlistSealing({ publicKey }: KeyPair): void {
    this.#sealing.delete(Buffer.from(keyIdOf(publicKey)).toString('hex'));
  }

  unlist(publicKey: Uint8Array): void {
    this.#keys.delete(Buffer.from(keyIdOf(publicKey)).toString('hex'));
  }

  settlementKey(keyId: Uint8Array): Uint8Array | undefined {
    return this.#keys.get(Buffer.from(keyId).toString('hex'));
  }

  sealingKey(keyId: Uint8Array): KeyPair | undefined {
    return this.#sealing.get(Buffer.from(keyId).toString('hex'));
  }

  operatorKey(name: string): Uint8Array | undefined {
    return this.operators.get(name);
  }

  receiptKey(): ReturnType<typeof keyPair> {
    return CASH_KEY;
  }
}

let devices = 0;
let requests = 0;
/** Ids that no test in this process has had. */
export const nextRequest = (): bigint => (1n << 100n) + BigInt(++requests);

export interface TestDevice {
  readonly device: bigint;
  readonly key: KeyPair;
}

export function newDevice(): TestDevice {
  const number = ++devices;
  return { device: (1n << 90n) + BigInt(number), key: keyPair(1000 + number) };
}

export interface OrderFields {
  readonly request?: bigint;
  readonly amount?: bigint;
  readonly currency?: number;
}

export function orderOf({ key }: TestDevice, fields: OrderFields = {}): SignedLoadOrder {
  const document = {
    request: fields.request ?? nextRequest(),
    signingKey: key.publicKey,
    account: 1n,
    amount: fields.amount ?? 500n,
    currency: fields.currency ?? EUR,
    applyBy: 10n ** 18n,
  };
  return { document, signature: ed25519.sign(key.secretKey, LoadOrder.signedBytes(document)) };
}

/** What settlement signs when the institution has been charged. `changes`: what a receipt should not say. */
export function receiptOf(
  { document: order }: SignedLoadOrder,
  changes: Partial<ChargeReceipt> = {},
  key: KeyPair = SETTLEMENT_KEY,
) {
  const document: ChargeReceipt = {
    keyId: keyIdOf(key.publicKey),
    request: order.request,
    orderDigest: sha256(LoadOrder.codec.encode(order)),
    amount: order.amount,
    currency: order.currency,
    institutionReference: 'RRN 000000000042',
    chargedAt: 5n,
    ...changes,
  };
  return { document, signature: ed25519.sign(key.secretKey, ChargeReceipt.signedBytes(document)) };
}

export function creditOf(device: TestDevice, fields: OrderFields = {}): CreditRequest {
  const order = orderOf(device, fields);
  return { device: device.device, order, receipt: receiptOf(order) };
}

export function forged(signature: Uint8Array): Uint8Array {
  const other = Uint8Array.from(signature);
  other[3]! ^= 1;
  return other;
}

export class TestCash {
  readonly path: string;
  readonly ledger: Ledger;
  readonly store: RoleStore;
  readonly identity: TestIdentity;
  readonly cash: Cash;
  readonly logged: { readonly level: string; readonly fields: object; readonly message: string }[];

  private constructor(
    path: string,
    ledger: Ledger,
    store: RoleStore,
    identity: TestIdentity,
    cash: Cash,
    logged: TestCash['logged'],
  ) {
    this.path = path;
    this.ledger = ledger;
    this.store = store;
    this.identity = identity;
    this.cash = cash;
    this.logged = logged;
  }

  static async open(options: Partial<CashOptions> & { path?: string } = {}): Promise<TestCash> {
    const { path = mkdtempSync(join(tmpdir(), 'specie-cash-')), ...rest } = options;
    const { clock } = rest;
    const ledger =
      rest.ledger ?? (await Ledger.open({ path: join(path, 'ledger'), ...(clock && { clock }) }));
    const store = rest.store ?? memoryRoleStore(new MemoryDisk());
    const identity = new TestIdentity();
    identity.list(SETTLEMENT_KEY.publicKey);
    identity.listSealing(CASH_SEALING_KEY);
    const logged: TestCash['logged'] = [];
    const log = {
      warn: (fields: object, message: string) => void logged.push({ level: 'warn', fields, message }),
      error: (fields: object, message: string) => void logged.push({ level: 'error', fields, message }),
    };
    const cash = await openCash({
      identity,
      currencies: TERMS,
      log,
      ...rest,
      ledger,
      store,
    });
    return new TestCash(path, ledger, store, identity, cash, logged);
  }

  async close(): Promise<void> {
    await this.cash.close();
    await this.store.close();
    await this.ledger.close();
    rmSync(this.path, { recursive: true, force: true });
  }

  /** Calls as this peer; without messages of other calls in between, calls of one turn travel in one frame. */
  client(peer: Peer = MANAGEMENT): CashClient {
    return new CashClient({ call: (operation, messages) => this.call(operation, messages, peer) });
  }

  async call(
    operation: number,
    messages: readonly Uint8Array[],
    peer: Peer = MANAGEMENT,
  ): Promise<Uint8Array[]> {
    const { status, body, count, message } = await this.submit({
      operation,
      payload: encodeMessages(messages),
      count: messages.length,
      peer,
    });
    if (status !== 0) throw new Error(`${status}: ${message}`);
    return parseMessages(body, count);
  }

  submit(request: Partial<EngineRequest>): Promise<EngineReply> {
    const nothing = { operation: 0, session: 0n, request: 0n, payload: new Uint8Array(), count: 0 };
    return this.cash.engine.submit({ ...nothing, peer: MANAGEMENT, ...request });
  }

  async opened(device = newDevice(), currency = EUR): Promise<TestDevice> {
    const { device: number, key } = device;
    answerOf(await this.client().openAccount({ device: number, signingKey: key.publicKey, currency }));
    return device;
  }

  credit(...all: readonly CreditRequest[]): Promise<CallResult<CreditAnswer>[]> {
    const client = this.client();
    return Promise.all(all.map((request) => client.credit(request)));
  }

  async balance({ device }: TestDevice, currency = EUR): Promise<bigint> {
    return answerOf(await this.client().getBalance({ device, currency })).balance;
  }
}

export function answerOf<Answer>(result: CallResult<Answer>): Answer {
  if (result.kind !== 'ok') throw new Error(`expected an answer, got ${JSON.stringify(result)}`);
  return result.answer;
}

/** `credited`, `rejected: <reason>`, `refused: <code>` or `unknown`. */
export function short(result: CallResult<CreditAnswer>): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { answer } = result;
  return answer.kind === 'rejected' ? `rejected: ${answer.reason}` : answer.kind;
}

/** The receipt of an answer, whose signature must be that of cash; as bytes. */
export function receiptBytes(result: CallResult<CreditAnswer>): Uint8Array {
  const answer = answerOf(result);
  if (answer.kind !== 'credited') throw new Error(`expected a receipt, got ${short(result)}`);
  const { document, signature } = answer.receipt;
  if (!ed25519.verify(CASH_KEY.publicKey, CreditReceipt.signedBytes(document), signature)) {
    throw new Error('expected a signature of cash, got another');
  }
  return CreditReceipt.signed.encode(answer.receipt);
}

/** The rejection of an answer, whose signature must be that of cash, and its reason that of the answer; as bytes. */
export function rejectionBytes(result: CallResult<CreditAnswer>): Uint8Array {
  const answer = answerOf(result);
  if (answer.kind !== 'rejected') throw new Error(`expected a rejection, got ${short(result)}`);
  const { document, signature } = answer.rejection;
  if (!ed25519.verify(CASH_KEY.publicKey, CreditRejection.signedBytes(document), signature)) {
    throw new Error('expected a signature of cash, got another');
  }
  if (document.reason !== answer.reason) throw new Error(`expected ${answer.reason}, got ${document.reason}`);
  return CreditRejection.signed.encode(answer.rejection);
}
