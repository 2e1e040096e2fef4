// The ledger behind a desk where payment orders are verified before they are given to it, with everything in its order:
//
//     submit ─┬─ payment orders ─▶ copy ─▶ verify (a few batches at a time) ─┐
//             └─ anything else ───────────── while orders are waiting: ──────┴─▶ queue ─▶ ledger, in the order of submit
//
// So what a client pipelines is applied in its order, and a read sees what was submitted before it, although batches are
// verified side by side. What is not an order and finds an empty queue goes through as if there were no desk.

import { PAYMENT_ORDER_SIZE, PaymentOrderLayout } from '../../layout/generated.ts';
import type { Ledger } from '../../ledger/index.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { Engine, EngineHealth, EngineReply, EngineRequest, SessionInfo } from '../../wire/engine.ts';
import { operationName, RequestOperation } from '../../wire/operation.ts';
import { RequestStatus, type RequestStatusName } from '../../wire/status.ts';
import { Refusal } from '../common/refusal.ts';
import { TransferCode } from './accounts.ts';
import { purchaseKind } from './check-payment.ts';
import { isDerived } from './derived-ids.ts';
import { findShop } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { OrderVerifier } from './verify-orders.ts';

export interface DeskLimits {
  /** Batches that are being verified: two threads have the next ones at hand. Beyond: they wait as they came. */
  readonly verifyingMax: number;
  /** Bytes of waiting requests from which the server takes no more from its sockets. */
  readonly congestedFromBytes: number;
  /**
   * Bytes of waiting orders of one shop, and of all shops. Beyond: `busy`, for shops alone: however much they submit, what
   * management asks for is taken from its socket.
   */
  readonly shopBytesMax: number;
  readonly shopsBytesMax: number;
  /** Beyond these: `busy`. What the server had read already when it was told to stop still fits. */
  readonly waitingBytesMax: number;
  readonly waitingRequestsMax: number;
}

/** 32 full batches until it is congested, 4 of a shop. */
const DESK_LIMITS: DeskLimits = {
  verifyingMax: 4,
  congestedFromBytes: 32 * 1024 * 1024,
  shopBytesMax: 4 * 1024 * 1024,
  shopsBytesMax: 16 * 1024 * 1024,
  waitingBytesMax: 128 * 1024 * 1024,
  waitingRequestsMax: 4096,
};

interface Waiting {
  /** With a payload of its own. */
  readonly request: EngineRequest;
  state: 'unverified' | 'verifying' | 'ready' | EngineReply;
  readonly resolve: (reply: EngineReply | Promise<EngineReply>) => void;
}

type DeskParts = Pick<CashParts, 'ledger' | 'registry' | 'shops' | 'verifyRecords' | 'log'>;

const NO_BODY = new Uint8Array(0);
const isOrders = (operation: number): boolean => operation === RequestOperation.create_payment_orders;

export class OrderDesk implements Engine {
  readonly #parts: DeskParts;
  readonly #ledger: Ledger;
  readonly #limits: DeskLimits;
  readonly #verifier: OrderVerifier;
  readonly #waiting: Waiting[] = [];
  readonly #relieved: (() => void)[] = [];
  #waitingBytes = 0;
  /** Of it, by shop, and of all shops. */
  readonly #bytesOfShop = new Map<bigint, number>();
  #shopsBytes = 0;
  #verifying = 0;
  #isClosed = false;
  #whenIdle: (() => void)[] = [];

  constructor(parts: DeskParts, limits: DeskLimits = DESK_LIMITS) {
    this.#parts = parts;
    this.#limits = limits;
    this.#verifier = new OrderVerifier(parts);
    this.#ledger = parts.ledger;
    this.#ledger.onRelieved(() => {
      this.#pump();
      this.#relieve();
    });
  }

  submit(request: EngineRequest): Promise<EngineReply> {
    const { operation, payload } = request;
    if (!isOrders(operation) && this.#waiting.length === 0) return this.#ledger.submit(request);
    if (isOrders(operation)) {
      if (this.#isClosed) return refuse('stopping', 'cash is stopping: nothing of this request was applied');
      const foreign = this.#foreignTo(request) ?? handoverIn(request);
      if (foreign !== undefined) return refuse('not_permitted', foreign);
    }
    if (!this.#hasRoomFor(request)) {
      return refuse('busy', `expected room for one more request of ${payload.length} bytes: try again later`);
    }
    return new Promise((resolve) => {
      this.#waiting.push({
        request: { ...request, payload: new Uint8Array(payload) },
        state: isOrders(operation) ? 'unverified' : 'ready',
        resolve,
      });
      this.#count(request, payload.length);
      this.#verify();
    });
  }

  openSession(session: bigint, acknowledged: bigint): SessionInfo {
    return this.#ledger.openSession(session, acknowledged);
  }

  get congested(): boolean {
    const { congestedFromBytes } = this.#limits;
    return this.#ledger.congested || this.#waitingBytes - this.#shopsBytes >= congestedFromBytes;
  }

  onRelieved(listener: () => void): void {
    this.#relieved.push(listener);
  }

  metrics(): Promise<string> {
    return this.#ledger.metrics();
  }

  health(): EngineHealth {
    const { status, detail } = this.#ledger.health();
    return { status, detail: { ...detail, ordersWaiting: this.#waiting.length } };
  }

  /** Takes no more orders, and resolves when those taken in are answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#waiting.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Why these orders are not for this peer to submit; undefined: they are. A shop takes in what is paid to it, no more. */
  #foreignTo({ peer, payload, operation }: EngineRequest): string | undefined {
    if (peer.kind !== 'shop') return undefined;
    const shop = findShop(peer.shop, this.#parts);
    const name = operationName(operation);
    if (shop === undefined || shop instanceof Refusal) {
      return `${name}: expected a shop with an account, got shop ${peer.shop}`;
    }
    if (this.#parts.shops.isClosed(peer.shop)) {
      return `${name}: expected a shop that is open, got shop ${peer.shop}, which was closed`;
    }
    const own = new Set([...shop.accounts.values()].map(({ account }) => account));
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    for (let i = 0, at = 0; at + PAYMENT_ORDER_SIZE <= payload.length; i++, at += PAYMENT_ORDER_SIZE) {
      if (!own.has(readU128(view, at + PaymentOrderLayout.creditAccountId))) {
        return `${name}: order ${i}: expected one to an account of shop ${peer.shop}, got one to another`;
      }
      if (isDerived(readU128(view, at + PaymentOrderLayout.id))) {
        return `${name}: order ${i}: expected an id below 2^128 - 2^120, got one that cash keeps for itself`;
      }
      const code = view.getUint16(at + PaymentOrderLayout.code, true);
      const flags = view.getUint16(at + PaymentOrderLayout.flags, true);
      if (purchaseKind(code, flags) === undefined) {
        return `${name}: order ${i}: expected a payment or an authorisation, got code ${code} with flags ${flags}`;
      }
    }
    return undefined;
  }

  #hasRoomFor({ peer, payload: { length } }: EngineRequest): boolean {
    const { waitingRequestsMax, waitingBytesMax, shopBytesMax, shopsBytesMax } = this.#limits;
    if (this.#waiting.length >= waitingRequestsMax || this.#waitingBytes + length > waitingBytesMax) {
      return false;
    }
    if (peer.kind !== 'shop') return true;
    const own = this.#bytesOfShop.get(peer.shop) ?? 0;
    return own + length <= shopBytesMax && this.#shopsBytes + length <= shopsBytesMax;
  }

  #count({ peer }: EngineRequest, bytes: number): void {
    this.#waitingBytes += bytes;
    if (peer.kind !== 'shop') return;
    this.#shopsBytes += bytes;
    const own = (this.#bytesOfShop.get(peer.shop) ?? 0) + bytes;
    if (own === 0) this.#bytesOfShop.delete(peer.shop);
    else this.#bytesOfShop.set(peer.shop, own);
  }

  #verify(): void {
    for (const waiting of this.#waiting) {
      if (this.#verifying >= this.#limits.verifyingMax) break;
      if (waiting.state === 'unverified') void this.#verifyOne(waiting);
    }
    this.#pump();
  }

  async #verifyOne(waiting: Waiting): Promise<void> {
    waiting.state = 'verifying';
    this.#verifying++;
    try {
      const isAlone = this.#verifying === 1 && this.#waiting.length === 1;
      await this.#verifier.verify(waiting.request.payload, !isAlone);
      waiting.state = 'ready';
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#parts.log.error({ error: text }, 'payment orders could not be verified');
      waiting.state = refusal(
        'internal_error',
        'the orders could not be verified: nothing of them was applied',
      );
    }
    this.#verifying--;
    this.#verify();
  }

  #pump(): void {
    const wasCongested = this.congested;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { request, state, resolve } = next;
      if (state === 'unverified' || state === 'verifying') break;
      if (state === 'ready' && this.#ledger.congested) break;
      this.#waiting.shift();
      this.#count(request, -request.payload.length);
      if (state !== 'ready') resolve(state);
      else if (isOrders(request.operation)) resolve(this.#ledger.submitChecked(request));
      else resolve(this.#ledger.submit(request));
    }
    if (wasCongested) this.#relieve();
    if (this.#waiting.length === 0) for (const idle of this.#whenIdle.splice(0)) idle();
  }

  #relieve(): void {
    if (!this.congested) for (const listener of this.#relieved) listener();
  }
}

/** What purses have handed on is settled by cash alone, in the one queue that sees their funds (purse-desk.ts). */
function handoverIn({ operation, payload }: EngineRequest): string | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let i = 0, at = PaymentOrderLayout.code; at + 2 <= payload.length; i++, at += PAYMENT_ORDER_SIZE) {
    if (view.getUint16(at, true) !== TransferCode.handover) continue;
    return `${operationName(operation)}: order ${i}: expected none from purse to purse, got one`;
  }
  return undefined;
}

function refusal(code: RequestStatusName, message: string): EngineReply {
  return { status: RequestStatus[code], timestamp: 0n, count: 0, body: NO_BODY, message };
}

const refuse = (code: RequestStatusName, message: string): Promise<EngineReply> =>
  Promise.resolve(refusal(code, message));
