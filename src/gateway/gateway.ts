// The network device of US 6,487,542: between an organisation's LAN, where local notes are money, and the WAN, where wide ones are.
//
//     terminals ──IK──▶ lan ─▶ handlers ─┬▶ mint: local notes, swapped among terminals
//                                        ├▶ send_out ─▶ out flow ─── issue_notes ──▶ issuer
//                                        │                 │  ╲── take_notes (back) ─▶ receiver
//                                        ╰▶ deliveries ◀───┤
//     terminals ──IK──▶ wan ─▶ handlers ─┬▶ deliveries ◀───┤
//                                        ╰▶ send_in ──▶ in flow ──── take_notes ───▶ receiver
//                                                             ╲─ issue_notes (back) ▶ issuer
//
// All that it remembers is in one store: what an exchange moves (local notes held, erased, generated; deliveries; what stands
// behind local notes) is written in the same transaction as the exchange's state. docs/gateway.md has the rules.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import { type BatchNoteCrypto, hkdfSha256, type NoteCrypto, noteCrypto, sha256 } from '../crypto/index.ts';
import { systemClock } from '../identity/time.ts';
import { AMOUNTS_DEFAULT, type KeysetSeed, MintKeysets } from '../mint/keysets.ts';
import { Mint } from '../mint/mint.ts';
import { NoteBook } from '../mint/note-book.ts';
import type { MintAbout } from '../mint/service.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import { Refusal } from '../roles/common/refusal.ts';
import { RoleEngine } from '../roles/common/role-engine.ts';
import type { RequestRecord, Trace } from '../roles/flow/flow.ts';
import { FlowRunner, run } from '../roles/flow/flow-runner.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import type { Side } from '../roles/gateway/messages.ts';
import { idGenerator } from '../shared/id.ts';
import { type SetTimer, systemTimer } from '../shared/timer.ts';
import { idOfKey, keyOf } from '../store/key.ts';
import type { RoleStore, StoreTransaction } from '../store/store.ts';
import type { Peer } from '../wire/peer.ts';
import {
  type Counters,
  checkBacking,
  countersOf,
  heldOf,
  type LocalNotes,
  localNotesOf,
  ownOf,
} from './backing.ts';
import { effects } from './effects.ts';
import { GatewayError } from './errors.ts';
import { type FundsState, fundsFlow } from './funds-flow.ts';
import { lanHandlers, wanHandlers } from './handler.ts';
import { type InState, inFlow } from './in-flow.ts';
import type {
  GatewayIdentity,
  GatewayLog,
  IssuerClient,
  OnStep,
  ReceiverClient,
  SealingKey,
  WideKeysets,
} from './interface.ts';
import { ANSWER_WITHIN_MS, EXCHANGES_MAX } from './limits.ts';
import { LocalMint } from './local-mint.ts';
import { type OutState, outFlow } from './out-flow.ts';
import { answerOf, Sends } from './sends.ts';
import { type LanOperations, lanSide, type WanOperations, wanSide } from './side.ts';
import { type Terminal, Terminals } from './terminals.ts';
import { AMOUNT_MAX, checkTerms, type GatewayTerms, localUnit } from './terms.ts';
import { WideMint } from './wide-mint.ts';

export interface GatewayOptions {
  /** Stays its opener's: close it after the gateway. */
  readonly store: RoleStore;
  readonly identity: GatewayIdentity;
  /** Of the local mint: the newest signs, notes of all are taken in. */
  readonly seeds: readonly KeysetSeed[];
  /** The first seals what the gateway keeps and is told to terminals; all of them open. */
  readonly sealingKeys: readonly SealingKey[];
  readonly issuer: IssuerClient;
  readonly receiver: ReceiverClient;
  readonly wideKeysets: WideKeysets;
  readonly terms: GatewayTerms;
  readonly log: GatewayLog;
  /** Verifies and signs local notes by the batch; left out: on this thread. */
  readonly batch?: BatchNoteCrypto;
  readonly crypto?: NoteCrypto;
  /** Keys of the local mint: of 2^0 to 2^(amounts - 1). */
  readonly amounts?: number;
  readonly about?: Partial<MintAbout>;
  /** Nanoseconds since the Unix epoch. */
  readonly clock?: () => bigint;
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  /** Fit for secrets. */
  readonly randomBytes?: (size: number) => Uint8Array;
  readonly afterTurn?: (run: () => void) => void;
  readonly trace?: Trace;
  /** Told of each step of an exchange, in the claim's words. */
  readonly onStep?: OnStep;
  readonly exchangesMax?: number;
  readonly terminalsMax?: Partial<Record<Side, number>>;
  /** How long a sender waits for the end of its exchange before it is told how it stands. */
  readonly answerWithinMs?: number;
  readonly lanRegistry?: Registry;
  readonly wanRegistry?: Registry;
}

export interface GatewayStatus {
  readonly terms: GatewayTerms;
  readonly unit: string;
  readonly keysets: readonly string[];
  readonly local: LocalNotes;
  readonly counters: Counters;
  /**
   * What the account at cash holds: for local notes and what is being generated, and the organisation's own. Of what is asked and
   * not answered it may hold `offered` more, or `requested` and `withdrawing` less.
   */
  readonly backing: bigint;
  /** Of it, the organisation's own: fees, and what it has put there. */
  readonly own: bigint;
  readonly terminals: Readonly<Record<Side, number>>;
  /** Exchanges that are not over. */
  readonly underWay: number;
  readonly failure: string | undefined;
}

export interface ExchangeReport {
  readonly request: bigint;
  readonly direction: 'out' | 'in';
  /** As terminals are told; `refused`: it was never taken. */
  readonly state: string;
  readonly step: string;
  readonly reason: string;
  readonly amount: bigint | undefined;
  readonly fee: bigint | undefined;
  /** Channel keys. */
  readonly sender: Uint8Array | undefined;
  readonly destination: Uint8Array | undefined;
  readonly history: RequestRecord['history'];
}

export interface FundsReport {
  readonly request: bigint;
  readonly action: 'fund' | 'withdraw';
  readonly amount: bigint;
  readonly state: 'asked' | 'moved' | 'rejected';
  readonly step: string;
  readonly reason: string;
  readonly history: RequestRecord['history'];
}

export interface ReportPage {
  /** Those behind that one. */
  readonly after?: bigint;
  readonly limit?: number;
}

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** An order of the organisation counts for so long; somebody waits for it. */
const FUNDS_SECONDS = 3_600n;
const FUNDS_WITHIN_MS = 30_000;
const OUTPUT_SEED = new TextEncoder().encode('specie gateway output seed v1');
/** Where the flow runner keeps exchanges. */
const EXCHANGES_TABLE = 'requests';

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #store: RoleStore;
  readonly #book = new NoteBook({ isWhole: true });
  readonly #local: LocalMint;
  readonly #runner: FlowRunner;
  readonly #terminals: Terminals;
  readonly #seed: Uint8Array;
  readonly #funds: ReturnType<typeof fundsFlow>;
  readonly #nextId: () => bigint;
  /** For the two servers. */
  readonly lan: RoleEngine<LanOperations, Peer, GatewayRefusal>;
  readonly wan: RoleEngine<WanOperations, Peer, GatewayRefusal>;

  /**
   * Goes on with what was under way when it was closed, or crashed.
   * @throws StoreError store_corrupt; BackingError when the books do not agree; RangeError for terms that are none
   */
  constructor(options: GatewayOptions) {
    this.#options = options;
    const { store, identity, seeds, sealingKeys, issuer, receiver, wideKeysets, terms, log } = options;
    const { crypto = noteCrypto, clock = systemClock, setTimer = systemTimer } = options;
    const {
      randomBytes = systemRandomBytes,
      amounts = AMOUNTS_DEFAULT,
      answerWithinMs = ANSWER_WITHIN_MS,
    } = options;
    const step: OnStep = options.onStep ?? (() => {});
    const batch: BatchNoteCrypto = options.batch ?? {
      sign: async (items) => crypto.sign(items),
      verify: async (items) => crypto.verify(items),
    };
    checkTerms(terms);
    this.#nextId = idGenerator({
      now: () => Number(clock() / NANOSECONDS_PER_MILLISECOND),
      random: (bytes) => bytes.set(randomBytes(bytes.length)),
    });
    if (sealingKeys.length === 0) throw new RangeError('sealing keys: expected one at least, got none');
    this.#store = store;
    const unit = localUnit(terms);
    const { organisation } = terms;
    const keysets = MintKeysets.generate({ seeds, units: [{ unit, organisation }], amounts, crypto });
    const book = this.#book;
    // The first seed there ever was: a rotation must not change what comes of an exchange that is under way.
    const first = [...seeds].sort((left, right) => left.number - right.number)[0]!;
    this.#seed = hkdfSha256(first.seed, undefined, OUTPUT_SEED, 32);
    const local = new LocalMint({ keysets, unit, crypto, batch, seed: this.#seed });
    this.#local = local;
    this.#check();
    const wide = new WideMint({
      ...{ identity, issuer, receiver, keysets: wideKeysets, currency: terms.currency },
      ...{ crypto, sealingKeys, seed: this.#seed, clock, randomBytes, step },
    });
    const mint = new Mint({
      ...{ store, keysets, book, crypto: batch, hash: crypto, clock },
      randomBytes: (size) => Uint8Array.from(randomBytes(size)),
      about: { name: `Local notes of ${organisation}`, ...options.about },
    });
    const books = { book, keysetIds: () => local.keysetIds() };
    const flows = { out: outFlow(books), in: inFlow(books) };
    const funds = fundsFlow(books);
    this.#funds = funds;
    const perform = effects({
      ...{ store, shop: identity.shop, book, local, wide, wideKeysets, sealingKeys, clock, randomBytes, log },
    });
    this.#terminals = new Terminals({
      store,
      clock,
      ...(options.terminalsMax && { max: options.terminalsMax }),
    });
    this.#runner = FlowRunner.open({
      store,
      flows: [run(flows.out, perform.out), run(flows.in, perform.in), run(funds, perform.funds)],
      ...{ clock, setTimer, log },
      ...(options.random !== undefined && { random: options.random }),
      openMax: options.exchangesMax ?? EXCHANGES_MAX,
      trace: (point, id, stateName) => {
        options.trace?.(point, id, stateName);
        if (point === 'after_write') stepsOf(stateName, id, step);
      },
    });
    const runner = this.#runner;
    const checks = { sealingKeys, local, wide, wideKeysets, crypto, step };
    const sends = new Sends({
      store,
      runner,
      flows,
      terms,
      checks,
      book,
      shop: identity.shop,
      clock,
      answerWithinMs,
    });
    const handlers = {
      store,
      runner,
      terminals: this.#terminals,
      sends,
      terms,
      sealingKeys,
      mint,
      clock,
      step,
    };
    const common = {
      clock,
      log,
      openRequests: () => runner.openCount,
      health: () => this.#health(),
      ...(options.afterTurn !== undefined && { afterTurn: options.afterTurn }),
    };
    const { lanRegistry, wanRegistry } = options;
    this.lan = new RoleEngine<LanOperations, Peer, GatewayRefusal>({
      ...{ protocol: lanSide, handlers: lanHandlers(handlers), ...common },
      ...(lanRegistry !== undefined && { registry: lanRegistry }),
    });
    this.wan = new RoleEngine<WanOperations, Peer, GatewayRefusal>({
      ...{ protocol: wanSide, handlers: wanHandlers(handlers), ...common },
      ...(wanRegistry !== undefined && { registry: wanRegistry }),
    });
  }

  /** As the books have it now: written, and checked against each other at every write. */
  status(): GatewayStatus {
    const counters = countersOf(this.#store);
    const { terms } = this.#options;
    return {
      terms,
      unit: localUnit(terms),
      keysets: this.#local.keysetIds(),
      local: this.#localNotes(),
      counters,
      backing: heldOf(counters),
      own: ownOf(counters),
      terminals: { lan: this.#terminals.count('lan'), wan: this.#terminals.count('wan') },
      underWay: this.#runner.openCount,
      failure: this.#store.failure?.message,
    };
  }

  /** Opens a terminal that waits, or that was blocked. @param key its channel key @throws GatewayError terminal_unknown */
  admit(key: Uint8Array): Promise<Terminal> {
    return this.#terminals.set(key, 'open');
  }

  /** It sends and fetches nothing any more, and nothing is sent to it. @throws GatewayError terminal_unknown */
  block(key: Uint8Array): Promise<Terminal> {
    return this.#terminals.set(key, 'blocked');
  }

  /** In the order of their keys. @param limit at most 1,024 */
  terminals(page: { readonly after?: Uint8Array; readonly limit?: number } = {}): Terminal[] {
    return this.#terminals.page(page.after, pageLimit(page.limit));
  }

  /** The one whose key begins so. @param start hex, at least 4 digits @throws GatewayError terminal_unknown */
  terminal(start: string): Terminal {
    const found = this.#terminals.find(start);
    if (found === undefined)
      throw new GatewayError(
        'terminal_unknown',
        `terminal ${start}: expected one whose key begins so, got none or several`,
      );
    return found;
  }

  /**
   * Puts some of what its shop has sold behind notes, or takes back what is the organisation's own: fees, and what it has put
   * there. `asked`: it is not through yet, and comes to an end by itself.
   * @throws GatewayError invalid_argument, exceeds_own
   */
  async moveFunds(
    action: 'fund' | 'withdraw',
    amount: bigint,
  ): Promise<{
    readonly request: bigint;
    readonly state: 'asked' | 'moved' | 'rejected';
    readonly reason: string;
  }> {
    if (amount < 1n || amount > AMOUNT_MAX)
      throw new GatewayError('invalid_argument', `amount: expected 1 to ${AMOUNT_MAX}, got ${amount}`);
    const { clock = systemClock } = this.#options;
    const request = this.#nextId();
    const applyBy = clock() + FUNDS_SECONDS * NANOSECONDS_PER_SECOND;
    const admit = (tx: StoreTransaction): FundsState | Refusal<'exceeds_own'> => {
      const own = ownOf(countersOf(tx));
      if (action === 'withdraw' && amount > own)
        return new Refusal('exceeds_own', `amount: expected at most ${own}, got ${amount}`);
      return { kind: 'asked', action, amount, applyBy, distrusted: undefined };
    };
    const item = { id: request, digest: sha256(keyOf(request)), admit };
    const [standing] = await Promise.all(this.#runner.submit(this.#funds, [item], FUNDS_WITHIN_MS));
    if (standing instanceof Refusal) {
      const code = standing.code === 'exceeds_own' ? 'exceeds_own' : 'storage_failed';
      throw new GatewayError(code, standing.message);
    }
    const { state } = standing!;
    return { request, state: state.kind, reason: 'reason' in state ? state.reason : '' };
  }

  /** What became of it; undefined: it is not known here. */
  exchange(request: bigint): ExchangeReport | undefined {
    const record = this.#runner.lookup(request);
    return record && exchangeReport(record);
  }

  /** In the order of their ids. @param limit at most 1,024 */
  exchanges(page: ReportPage = {}): ExchangeReport[] {
    return this.#reports(page, exchangeReport);
  }

  /** What was put behind notes, and taken back; likewise. */
  funds(page: ReportPage = {}): FundsReport[] {
    return this.#reports(page, fundsReport);
  }

  #reports<Report>(
    { after, limit }: ReportPage,
    report: (record: RequestRecord) => Report | undefined,
  ): Report[] {
    const wanted = pageLimit(limit);
    const found: Report[] = [];
    for (let from = after; found.length < wanted; ) {
      const records = this.#store.range(EXCHANGES_TABLE, {
        ...(from !== undefined && { from: keyOf(from, Uint8Array.of(0)) }),
        limit: wanted,
      });
      for (const { key } of records) {
        const made = report(this.#runner.lookup(idOfKey(key))!);
        if (made !== undefined && found.length < wanted) found.push(made);
      }
      if (records.length < wanted) break;
      from = idOfKey(records.at(-1)!.key);
    }
    return found;
  }

  /** Of the local mint. */
  get localKeysets(): readonly PublicKeyset[] {
    return this.#local.keysets();
  }

  /** Takes nothing more and finishes its writes. What is under way goes on at the next start. */
  async close(): Promise<void> {
    this.lan.close();
    this.wan.close();
    await this.#runner.close();
    this.#seed.fill(0);
  }

  #localNotes(): LocalNotes {
    return localNotesOf(this.#store, this.#book, this.#local.keysetIds());
  }

  /** Books that do not agree are somebody's to look at before anything moves. */
  #check(): void {
    checkBacking(countersOf(this.#store), this.#localNotes());
  }

  #health(): { readonly status: 'ok' | 'degraded'; readonly detail: Record<string, string | number> } {
    const failure = this.#store.failure?.message;
    const hasKeysets = this.#options.wideKeysets.active() !== undefined;
    return {
      status: failure === undefined && hasKeysets ? 'ok' : 'degraded',
      detail: {
        ...(failure !== undefined && { failure }),
        ...(!hasKeysets && { wide: 'keysets not known yet' }),
      },
    };
  }
}

/** @throws as Gateway's constructor */
export const openGateway = (options: GatewayOptions): Gateway => new Gateway(options);

/** The claim's words for what has been written by then. */
function stepsOf(stateName: string, id: bigint, step: OnStep): void {
  if (stateName === 'erased') step('erase local', id);
  if (stateName === 'generated') step('generate local', id);
  if (stateName === 'erased' || stateName === 'generated') step('encrypt for destination', id);
  if (stateName === 'delivered') step('delivered', id);
}

const PAGE_MAX = 1_024;

function pageLimit(limit = PAGE_MAX): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX)
    throw new GatewayError('invalid_argument', `limit: expected 1 to ${PAGE_MAX}, got ${limit}`);
  return limit;
}

function exchangeReport({ id, flow, ...record }: RequestRecord): ExchangeReport | undefined {
  if (flow !== 'out' && flow !== 'in') return undefined;
  const { state, stateName, refusal, history } = record;
  const known = state as OutState | InState | undefined;
  const answer = known && answerOf(known);
  return {
    request: id,
    direction: flow,
    state: answer?.state ?? 'refused',
    step: stateName,
    reason: refusal?.code ?? answer?.reason ?? '',
    amount: known?.exchange.amount,
    fee: known?.exchange.fee,
    sender: known?.exchange.sender.channelKey,
    destination: known?.exchange.destination.channelKey,
    history,
  };
}

/** One that was refused moves nothing, and is nobody's to look up. */
function fundsReport({ id, flow, state, stateName, history }: RequestRecord): FundsReport | undefined {
  const known = state as FundsState | undefined;
  if (flow !== 'funds' || known === undefined) return undefined;
  const { action, amount, kind } = known;
  const reason = 'reason' in known ? known.reason : '';
  return { request: id, action, amount, state: kind, step: stateName, reason, history };
}
