// Notes that a gateway has for this terminal.
//
//     listed ─▶ opened, checked ─▶ written down ─▶ exchanged at the mint for own notes ─▶ confirmed
//
// Confirming comes last: until then the gateway keeps them, and returns them to their sender in the end. Whoever confirmed
// first would have to take a gateway's word for notes that may be spent.
import { sha256 } from '../crypto/index.ts';
import { equalBytes, toHex } from '../identity/binary-text.ts';
import { checkNotes } from '../notes/dleq.ts';
import { NotesError } from '../notes/errors.ts';
import { type PlainNote, SealedNotes } from '../roles/documents/notes.ts';
import type { Delivery } from '../roles/gateway/messages.ts';
import { type Desk, gatewayRefused, sumOfNotes } from './desk.ts';
import { TerminalError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import { DELIVERY_PAGES_MAX } from './limits.ts';
import { type DeliveryName, noteKey } from './note-store.ts';
import type { KnownGateway } from './ports.ts';
import { noteOf } from './records.ts';
import { openDelivery } from './seals.ts';

export interface ReceivedDelivery {
  readonly gateway: string;
  readonly request: bigint;
  readonly isReturn: boolean;
  /** In own notes. */
  readonly amount: bigint;
}

export interface FailedDelivery {
  readonly gateway: string;
  /** undefined: the gateway could not be asked. */
  readonly request?: bigint;
  readonly error: TerminalError;
}

export interface ReceiveResult {
  readonly received: readonly ReceivedDelivery[];
  readonly failed: readonly FailedDelivery[];
}

const invalid = (expected: string, got: string): TerminalError =>
  new TerminalError('delivery_invalid', `delivery: expected ${expected}, got ${got}`);

export class Deliveries {
  readonly #desk: Desk;
  readonly #exchanges: Exchanges;

  constructor(desk: Desk, exchanges: Exchanges) {
    this.#desk = desk;
    this.#exchanges = exchanges;
  }

  /** What all gateways have now. A delivery that is refused holds up none of the others. */
  async receive(signal?: AbortSignal): Promise<ReceiveResult> {
    const received: ReceivedDelivery[] = [];
    const failed: FailedDelivery[] = [];
    for (const gateway of this.#desk.options.gateways) {
      try {
        for await (const delivery of this.#listed(gateway)) {
          if (signal?.aborted === true) throw new TerminalError('interrupted', 'the caller stopped waiting');
          try {
            const taken = await this.#desk.exclusive(() => this.#take(gateway, delivery));
            if (taken !== undefined) received.push(taken);
          } catch (error) {
            if (!(error instanceof TerminalError)) throw error;
            failed.push({ gateway: gateway.name, request: delivery.request, error });
          }
        }
      } catch (error) {
        if (!(error instanceof TerminalError) || error.code === 'interrupted') throw error;
        failed.push({ gateway: gateway.name, error });
      }
    }
    return { received, failed };
  }

  async *#listed(gateway: KnownGateway): AsyncGenerator<Delivery> {
    let after = 0n;
    for (let page = 0; page < DELIVERY_PAGES_MAX; page++) {
      const result = await gateway.calls.call('list_deliveries', { after });
      if (result.kind === 'unknown')
        throw new TerminalError('unreachable', `gateway ${gateway.name}: ${result.reason}`);
      if (result.kind === 'refused') throw gatewayRefused(gateway, result.refusal);
      const { deliveries, more } = result.answer;
      for (const delivery of deliveries) {
        if (delivery.request < after || (delivery.request === after && page > 0))
          throw new TerminalError(
            'gateway_invalid',
            'deliveries: expected them in the order of their requests',
          );
        after = delivery.request;
        yield delivery;
      }
      if (!more || deliveries.length === 0) return;
    }
  }

  /** undefined: it was here before, and the gateway has only now heard so. */
  async #take(gateway: KnownGateway, delivery: Delivery): Promise<ReceivedDelivery | undefined> {
    const { request, isReturn } = delivery;
    const name: DeliveryName = { gateway: gateway.key, request, isReturn };
    const digest = Uint8Array.from(sha256(SealedNotes.encode(delivery.notes)));
    const known = this.#desk.store.delivery(name);
    if (known !== undefined && !equalBytes(known.digest, digest))
      throw invalid('the same notes as before for the same request', 'others');
    if (known?.state === 'refused') {
      throw new TerminalError('notes_spent', 'delivery: expected notes that can be spent, got it again');
    }
    let amount: bigint | undefined;
    if (known === undefined || known.state === 'taken') {
      const operation =
        known === undefined ? await this.#writeDown(name, delivery, digest) : this.#swapOf(name);
      const look = operation === undefined ? undefined : await this.#exchanges.advance(operation);
      if (look?.kind === 'wait') throw new TerminalError('unfinished', look.reason, { operation });
      amount = look?.value;
    }
    await this.#confirm(gateway, name, digest);
    return amount === undefined ? undefined : { gateway: gateway.name, request, isReturn, amount };
  }

  #swapOf({ gateway, request, isReturn }: DeliveryName): bigint | undefined {
    return this.#desk.store
      .operations()
      .find(
        ([, operation]) =>
          operation.kind === 'swap' &&
          operation.reference === request &&
          operation.origin === (isReturn ? 'return' : 'delivery') &&
          operation.gateway !== undefined &&
          equalBytes(operation.gateway, gateway),
      )?.[0];
  }

  async #writeDown(name: DeliveryName, delivery: Delivery, digest: Uint8Array): Promise<bigint> {
    const { request, isReturn, amount } = delivery;
    const notes = openDelivery(delivery.notes, this.#desk.options.keys, { request, amount });
    if (notes.length === 0 || sumOfNotes(notes) !== amount)
      throw invalid(`notes worth ${amount}`, `notes worth ${sumOfNotes(notes)}`);
    const own = isReturn ? this.#sentAs(name, amount) : undefined;
    this.#checkNew(notes);
    const { keysetId, amounts } = await this.#exchanges.amountsFor(notes);
    try {
      const { crypto } = this.#desk.options;
      checkNotes(notes.map(noteOf), this.#desk.keysets.known, crypto, { isProofRequired: false });
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      throw new TerminalError('delivery_invalid', `delivery: ${error.message}`, { cause: error });
    }
    const operation = this.#desk.newId();
    await this.#desk.store.change((changes) => {
      // What was sent has come back: it is in the place of what it was.
      if (own !== undefined) changes.end(own);
      changes.putDelivery(name, { digest, amount, state: 'taken' });
      changes.open(operation, {
        kind: 'swap',
        at: this.#desk.now(),
        origin: isReturn ? 'return' : 'delivery',
        reference: request,
        gateway: name.gateway,
        notes,
        plan: changes.plan(keysetId, amounts),
      });
    });
    this.#desk.event({ type: 'prepared', operation, what: isReturn ? 'return' : 'delivery' });
    return operation;
  }

  /** What comes back is what this terminal has sent through that gateway, with or without the fee. */
  #sentAs({ gateway, request }: DeliveryName, amount: bigint): bigint {
    const sent = this.#desk.store.operation(request);
    if (sent?.kind !== 'send' || !equalBytes(sent.gateway, gateway))
      throw invalid('a return of what this terminal has sent', 'one of something else');
    if (amount < sent.amount || amount > sent.amount + sent.fee)
      throw invalid(`${sent.amount} back`, `${amount}`);
    return request;
  }

  #checkNew(notes: readonly PlainNote[]): void {
    const seen = new Set<string>();
    const text = (note: PlainNote): string => toHex(noteKey(note));
    for (const [, operation] of this.#desk.store.operations()) {
      if (operation.kind === 'swap' && operation.origin !== 'change')
        for (const note of operation.notes) seen.add(text(note));
    }
    for (const note of notes) {
      if (this.#desk.store.isHeld(note) || seen.has(text(note)))
        throw invalid('new notes', 'some a second time');
      seen.add(text(note));
    }
  }

  async #confirm(gateway: KnownGateway, name: DeliveryName, notesDigest: Uint8Array): Promise<void> {
    const known = this.#desk.store.delivery(name);
    if (known?.state !== 'exchanged' && known?.state !== 'confirmed') return;
    const { request } = name;
    const result = await gateway.calls.call('confirm_delivery', { request, notesDigest });
    // Not heard: the gateway lists it again, and is told again.
    if (result.kind === 'unknown') return;
    if (result.kind === 'refused' && result.refusal.code !== 'delivery_unknown')
      throw gatewayRefused(gateway, result.refusal);
    await this.#desk.store.change((changes) => changes.putDelivery(name, { ...known, state: 'confirmed' }));
  }
}
