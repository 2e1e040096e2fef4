// Shops, their orders and notes, and issuer and receiver around one scripted cash, on disks that outlive a crash.
import { Registry } from 'prom-client';
import { ed25519, hpke, noteCrypto, sha256 } from '../../../src/crypto/index.ts';
import { MintKeysets } from '../../../src/mint/keysets.ts';
import { NoteBook } from '../../../src/mint/note-book.ts';
import { splitAmount } from '../../../src/notes/amounts.ts';
import { type Note, noteIds } from '../../../src/notes/note.ts';
import { makeOutputs, type Output, unblindAll } from '../../../src/notes/outputs.ts';
import { randomSecrets } from '../../../src/notes/secrets.ts';
import type { CallResult, MessageTransport } from '../../../src/roles/common/role-client.ts';
import { WideUnits } from '../../../src/roles/common/wide-notes.ts';
import { NoteOrder, type SignedNoteOrder } from '../../../src/roles/documents/note-order.ts';
import {
  issueTermsMessage,
  NotesBinding,
  notesSealInfo,
  type PlainNote,
  PlainNotes,
  padded,
  type SealedNotes,
  type SignedOutput,
  SignedOutputs,
  unpadded,
} from '../../../src/roles/documents/notes.ts';
import type { Trace } from '../../../src/roles/flow/flow.ts';
import { IssuerClient } from '../../../src/roles/issuer/client.ts';
import type { IssuerLimits } from '../../../src/roles/issuer/limits.ts';
import type { IssueNotesRequest, PayQuoteRequest } from '../../../src/roles/issuer/messages.ts';
import { type Issuer, openIssuer } from '../../../src/roles/issuer/role.ts';
import { ReceiverClient } from '../../../src/roles/receiver/client.ts';
import type { KeyPair, ReceiverKeys } from '../../../src/roles/receiver/interface.ts';
import type { ReceiverLimits } from '../../../src/roles/receiver/limits.ts';
import type { TakeNotesRequest } from '../../../src/roles/receiver/messages.ts';
import { openReceiver, type Receiver } from '../../../src/roles/receiver/role.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { keyIdOf, sealingPair, signingPair, transportTo } from '../settlement/support.ts';
import { World } from '../settlement/world.ts';
import { CASH, ScriptedCash, type Turn } from './scripted-cash.ts';

export const EUR = 978;
export const USD = 840;
export const HOUR_NS = 3_600_000_000_000n;
export const OPERATOR: Peer = { kind: 'operator', name: 'anna', channelKey: new Uint8Array(32) };
export const UNNAMED: Peer = { kind: 'unnamed' };

export const RECEIVER_SIGNING = signingPair('receiver');
export const RECEIVER_SEALING = sealingPair('receiver');
export const RETIRED_SEALING = sealingPair('receiver, last year');

const utf8 = new TextEncoder();
const seed = (name: string): Uint8Array => sha256(utf8.encode(name));

/** Keys for amounts up to 32,768, of which there are two numbers: the newer signs. Of USD, too, and with a fee. */
const AMOUNTS = 16;
export const KEYSETS = MintKeysets.generate({
  seeds: [
    { number: 1, seed: seed('notes 1') },
    { number: 2, seed: seed('notes 2') },
  ],
  units: [
    { unit: 'eur', organisation: '' },
    { unit: 'usd', organisation: '', inputFeePpk: 500 },
  ],
  amounts: AMOUNTS,
  crypto: noteCrypto,
});
export const ACTIVE = KEYSETS.active('eur')!;
export const OLD = KEYSETS.all.find(({ unit, isActive }) => unit === 'eur' && !isActive)!;
export const DOLLARS = KEYSETS.active('usd')!;

export interface Shop {
  readonly shop: bigint;
  readonly signing: KeyPair;
  /** Answers are sealed to it. */
  readonly reply: KeyPair;
  readonly peer: Peer;
}

export function aShop(name: string): Shop {
  const shop = (1n << 64n) + BigInt(name.length) + (BigInt(name.charCodeAt(0)) << 8n);
  const signing = signingPair(`shop ${name}`);
  const peer: Peer = {
    ...{ kind: 'shop', shop, signingKey: signing.publicKey, channelKey: new Uint8Array(32) },
    ...{ serial: 1n, notAfter: 2n ** 63n },
  };
  return { shop, signing, reply: sealingPair(`shop ${name}`), peer };
}
export const SHOP = aShop('bakery');
export const OTHER = aShop('cinema');

// ---- Notes

export const newOutputs = (amount: bigint, keyset = ACTIVE): Output[] => {
  const amounts = splitAmount(amount, keyset);
  return makeOutputs(amounts, keyset.id, randomSecrets(amounts.length), noteCrypto);
};

/** Notes as a mint would have made them long ago. */
export function notesOf(amount: bigint, keyset = ACTIVE): Note[] {
  const outputs = newOutputs(amount, keyset);
  const signed = noteCrypto.sign(
    outputs.map(({ message }) => ({
      blinded: message.blinded,
      secretKey: KEYSETS.secretKey(keyset.id, message.amount)!,
    })),
  );
  const signatures = signed.map((made, i) => ({
    ...{ amount: outputs[i]!.message.amount, keysetId: keyset.id },
    ...made!,
  }));
  return unblindAll(outputs, signatures, keyset, noteCrypto);
}

export const plain = ({ amount, keysetId, secret, signature, dleq }: Note): PlainNote => ({
  ...{ amount, keysetId, secret, signature, dleq },
});

/**
 * The roles' arithmetic, each result computed once: it depends on nothing but what it is given, and a crash at every point
 * gives the same to hundreds of lives.
 */
function remembering<Item, Result>(
  compute: (items: readonly Item[]) => Result[],
): (items: readonly Item[]) => Result[] {
  const known = new Map<string, Result>();
  return (items) =>
    items.map((item) => {
      const parts = item instanceof Uint8Array ? [item] : Object.values(item as object);
      const name = parts.map((part) => Buffer.from(part as Uint8Array).toString('hex')).join();
      const result = known.get(name) ?? compute([item])[0]!;
      known.set(name, result);
      return result;
    });
}
const sign = remembering(noteCrypto.sign);
const verify = remembering(noteCrypto.verify);
const ROLES_CRYPTO = {
  sign: async (items: Parameters<typeof sign>[0]) => sign(items),
  verify: async (items: Parameters<typeof verify>[0]) => verify(items),
  hashToCurve: remembering(noteCrypto.hashToCurve),
};

export const noteIdsOf = (notes: readonly Note[]): Uint8Array[] => noteIds(notes, noteCrypto);

// ---- Messages

export interface OrderOptions {
  readonly request: bigint;
  readonly shop?: Shop;
  readonly amount: bigint;
  readonly currency?: number;
  readonly reference: Uint8Array;
  readonly applyBy: bigint;
  readonly changes?: Partial<NoteOrder>;
}

export function anOrder({
  request,
  shop = SHOP,
  amount,
  currency = EUR,
  reference,
  applyBy,
  changes,
}: OrderOptions): SignedNoteOrder {
  const document: NoteOrder = {
    ...{
      request,
      shop: shop.shop,
      action: 'issue',
      source: 'exchange',
      amount,
      currency,
      reference,
      applyBy,
    },
    ...changes,
  };
  return { document, signature: ed25519.sign(shop.signing.secretKey, NoteOrder.signedBytes(document)) };
}

export function anIssue(
  options: Omit<OrderOptions, 'reference' | 'amount'> & {
    readonly amount?: bigint;
    readonly outputs: readonly Output[];
  },
): IssueNotesRequest {
  const { shop = SHOP } = options;
  const outputs = options.outputs.map(({ message: { amount, keysetId, blinded } }) => ({
    ...{ amount, keysetId, blinded },
  }));
  const replyKey = shop.reply.publicKey;
  const amount = options.amount ?? outputs.reduce((sum, output) => sum + output.amount, 0n);
  const reference = sha256(issueTermsMessage({ outputs, replyKey }));
  return { order: anOrder({ ...options, amount, reference }), outputs, replyKey };
}

export const aPayment = (
  options: Omit<OrderOptions, 'reference'> & { readonly quote: string },
): PayQuoteRequest => ({
  order: anOrder({ ...options, reference: sha256(utf8.encode(options.quote)) }),
  quote: options.quote,
});

/** What the shop reads in an answer; throws unless it was sealed to it, for that request. */
export function opened(
  sealed: SealedNotes,
  { order }: IssueNotesRequest,
  shop = SHOP,
): readonly SignedOutput[] {
  const { request, amount } = order.document;
  const plaintext = hpke.open({
    recipientPrivateKey: shop.reply.secretKey,
    enc: sealed.encapsulatedKey,
    info: notesSealInfo('issue', sealed.keyId),
    aad: NotesBinding.encode({ request, amount }),
    ciphertext: sealed.ciphertext,
  });
  return unpadded(SignedOutputs, plaintext);
}

export interface TakingOptions {
  readonly request: bigint;
  readonly notes: readonly Note[];
  readonly shop?: Shop;
  readonly amount?: bigint;
  readonly currency?: number;
  readonly applyBy: bigint;
  readonly to?: KeyPair;
  readonly use?: Parameters<typeof notesSealInfo>[0];
  readonly binding?: Partial<NotesBinding>;
}

export function aTaking(options: TakingOptions): TakeNotesRequest {
  const {
    request,
    notes,
    shop = SHOP,
    currency = EUR,
    applyBy,
    to = RECEIVER_SEALING,
    use = 'receive',
  } = options;
  const amount = options.amount ?? notes.reduce((sum, note) => sum + note.amount, 0n);
  const keyId = keyIdOf(to.publicKey);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: to.publicKey,
    info: notesSealInfo(use, keyId),
    aad: NotesBinding.encode({ request, amount, ...options.binding }),
    plaintext: padded(PlainNotes, notes.map(plain)),
  });
  return {
    ...{ request, payee: { kind: 'shop', shop: shop.shop }, amount, currency, applyBy },
    notes: { keyId, encapsulatedKey: enc, ciphertext },
  };
}

// ---- The roles

const cashKey = (keyId: Uint8Array): Uint8Array | undefined =>
  Buffer.compare(keyIdOf(CASH.publicKey), keyId) === 0 ? CASH.publicKey : undefined;

export interface SimulationOptions {
  readonly script?: readonly Turn[];
  readonly issuer?: Partial<IssuerLimits>;
  readonly receiver?: Partial<ReceiverLimits>;
}

type Asked<Answer> = Promise<CallResult<Answer, string>>;

/** Issuer and receiver that can crash, both at once, and start again. */
export class Simulation {
  readonly world = new World();
  readonly cash: ScriptedCash;
  readonly disks = { issuer: new MemoryDisk(), receiver: new MemoryDisk() };
  readonly logs: string[] = [];
  readonly applyBy = this.world.now + HOUR_NS;
  trace: Trace = () => {};
  /** Whether signatures of the receiver's key count. */
  signatureCounts = true;
  signing = RECEIVER_SIGNING;
  /** What the receiver can open. */
  readonly sealing: KeyPair[] = [RECEIVER_SEALING, RETIRED_SEALING];
  readonly #options: SimulationOptions;
  #life = 0;
  #issuer: Issuer | undefined;
  #receiver: Receiver | undefined;
  #crashed: () => void = () => {};
  #untilCrash: Promise<void> = new Promise(() => {});

  constructor(options: SimulationOptions = {}) {
    this.#options = options;
    this.cash = new ScriptedCash(this.world, options.script);
    this.cash.shops.set(SHOP.shop, 10_000n);
    this.cash.shops.set(OTHER.shop, 10_000n);
  }

  static async started(options: SimulationOptions = {}): Promise<Simulation> {
    const simulation = new Simulation(options);
    await simulation.start();
    return simulation;
  }

  async start(): Promise<void> {
    const life = ++this.#life;
    const isAlive = (): boolean => life === this.#life;
    this.#untilCrash = new Promise((resolve) => {
      this.#crashed = resolve;
    });
    const note = (fields: object, message: string): void => {
      this.logs.push(`${message} ${JSON.stringify(fields)}`);
    };
    const units = new WideUnits([EUR, USD]);
    const shared = {
      ...{ units, keysets: KEYSETS, noteCrypto: ROLES_CRYPTO, clock: this.world.clock, random: () => 0.5 },
      cash: {
        noteOrder: (request: Parameters<ScriptedCash['noteOrder']>[0]) =>
          isAlive() ? this.cash.noteOrder(request) : new Promise<never>(() => {}),
        receiveNotes: (request: Parameters<ScriptedCash['receiveNotes']>[0]) =>
          isAlive() ? this.cash.receiveNotes(request) : new Promise<never>(() => {}),
        checkPayee: () => (isAlive() ? this.cash.checkPayee() : new Promise<never>(() => {})),
      },
      setTimer: (run: () => void, ms: number) => this.world.setTimer(() => isAlive() && run(), ms),
      trace: (...point: Parameters<Trace>) => {
        if (isAlive()) this.trace(...point);
      },
      log: { warn: note, error: note },
    };
    const receiverKeys: ReceiverKeys = {
      signing: () => this.signing,
      sealing: (keyId) =>
        this.sealing.find(({ publicKey }) => Buffer.compare(keyIdOf(publicKey), keyId) === 0),
      signatureCounts: () => this.signatureCounts,
      cash: cashKey,
    };
    this.#issuer = await openIssuer({
      ...shared,
      store: memoryRoleStore(this.disks.issuer),
      receiver: {
        mintCall: (call) => this.receiver({ kind: 'role', role: 'issuer', keyId: NOTHING }).mintCall(call),
      },
      keys: { cash: cashKey },
      limits: this.#options.issuer ?? {},
      registry: new Registry(),
    });
    this.#receiver = await openReceiver({
      ...shared,
      store: memoryRoleStore(this.disks.receiver),
      issuer: {
        mintCall: (call) => this.issuer({ kind: 'role', role: 'receiver', keyId: NOTHING }).mintCall(call),
      },
      keys: receiverKeys,
      limits: this.#options.receiver ?? {},
      registry: new Registry(),
    });
  }

  /** What was not flushed is gone, and nothing of this run does anything any more. */
  crash(isFlushed = false): void {
    this.#life++;
    this.disks.issuer.crash(isFlushed);
    this.disks.receiver.crash(isFlushed);
    this.#issuer = undefined;
    this.#receiver = undefined;
    this.#crashed();
  }

  whenCrashed(run: () => void): void {
    void this.#untilCrash.then(run);
  }

  get isDown(): boolean {
    return this.#issuer === undefined;
  }

  get roles(): { readonly issuer: Issuer; readonly receiver: Receiver } {
    return { issuer: this.#issuer!, receiver: this.#receiver! };
  }

  #transport(to: 'issuer' | 'receiver', peer: Peer): MessageTransport {
    return {
      call: (operation, messages) =>
        Promise.race([
          transportTo(this.roles[to].engine, peer).call(operation, messages),
          this.#untilCrash.then(() => Promise.reject(new Error('connection lost'))),
        ]),
    };
  }

  issuer(peer: Peer = SHOP.peer): IssuerClient {
    return new IssuerClient(this.#transport('issuer', peer));
  }

  receiver(peer: Peer = SHOP.peer): ReceiverClient {
    return new ReceiverClient(this.#transport('receiver', peer));
  }

  /** The answer, or the refusal's code, or `unknown`. */
  async ask<Answer>(asked: Asked<Answer>): Promise<Answer | string> {
    const result = await this.world.until(asked);
    if (result.kind === 'ok') return result.answer;
    return result.kind === 'refused' ? result.refusal.code : 'unknown';
  }

  /** Asks, and starts the roles again where they have crashed, until there is an answer that is final. */
  async insist<Answer extends { readonly kind: string }>(ask: () => Asked<Answer>): Promise<Answer> {
    for (let pauseMs = 500; ; pauseMs = Math.min(60_000, 2 * pauseMs)) {
      if (this.isDown) await this.start();
      const result = await this.world.until(ask());
      if (result.kind === 'refused') throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
      if (result.kind === 'ok' && result.answer.kind !== 'pending') return result.answer;
      await this.world.pass(pauseMs);
    }
  }

  /** Until nothing is under way. */
  async finish(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      if (this.isDown) await this.start();
      await this.world.pass(5_000);
      if (this.isDown) continue;
      const open = [this.roles.issuer, this.roles.receiver].map(
        ({ engine }) => engine.health().detail.openRequests,
      );
      if (open.every((count) => count === 0)) return;
    }
    throw new Error('requests are still under way');
  }

  /** Of both note books, all keysets: what was signed, what is spent, what is held. */
  totals(): { readonly signed: bigint; readonly spent: bigint; readonly held: bigint } {
    const book = new NoteBook({ isWhole: false });
    const all = [this.disks.issuer, this.disks.receiver].flatMap((disk) =>
      book.allTotals(memoryRoleStore(disk)),
    );
    const sum = (of: 'signed' | 'spent' | 'held'): bigint =>
      all.reduce((total, sums) => total + sums[of], 0n);
    return { signed: sum('signed'), spent: sum('spent'), held: sum('held') };
  }

  /** Gives a shop's money for notes that nobody has asked this mint for. */
  endow(amount: bigint): void {
    this.cash.notes += amount;
  }
}

const NOTHING = new Uint8Array(8);
