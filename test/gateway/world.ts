// A gateway with its terminals and partners, in virtual time, on a disk in memory.
import { type NoteCrypto, sha256 } from '../../src/crypto/index.ts';
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts';
import type { GatewayStep } from '../../src/gateway/interface.ts';
import { feeFor, type GatewayTerms } from '../../src/gateway/terms.ts';
import type { Note } from '../../src/notes/note.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { AnswerOf, RequestOf } from '../../src/roles/common/operation.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { MessageTransport } from '../../src/roles/common/role-client.ts';
import { openNotes, sealNotes } from '../../src/roles/common/sealed-notes.ts';
import { PlainNotes, SealedNotes } from '../../src/roles/documents/notes.ts';
import {
  type Delivery,
  type GatewayOperations,
  gatewayProtocol,
  type SendAnswer,
  type SendRequest,
  type Side,
  type TerminalAddress,
} from '../../src/roles/gateway/messages.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { World } from '../roles/flow/world.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';
import { toyNoteCrypto } from './toy-crypto.ts';
import { CURRENCY, drawing, keyPairOf, UNIT, Wide, type WideState } from './wide.ts';

export const TERMS: GatewayTerms = {
  organisation: 'campus',
  ...{ currency: CURRENCY, unit: UNIT },
  ...{ amountMin: 1n, amountMax: 100n, dayMax: 200n },
  ...{ feeBasisPoints: 1_000, feeFixed: 1n },
  returnAfterSeconds: 3_600,
};

export const SECOND = 1_000_000_000n;
const CALL_TIMEOUT_MS = 300;
const LIMIT_MS = 2 * 86_400_000;

export interface PlaceOptions {
  /** Of what is drawn at random. */
  readonly seed?: string;
  readonly crypto?: NoteCrypto;
  readonly terms?: Partial<GatewayTerms>;
  readonly gateway?: Partial<GatewayOptions>;
  readonly disk?: MemoryDisk;
  readonly wide?: WideState;
  readonly amounts?: number;
  /** Of the network between the gateway and its partners: chances of each message and each answer. */
  readonly faults?: { readonly drop: number; readonly repeat: number; readonly delayMaxMs: number };
  readonly worldSeed?: bigint;
}

export type Step = readonly [step: GatewayStep, exchange: bigint];
type Name = keyof GatewayOperations;
type Answer<Of extends Name> = AnswerOf<GatewayOperations[Of]> | Refusal;

/** Everything around one gateway. */
export class Place {
  readonly world: World;
  readonly terms: GatewayTerms;
  readonly crypto: NoteCrypto;
  readonly wide: Wide;
  readonly steps: Step[] = [];
  readonly disk: MemoryDisk;
  readonly #options: PlaceOptions;
  readonly sealing = keyPairOf('gateway sealing');
  #life = 0;
  #starts = 0;
  gateway: Gateway | undefined;

  constructor(options: PlaceOptions = {}) {
    const { crypto = toyNoteCrypto, amounts = 8, seed = '' } = options;
    this.#options = options;
    this.world = new World(options.worldSeed ?? 7n);
    this.crypto = crypto;
    this.terms = { ...TERMS, ...options.terms };
    const flush = (done: () => void): void => void this.world.setTimer(done, 1);
    this.disk = options.disk ?? new MemoryDisk({ flush });
    this.wide = new Wide({
      ...{ crypto, amounts, clock: this.world.clock, randomBytes: drawing(`wide ${seed}`) },
      ...(options.wide !== undefined && { state: options.wide }),
    });
    this.start();
  }

  get open(): Gateway {
    if (this.gateway === undefined) throw new Error('expected an open gateway');
    return this.gateway;
  }

  /** A process of the gateway; whatever an earlier one still does has no effect. */
  start(): void {
    const { world, wide, terms, crypto } = this;
    const life = ++this.#life;
    const isAlive = (): boolean => this.#life === life;
    const { drop = 0, repeat = 0, delayMaxMs = 1 } = this.#options.faults ?? {};
    /** Carries one message over the network: late, never, or more than once. */
    const carry = (deliver: () => void): void => {
      for (let copies = world.random.chance(repeat) ? 2 : 1; copies > 0; copies--)
        if (!world.random.chance(drop)) world.setTimer(deliver, 1 + delayMaxMs * world.random.float());
    };
    const over = (transport: MessageTransport): MessageTransport => ({
      call: (operation, messages) =>
        new Promise((resolve, reject) => {
          carry(() => {
            transport.call(operation, messages).then(
              (answers) => carry(() => isAlive() && resolve(answers)),
              (error) => carry(() => isAlive() && reject(error)),
            );
          });
          world.setTimer(() => isAlive() && reject(new Error('no answer')), CALL_TIMEOUT_MS);
        }),
    });
    const store = memoryRoleStore(this.disk, { afterTurn: world.afterTurn });
    const gateway = new Gateway({
      ...{ store, terms, crypto, identity: wide.identity, wideKeysets: wide.keysets, ...wide.clients(over) },
      seeds: [{ number: 1, seed: keyPairOf('local mint').secretKey }],
      sealingKeys: [this.sealing],
      log: { info: () => {}, warn: () => {}, error: () => {} },
      amounts: this.#options.amounts ?? 8,
      clock: world.clock,
      setTimer: (run, milliseconds) => world.setTimer(() => isAlive() && run(), milliseconds),
      afterTurn: (run) => world.afterTurn(() => isAlive() && run()),
      random: () => 0.5,
      randomBytes: drawing(`gateway ${this.#starts++}`),
      onStep: (step, exchange) => isAlive() && this.steps.push([step, exchange]),
      answerWithinMs: 0,
      ...this.#options.gateway,
    });
    // It may have died while it opened.
    if (isAlive()) this.gateway = gateway;
  }

  /** The process ends. @param isFlushed what was being written has reached the disk */
  crash(isFlushed = false): void {
    this.#life++;
    this.gateway = undefined;
    this.disk.crash(isFlushed);
  }

  /** Until it has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    promise.then(over, over);
    await this.#run(() => isOver);
    return promise;
  }

  async pass(seconds: number): Promise<void> {
    let isOver = false;
    this.world.setTimer(() => {
      isOver = true;
    }, seconds * 1000);
    await this.#run(() => isOver);
  }

  /** Until the exchange stands so. */
  async until(request: bigint, ...states: string[]): Promise<void> {
    await this.#run(() => states.includes(this.open.exchange(request)?.step ?? ''));
  }

  #run(isOver: () => boolean): Promise<void> {
    return this.world.runUntil(isOver, this.world.nowMs + LIMIT_MS);
  }

  fee(amount: bigint): bigint {
    return feeFor(amount, this.terms);
  }

  /** One that the gateway may know from before. */
  bare(name: string, side: Side): Terminal {
    return new Terminal(this, name, side);
  }

  async terminal(name: string, side: Side): Promise<Terminal> {
    const terminal = new Terminal(this, name, side);
    await terminal.ask('register', { name, sealingKey: terminal.sealing.publicKey });
    if (side === 'lan') await this.settled(this.open.admit(terminal.channelKey));
    return terminal;
  }

  /** What everybody has together never changes: notes that are out, and what lies at cash. */
  get total(): bigint {
    return this.wide.state.outstanding + this.wide.state.balance;
  }

  stepsOf(request: bigint): GatewayStep[] {
    return this.steps.filter(([, exchange]) => exchange === request).map(([step]) => step);
  }
}

/** One of a test: what it has is in its hands, written down. */
export class Terminal {
  readonly #place: Place;
  readonly side: Side;
  readonly sealing: ReturnType<typeof keyPairOf>;
  readonly channelKey: Uint8Array;
  /** By delivery: each comes once. */
  readonly received = new Map<bigint, { readonly notes: readonly Note[]; readonly isReturn: boolean }>();
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(place: Place, name: string, side: Side) {
    this.#place = place;
    this.side = side;
    this.sealing = keyPairOf(`${name} sealing`);
    this.channelKey = keyPairOf(`${name} channel`).publicKey;
    this.#randomBytes = drawing(`terminal ${name}`);
  }

  get address(): TerminalAddress {
    return { side: this.side, channelKey: this.channelKey, sealingKey: this.sealing.publicKey };
  }

  /** Over the real codecs; undefined: the gateway died before it could answer. */
  async call<Of extends Name>(
    name: Of,
    message: RequestOf<GatewayOperations[Of]>,
    side: Side = this.side,
  ): Promise<Answer<Of> | undefined> {
    const operation = gatewayProtocol.operations[name];
    const payload = encodeMessages([operation.request.encode(message as never)]);
    const peer = { kind: 'unenrolled', channelKey: this.channelKey } as const;
    const { gateway } = this.#place;
    if (gateway === undefined) return undefined;
    const request = { operation: operation.number, session: 0n, request: 0n, payload, count: 1, peer };
    const reply = await gateway[side].submit(request);
    if (reply.status !== RequestStatus.ok) throw new Error(`${name}: ${reply.message}`);
    const answers = answerCodec(operation.answer as never, gatewayProtocol.refusals as readonly string[]);
    return answers.decode(parseMessages(reply.body, reply.count)[0]!) as Answer<Of>;
  }

  /** @throws what it was refused with */
  async ask<Of extends Name>(
    name: Of,
    message: RequestOf<GatewayOperations[Of]>,
  ): Promise<AnswerOf<GatewayOperations[Of]>> {
    const answer = await this.#place.settled(this.call(name, message));
    if (answer instanceof Refusal) throw new Error(`${name}: ${answer.code}: ${answer.message}`);
    return answer!;
  }

  /** The code that it is refused with; undefined: it is not. */
  async refused<Of extends Name>(
    name: Of,
    message: RequestOf<GatewayOperations[Of]>,
    side?: Side,
  ): Promise<string | undefined> {
    const answer = await this.#place.settled(this.call(name, message, side));
    return answer instanceof Refusal ? answer.code : undefined;
  }

  message(
    request: bigint,
    to: { readonly address: TerminalAddress },
    amount: bigint,
    notes: readonly Note[],
    change: Partial<Omit<SendRequest, 'notes'>> & {
      readonly sealFor?: Uint8Array;
      readonly use?: 'send_out' | 'send_in';
    } = {},
  ): SendRequest {
    const { world, sealing } = this.#place;
    const {
      sealFor = sealing.publicKey,
      use = this.side === 'lan' ? 'send_out' : 'send_in',
      ...rest
    } = change;
    const fee = change.fee ?? this.#place.fee(amount);
    const plain = notes.map(({ amount: of, keysetId, secret, signature, dleq }) => ({
      ...{ amount: of, keysetId, secret, signature, dleq },
    }));
    const binding = { use, request, amount: amount + fee } as const;
    return {
      ...{ request, destination: to.address, amount, fee },
      notes: sealNotes(PlainNotes, plain, sealFor, binding, this.#randomBytes),
      applyBy: world.clock() + 3_600n * SECOND,
      ...rest,
    };
  }

  /** Sends, and says how it stands then. */
  send(message: SendRequest): Promise<SendAnswer> {
    return this.ask(this.side === 'lan' ? 'send_out' : 'send_in', message);
  }

  async deliveries(): Promise<readonly Delivery[]> {
    return (await this.ask('list_deliveries', { after: 0n })).deliveries;
  }

  /** Opens a delivery and writes it down. */
  take({ request, amount, notes, isReturn }: Delivery): readonly Note[] {
    const opened = openNotes(PlainNotes, notes, [this.sealing], { use: 'deliver', request, amount });
    if (opened === undefined) throw new Error(`delivery ${request}: expected one that opens`);
    const own = opened.map(({ dleq, ...note }) => (dleq === undefined ? note : { ...note, dleq }));
    if (own.reduce((sum, note) => sum + note.amount, 0n) !== amount)
      throw new Error(`delivery ${request}: expected ${amount}`);
    this.received.set(request, { notes: own, isReturn });
    return own;
  }

  confirmation({ request, notes }: Delivery): { readonly request: bigint; readonly notesDigest: Uint8Array } {
    return { request, notesDigest: sha256(SealedNotes.encode(notes)) };
  }

  /** Fetches all that waits, writes it down, confirms it. */
  async receive(): Promise<Note[]> {
    const notes: Note[] = [];
    for (const delivery of await this.deliveries()) {
      notes.push(...this.take(delivery));
      await this.ask('confirm_delivery', this.confirmation(delivery));
    }
    return notes;
  }
}
