// A mint for tests: its disk is in memory and outlives crashes, its clock stands until told, its backend pays when told.
import { createHash } from 'node:crypto';
import type { BatchNoteCrypto, NoteCrypto } from '../../src/crypto/secp256k1/note-crypto.ts';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { MintRefused } from '../../src/mint/errors.ts';
import { type KeysetUnit, MintKeysets } from '../../src/mint/keysets.ts';
import { Mint, quoteRefused } from '../../src/mint/mint.ts';
import { NoteBook } from '../../src/mint/note-book.ts';
import { MeltQuotes, MintQuotes, quoteNumber } from '../../src/mint/quotes.ts';
import type { MeltOrder, MintOptions } from '../../src/mint/service.ts';
import type { BlindSignature, Note } from '../../src/notes/note.ts';
import { makeOutputs, type Output, unblindAll } from '../../src/notes/outputs.ts';
import { type NoteSecret, randomSecrets } from '../../src/notes/secrets.ts';
import type { RoleStore } from '../../src/store/store.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';

export const METHOD = 'specie';
export const UNIT = 'eur';
const SECOND = 1_000_000_000n;
const START = 1_800_000_000n * SECOND;

const point = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return Uint8Array.from([2, ...hash.digest()]);
};

/** Hashes for points: blinds nothing, proves nothing, and is quick. For tests of what a mint remembers. */
export const toyCrypto: NoteCrypto = {
  hashToCurve: (messages) => messages.map((message) => point(message)),
  publicKeys: (keys) => noteCrypto.publicKeys(keys),
  blind: (items) => items.map(({ message }) => point(message)),
  sign: (items) =>
    items.map(({ blinded, secretKey }) => ({
      signature: point(blinded, secretKey),
      dleq: { e: secretKey.slice().fill(1), s: secretKey.slice().fill(1) },
    })),
  unblind: (items) => items.map(({ signature }) => signature),
  verify: (items) =>
    items.map(
      ({ message, signature, secretKey }) =>
        Buffer.compare(point(point(message), secretKey), signature) === 0,
    ),
  verifyDleq: (items) => items.map(() => true),
  verifyNoteDleq: (items) => items.map(() => true),
};

const batched = (crypto: NoteCrypto): BatchNoteCrypto => ({
  sign: async (items) => crypto.sign(items),
  verify: async (items) => crypto.verify(items),
});

export interface WorldOptions {
  readonly crypto?: NoteCrypto;
  readonly keysets?: MintKeysets;
  readonly disk?: MemoryDisk;
  readonly openMax?: number;
  readonly expirySeconds?: number;
}

/** Keysets of a few keys: each takes a multiplication. */
export const testKeysets = (
  seeds: readonly number[] = [1],
  units: readonly KeysetUnit[] = [{ unit: UNIT, organisation: '' }],
  amounts = 6,
): MintKeysets =>
  MintKeysets.generate({
    seeds: seeds.map((number) => ({ number, seed: new Uint8Array(32).fill(number) })),
    units,
    amounts,
    crypto: noteCrypto,
  });

const oneSeed = testKeysets();

export class World {
  readonly crypto: NoteCrypto;
  readonly disk: MemoryDisk;
  readonly book = new NoteBook({ isWhole: true });
  readonly mintQuotes: MintQuotes;
  readonly meltQuotes: MeltQuotes;
  readonly #options: WorldOptions;
  keysets: MintKeysets;
  store!: RoleStore;
  mint!: Mint;
  now = START;
  /** What the backend does of a melt; what it throws refuses it. */
  pay: (order: MeltOrder) => 'paid' | 'pending' = () => 'paid';
  /** Asked of the crypto pool. */
  calls = { sign: 0, verify: 0 };
  #random = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.crypto = options.crypto ?? toyCrypto;
    this.disk = options.disk ?? new MemoryDisk();
    this.keysets = options.keysets ?? oneSeed;
    const limits = options.openMax === undefined ? {} : { openMax: options.openMax };
    this.mintQuotes = new MintQuotes(limits);
    this.meltQuotes = new MeltQuotes(this.book, limits);
    this.start();
  }

  /** As after a restart. */
  start(keysets = this.keysets): void {
    this.keysets = keysets;
    this.store = memoryRoleStore(this.disk);
    this.mint = new Mint(this.options());
  }

  options(): MintOptions {
    const method = {
      name: METHOD,
      amountMin: 1n,
      amountMax: 1_000n,
      expirySeconds: this.#options.expirySeconds ?? 600,
    };
    const crypto = batched(this.crypto);
    return {
      store: this.store,
      keysets: this.keysets,
      book: this.book,
      crypto: {
        sign: (items) => {
          this.calls.sign++;
          return crypto.sign(items);
        },
        verify: (items) => {
          this.calls.verify++;
          return crypto.verify(items);
        },
      },
      hash: this.crypto,
      clock: () => this.now,
      randomBytes: (size) => {
        const bytes = new Uint8Array(size);
        new DataView(bytes.buffer).setUint32(0, ++this.#random);
        return bytes;
      },
      about: { name: 'a mint for tests', version: 'specie/0' },
      minting: {
        ...method,
        quotes: this.mintQuotes,
        backend: { mintRequest: ({ quote }) => `specie-quote:${quote}` },
      },
      melting: {
        ...method,
        quotes: this.meltQuotes,
        backend: {
          meltTerms: ({ request, amount }) => {
            if (!request.startsWith('specie-shop:'))
              throw new MintRefused({ code: 0, detail: 'request: expected a shop' });
            return { amount: amount ?? 5n };
          },
          melt: (order) => this.#melt(order),
        },
      },
    };
  }

  /** Begins it, asks `pay`, ends it. */
  async #melt(order: MeltOrder): Promise<'paid' | 'pending'> {
    const { store, meltQuotes: quotes } = this;
    const refusal = await store.transaction((tx) =>
      quotes.read(tx, order.number)?.state === 'pending' ? undefined : quotes.begin(tx, order, this.now),
    );
    if (refusal !== undefined) throw quoteRefused(refusal);
    let outcome: 'paid' | 'pending';
    try {
      outcome = this.pay(order);
    } catch (error) {
      await store.transaction((tx) => quotes.end(tx, order.number, 'failed', this.now));
      throw error;
    }
    if (outcome === 'paid') await store.transaction((tx) => quotes.end(tx, order.number, 'paid', this.now));
    return outcome;
  }

  /** @param request who pays it */
  markPaid(quote: string, request = 1n): Promise<void> {
    return this.store.transaction((tx) => this.mintQuotes.markPaid(tx, quoteNumber(quote)!, request));
  }

  get keysetId(): string {
    return this.keysets.active(UNIT)!.id;
  }

  outputs(amounts: readonly bigint[], keysetId = this.keysetId, secrets?: readonly NoteSecret[]): Output[] {
    return makeOutputs(amounts, keysetId, secrets ?? randomSecrets(amounts.length), this.crypto);
  }

  notes(outputs: readonly Output[], signatures: readonly BlindSignature[]): Note[] {
    const keysetId = outputs[0]!.message.keysetId;
    return unblindAll(outputs, signatures, this.keysets.get(keysetId)!, this.crypto);
  }

  /** Notes of a quote that is paid. */
  async minted(amounts: readonly bigint[]): Promise<Note[]> {
    const amount = amounts.reduce((sum, each) => sum + each, 0n);
    const { quote } = await this.mint.openMintQuote(METHOD, { amount, unit: UNIT });
    await this.markPaid(quote);
    const outputs = this.outputs(amounts);
    const { signatures } = await this.mint.mint(METHOD, { quote, outputs: messages(outputs) });
    return this.notes(outputs, signatures);
  }

  totals(keysetId = this.keysetId): { signed: bigint; held: bigint; spent: bigint } {
    const { signed, held, spent } = this.book.totals(this.store, keysetId);
    return { signed, held, spent };
  }

  seconds(count: bigint): void {
    this.now += count * SECOND;
  }
}

export const messages = (outputs: readonly Output[]) => outputs.map(({ message }) => message);

/** Cashu's name of the refusal; anything else fails the test. */
export async function refusalOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof MintRefused) return error.error ?? `${error.status}: ${error.message}`;
    throw error;
  }
  return 'none';
}
