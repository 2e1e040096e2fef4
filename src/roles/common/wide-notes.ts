// What issuer and receiver have in common: the units of wide notes, their keysets, and what both tell of their note book.
import type { NoteCrypto } from '../../crypto/index.ts';
import { type KeysetSeed, MintKeysets } from '../../mint/keysets.ts';
import type { NoteBook } from '../../mint/note-book.ts';
import { Currencies } from '../../shared/currency.ts';
import type { StoreReads } from '../../store/store.ts';
import type { CirculationAnswer, FindSignaturesAnswer, FindSignaturesRequest } from '../issuer/messages.ts';

/** The name of the payment method in Cashu's interface. */
export const METHOD = 'specie';
/** Before the id of a quote that a merchant pays: what a payer is told. */
export const QUOTE_REQUEST = 'specie-quote:';

/** Currencies that are offered, with the units of their notes: the code in lower case, amounts in minor units. */
export class WideUnits {
  readonly #units: ReadonlyMap<number, string>;
  readonly #currencies: ReadonlyMap<string, number>;

  constructor(ledgers: Iterable<number>, currencies: Currencies = new Currencies()) {
    this.#units = new Map(
      [...ledgers].map((ledger) => [ledger, currencies.ofLedger(ledger).code.toLowerCase()]),
    );
    this.#currencies = new Map([...this.#units].map(([ledger, unit]) => [unit, ledger]));
  }

  /** undefined: it is not offered. */
  unitOf(currency: number): string | undefined {
    return this.#units.get(currency);
  }

  currencyOf(unit: string): number | undefined {
    return this.#currencies.get(unit);
  }

  get all(): readonly string[] {
    return [...this.#currencies.keys()];
  }
}

export interface WideKeysetsOptions {
  readonly seeds: readonly KeysetSeed[];
  readonly units: WideUnits;
  readonly inputFeePpk?: number;
  readonly crypto: Pick<NoteCrypto, 'publicKeys'>;
}

/** The same for issuer and receiver, who have the same seeds: who takes a note in has to be able to make it. */
export const wideKeysets = ({ seeds, units, inputFeePpk = 0, crypto }: WideKeysetsOptions): MintKeysets =>
  MintKeysets.generate({
    seeds,
    units: units.all.map((unit) => ({ unit, organisation: '', inputFeePpk })),
    crypto,
  });

/** As many as an answer has room for, those that sign first. */
const KEYSETS_MAX = 256;

/** Of the role's own book: the issuer knows what it has signed, the receiver what it has taken in, and signed in swaps. */
export function circulation(
  reads: StoreReads,
  book: NoteBook,
  keysets: MintKeysets,
  unit: string,
): CirculationAnswer {
  const ofUnit = keysets.all.filter((keyset) => keyset.unit === unit);
  const inOrder = [
    ...ofUnit.filter(({ isActive }) => isActive),
    ...ofUnit.filter(({ isActive }) => !isActive),
  ];
  return {
    keysets: inOrder.slice(0, KEYSETS_MAX).map(({ id, isActive }) => {
      const { signed, signedCount, spent, spentCount } = book.totals(reads, id);
      return { keysetId: id, isActive, signed, signedCount, spent, spentCount };
    }),
  };
}
/** What the role itself has signed of these. */
export const findSignatures = (
  reads: StoreReads,
  book: NoteBook,
  { blinded }: FindSignaturesRequest,
): FindSignaturesAnswer => ({
  found: blinded.map((point) => {
    const signed = book.signed(reads, point);
    if (signed === undefined) return undefined;
    const { amount, keysetId, signature, dleq } = signed;
    return { amount, keysetId, signature, dleq };
  }),
});
