// A shop that sells wide notes: it pays the quotes that people bring, and asks again until it knows what has become of it.
import { sha256 } from '../../../src/crypto/index.ts';
import { QUOTE_REQUEST } from '../../../src/roles/common/wide-notes.ts';
import type { NoteOrder } from '../../../src/roles/documents/note-order.ts';
import { EUR, type Merchant, type System, signed } from './system.ts';

const VALID_NS = 20n * 60_000_000_000n;
const PAUSE_MS = 1_500;

export interface Sale {
  readonly buyer: string;
  /** As the order to cash names it, and as the quote is numbered. */
  readonly request: bigint;
  readonly quote: bigint;
  readonly amount: bigint;
  outcome: 'under way' | 'paid' | 'rejected';
}

export class Counter {
  readonly sales: Sale[] = [];
  readonly #system: System;
  readonly #merchant: Merchant;

  constructor(system: System) {
    this.#system = system;
    this.#merchant = system.counter;
  }

  /** @param request what the quote says that a payer needs */
  async pay(buyer: string, request: string, amount: bigint): Promise<void> {
    const { ground } = this.#system;
    const quote = request.slice(QUOTE_REQUEST.length);
    const id = this.#system.newId();
    const document: NoteOrder = {
      ...{ request: id, shop: this.#merchant.shop, action: 'issue', source: 'sales', amount, currency: EUR },
      reference: sha256(new TextEncoder().encode(quote)),
      applyBy: ground.clockOf('counter')() + VALID_NS,
    };
    const sale: Sale = { buyer, request: id, quote: BigInt(`0x${quote}`), amount, outcome: 'under way' };
    this.sales.push(sale);
    const order = { document, signature: signed(this.#merchant, document) };
    const issuer = this.#system.issuerAs('counter', this.#merchant.peer, () => true);
    for (;;) {
      const result = await issuer.payQuote({ order, quote });
      if (result.kind === 'refused' && result.refusal.code !== 'busy') sale.outcome = 'rejected';
      if (result.kind === 'ok' && result.answer.kind !== 'pending') sale.outcome = result.answer.kind;
      if (sale.outcome !== 'under way') {
        ground.note('counter', `sale of ${amount} to ${buyer}: ${sale.outcome}`);
        return;
      }
      await ground.pause(PAUSE_MS);
    }
  }
}
