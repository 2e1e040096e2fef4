// What the entries of a statement mean for the books. Cash has signed them, so they count: also those that the wallet knows
// nothing of (a refund, a fee, what a copy of this wallet has paid). What contradicts the orders that this wallet has
// signed is not booked; then the whole page is not.
//
//     entry of a load or a payment whose receipt is there      nothing: it is booked
//     … of a request that is still open                        the request ends, as by a receipt
//     post, void                                               the reservation ends
//     anything else                                            a line of its own
import type { PurchaseKind } from '../../roles/documents/purchase.ts';
import type { Statement, StatementEntry } from '../../roles/documents/statement.ts';
import type { Draft } from './draft.ts';
import { WalletError } from './errors.ts';
import { idText } from './records.ts';
import type { RequestRecord, StateName } from './request.ts';

export interface Lookup {
  request(id: bigint): Promise<RequestRecord | undefined>;
  /** Of a purchase. */
  purchase(
    id: bigint,
  ): Promise<{ readonly kind: PurchaseKind; readonly shopName: string; readonly expiresAt: bigint }>;
}

/** @returns the places of those that changed something @throws WalletError answer_invalid */
export async function bookStatements(
  statements: readonly Statement[],
  draft: Draft,
  lookup: Lookup,
): Promise<ReadonlySet<number>> {
  const entries = new Entries(draft, lookup);
  const changed = new Set<number>();
  const changes = async (place: number, work: () => Promise<void>): Promise<void> => {
    const before = draft.changes;
    await work();
    if (draft.changes > before) changed.add(place);
  };
  // What was added first: what the wallet knows by receipts is later, and may have been paid out of it.
  for (const [place, statement] of statements.entries()) {
    for (const entry of statement.entries) {
      if (isAddition(entry)) await changes(place, () => entries.add(entry));
    }
  }
  for (const [place, statement] of statements.entries()) {
    for (const entry of statement.entries) {
      if (!isAddition(entry)) await changes(place, () => entries.take(entry));
    }
    for (const { request, state } of statement.purchases) {
      await changes(place, () => entries.standing(request, state, statement.asOf));
    }
  }
  return changed;
}

const isAddition = ({ phase, side }: StatementEntry): boolean => side === 'credit' && phase !== 'void';

class Entries {
  readonly #draft: Draft;
  readonly #lookup: Lookup;

  constructor(draft: Draft, lookup: Lookup) {
    this.#draft = draft;
    this.#lookup = lookup;
  }

  async add({ transfer, reason, phase, amount, purchase }: StatementEntry): Promise<void> {
    // What is reserved for this device is not there yet.
    if (phase === 'pending' || amount === 0n) return;
    const record = phase === 'single' ? await this.#request(transfer) : undefined;
    if (record?.kind === 'load') {
      if (record.state.kind === 'loaded') return;
      if (record.amount !== amount) throw contradiction(record, `a load of ${amount}`);
      this.#draft.move(record, { kind: 'loaded' }, { money: amount });
      return;
    }
    const isRefund = reason === 'refund';
    const detail = isRefund ? `of ${idText(purchase)}` : reason;
    const id = phase === 'single' ? transfer : purchase;
    this.#draft.note(isRefund ? 'refunded' : 'credited', id, amount, amount, detail);
  }

  async take(entry: StatementEntry): Promise<void> {
    const { transfer, reason, phase, amount, purchase } = entry;
    const id = phase === 'post' || phase === 'void' ? purchase : transfer;
    const record = await this.#request(id);
    if (record?.kind === 'purchase') return this.#takePurchase(record, entry);
    if (record?.kind === 'reserve') {
      if (record.amount !== amount || phase !== 'single')
        throw contradiction(record, `${phase} of ${amount}`);
      // Whatever management says: the purse is there, and what is signed for it is asked for until it comes.
      if (record.state.kind !== 'opened') this.#draft.move(record, { kind: 'opened' }, { money: -amount });
      return;
    }
    if (phase === 'void' || amount === 0n) return;
    // Not this wallet's order: a copy of it has signed it, and has used a sequence number.
    if (phase === 'pending' || (phase === 'single' && reason === 'payment')) this.#draft.nextSequence += 1n;
    if (phase !== 'pending') this.#draft.note('debited', id, amount, -amount, reason);
  }

  async #takePurchase(record: RequestRecord, { phase, amount }: StatementEntry): Promise<void> {
    const { kind, shopName } = await this.#lookup.purchase(record.request);
    const state = record.state.kind;
    const said = `${phase} of ${amount}`;
    switch (phase) {
      case 'single':
        if (record.amount !== amount || kind !== 'sale') throw contradiction(record, said);
        if (state === 'paid') return;
        expectState(record, OPEN, said);
        this.#draft.move(record, { kind: 'paid' }, { money: -amount, detail: shopName });
        return;
      case 'pending':
        if (record.amount !== amount || kind !== 'authorisation') throw contradiction(record, said);
        if (state === 'reserved' || state === 'captured' || state === 'released') return;
        expectState(record, OPEN, said);
        this.#draft.move(record, { kind: 'reserved' }, { detail: shopName });
        return;
      case 'post':
        if (amount > record.amount) throw contradiction(record, said);
        expectState(record, RESERVED, said);
        this.#draft.move(record, { kind: 'captured', amount }, { money: -amount, detail: shopName });
        return;
      case 'void':
        expectState(record, RESERVED, said);
        this.#draft.move(record, { kind: 'released', by: 'void' });
    }
  }

  /** What is not said by an entry: that there is none, and never will be; that a reservation has run out. */
  async standing(request: bigint, state: string, asOf: bigint): Promise<void> {
    const record = await this.#request(request);
    if (record === undefined) return;
    if (state === 'expired' && (OPEN.has(record.state.kind) || record.state.kind === 'reserved')) {
      this.#draft.move(record, { kind: 'released', by: 'expiry' });
    }
    if (state !== 'unknown') return;
    if (!OPEN.has(record.state.kind)) {
      if (['paid', 'reserved', 'captured'].includes(record.state.kind))
        throw contradiction(record, 'that it has no such order');
      return;
    }
    const { expiresAt } = await this.#lookup.purchase(request);
    if (asOf > expiresAt) this.#draft.move(record, { kind: 'lapsed' });
  }

  async #request(id: bigint): Promise<RequestRecord | undefined> {
    return this.#draft.requests.get(id) ?? (await this.#lookup.request(id));
  }
}

const OPEN: ReadonlySet<StateName> = new Set(['prepared', 'pending', 'in_doubt', 'shop_refused']);
const RESERVED: ReadonlySet<StateName> = new Set([...OPEN, 'reserved']);

function expectState(record: RequestRecord, states: ReadonlySet<StateName>, said: string): void {
  if (!states.has(record.state.kind)) throw contradiction(record, said);
}

function contradiction({ request, state, amount }: RequestRecord, said: string): WalletError {
  return new WalletError(
    'answer_invalid',
    `statement: expected what fits request ${idText(request)} (${state.kind}, ${amount} minor units), got ${said}`,
    { request },
  );
}
