// One server, one engine: the ledger and the role side by side.
//
//     submit ─┬─ operations of the ledger (1 to 31), of operators; ─▶ ledger, with the order desk before it
//             │  payment orders also of shops, each to its own accounts
//             └─ message operations (32 to 127) ────────────────────▶ role, which knows who may send which
import type { Engine, EngineHealth, EngineReply, EngineRequest, SessionInfo } from '../../wire/engine.ts';
import { operationName, operationShape, RequestOperation } from '../../wire/operation.ts';
import { peerName } from '../../wire/peer.ts';
import { RequestStatus } from '../../wire/status.ts';
import { OPERATION_MIN } from '../common/operation.ts';
import { cashProtocol } from './messages.ts';
import { isOperator } from './peers.ts';

const NO_BODY = new Uint8Array(0);
const WORST_FIRST = ['stopped', 'degraded', 'ok'] as const;
const MESSAGES = new Set(Object.values(cashProtocol.operations).map(({ number }) => number));

export class CashEngine implements Engine {
  readonly #ledger: Engine;
  readonly #role: Engine;
  #messagesInFlight = 0;
  #idle: (() => void)[] = [];

  constructor(ledger: Engine, role: Engine) {
    this.#ledger = ledger;
    this.#role = role;
  }

  understands(operation: number): boolean {
    if (operation >= OPERATION_MIN) return MESSAGES.has(operation);
    const kind = operationShape(operation)?.kind;
    return kind === 'write' || kind === 'read';
  }

  submit(request: EngineRequest): Promise<EngineReply> {
    const { operation, peer } = request;
    if (operation >= OPERATION_MIN) return this.#message(request);
    const takesOrders = operation === RequestOperation.create_payment_orders;
    if (isOperator(peer) || (takesOrders && peer.kind === 'shop')) return this.#ledger.submit(request);
    const whom = takesOrders ? 'a shop or an operator' : 'an operator';
    const message = `${operationName(operation)}: expected ${whom}, got ${peerName(peer)}`;
    return Promise.resolve({
      status: RequestStatus.not_permitted,
      timestamp: 0n,
      count: 0,
      body: NO_BODY,
      message,
    });
  }

  /** Sessions are of ledger operations; messages are known by their requests' ids. */
  openSession(session: bigint, acknowledged: bigint): SessionInfo {
    return this.#ledger.openSession(session, acknowledged);
  }

  get congested(): boolean {
    return this.#ledger.congested || this.#role.congested;
  }

  onRelieved(listener: () => void): void {
    const relieved = (): void => {
      if (!this.congested) listener();
    };
    this.#ledger.onRelieved(relieved);
    this.#role.onRelieved(relieved);
  }

  async metrics(): Promise<string> {
    return `${await this.#ledger.metrics()}\n${await this.#role.metrics()}`;
  }

  health(): EngineHealth {
    const [ledger, role] = [this.#ledger.health(), this.#role.health()];
    const status = WORST_FIRST.find((one) => one === ledger.status || one === role.status)!;
    return { status, detail: { ...role.detail, ...ledger.detail } };
  }

  /** Resolves when every message that was taken in is answered. */
  async idle(): Promise<void> {
    if (this.#messagesInFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #message(request: EngineRequest): Promise<EngineReply> {
    this.#messagesInFlight++;
    try {
      return await this.#role.submit(request);
    } finally {
      this.#messagesInFlight--;
      if (this.#messagesInFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
