// A mint of this project in memory, whose quotes are paid by a word of the test, and which the test can make deaf or a liar.
import type { NoteCrypto } from '../../src/crypto/secp256k1/note-crypto.ts';
import { MintUnreachable } from '../../src/mint/client.ts';
import { refused } from '../../src/mint/errors.ts';
import { MintKeysets } from '../../src/mint/keysets.ts';
import { Mint, quoteRefused } from '../../src/mint/mint.ts';
import { NoteBook, outstanding } from '../../src/mint/note-book.ts';
import { MeltQuotes, MintQuotes } from '../../src/mint/quotes.ts';
import type { MintOperation, MintService } from '../../src/mint/service.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import type { PublicKeyset } from '../../src/notes/keyset.ts';
import { noteIds } from '../../src/notes/note.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import type { PlainNote } from '../../src/roles/documents/notes.ts';
import type { RoleStore } from '../../src/store/store.ts';
import { storedNote } from '../../src/terminal/records.ts';
import { memoryRoleStore } from '../store/memory-backend.ts';

export interface ScriptedMintOptions {
  readonly crypto: NoteCrypto;
  readonly unit: string;
  readonly organisation?: string;
  readonly clock: () => bigint;
  readonly random: (size: number) => Uint8Array;
  readonly seeds?: number;
  readonly inputFeePpk?: number;
}

export class ScriptedMint {
  readonly store: RoleStore = memoryRoleStore();
  readonly book = new NoteBook({ isWhole: true });
  readonly keyset: PublicKeyset;
  readonly #crypto: NoteCrypto;
  readonly #keysets: MintKeysets;
  readonly #random: (size: number) => Uint8Array;
  readonly #mintQuotes = new MintQuotes();
  readonly #meltQuotes = new MeltQuotes(this.book);
  readonly mint: Mint;
  /** What was paid to accounts. */
  melted = 0n;
  /** `false`: payments stay under way. */
  pays = true;
  /** Calls until one is lost; then whether it was heard. */
  loseIn = Number.POSITIVE_INFINITY;
  loseHeard = false;
  calls = 0;
  /** Refuses what it has done before, instead of answering the same. */
  isForgetful = false;
  tamper: ((operation: MintOperation, answer: unknown, asked: readonly unknown[]) => unknown) | undefined;

  constructor({
    crypto,
    unit,
    organisation = '',
    clock,
    random,
    seeds = 1,
    inputFeePpk = 0,
  }: ScriptedMintOptions) {
    this.#crypto = crypto;
    this.#random = random;
    this.#keysets = MintKeysets.generate({
      seeds: Array.from({ length: seeds }, (_, i) => ({
        number: i + 1,
        seed: new Uint8Array(32).fill(i + 1),
      })),
      units: [{ unit, organisation, inputFeePpk }],
      amounts: 12,
      crypto,
    });
    this.keyset = this.#keysets.active(unit)!;
    this.mint = new Mint({
      store: this.store,
      keysets: this.#keysets,
      book: this.book,
      crypto: {
        sign: async (items) => crypto.sign(items),
        verify: async (items) => crypto.verify(items),
      },
      hash: crypto,
      clock,
      randomBytes: random,
      about: { name: 'scripted' },
      minting: {
        name: 'specie',
        quotes: this.#mintQuotes,
        backend: { mintRequest: ({ quote }) => `pay:${quote}` },
        amountMin: 1n,
        amountMax: 1_000_000n,
        expirySeconds: 600,
      },
      melting: {
        name: 'specie',
        quotes: this.#meltQuotes,
        backend: {
          meltTerms: ({ amount }) => ({ amount: amount! }),
          melt: async (order) => {
            await this.store.transaction((tx) => {
              if (this.#meltQuotes.read(tx, order.number)?.state === 'unpaid') {
                const refusal = this.#meltQuotes.begin(tx, order, clock());
                if (refusal !== undefined) throw quoteRefused(refusal);
              }
              if (!this.pays) return;
              this.#meltQuotes.end(tx, order.number, 'paid', clock());
              this.melted += order.amount;
            });
            return this.pays ? 'paid' : 'pending';
          },
        },
        amountMin: 1n,
        amountMax: 1_000_000n,
        expirySeconds: 600,
      },
    });
  }

  /** As a terminal reaches it. */
  service(): MintService {
    return new Proxy(this.mint, {
      get: (mint, name) => {
        const operation = name as MintOperation;
        return async (...asked: unknown[]) => {
          this.calls++;
          const isLost = this.loseIn-- === 0;
          const lost = new MintUnreachable('lost on the way');
          if (isLost && !this.loseHeard) throw lost;
          if (this.isForgetful) await this.#refuseRepetition(operation, asked);
          const answer = await (mint[operation] as (...asked: unknown[]) => Promise<unknown>).apply(
            mint,
            asked,
          );
          if (isLost) throw lost;
          return this.tamper === undefined ? answer : this.tamper(operation, answer, asked);
        };
      },
    }) as unknown as MintService;
  }

  /** As mints do that do not know a question again (NUT-19 is for others). */
  async #refuseRepetition(operation: MintOperation, asked: readonly unknown[]): Promise<void> {
    if (operation === 'swap' && !this.isFree((asked[0] as { inputs: PlainNote[] }).inputs))
      throw refused('notes_spent');
    if (operation !== 'mint') return;
    const [method, { quote }] = asked as [string, { quote: string }];
    if ((await this.mint.mintQuote(method, quote)).state === 'ISSUED') throw refused('quote_issued');
  }

  async payQuote(request: string): Promise<void> {
    const number = BigInt(`0x${request.slice('pay:'.length)}`);
    await this.store.transaction((tx) => {
      this.#mintQuotes.beginPayment(tx, number, number, 0n);
      this.#mintQuotes.markPaid(tx, number, number);
    });
  }

  /** Notes out of nothing, as an issuer or a gateway makes them. */
  async issue(amount: bigint): Promise<PlainNote[]> {
    const amounts = splitAmount(amount, this.keyset);
    const secrets = randomSecrets(amounts.length, this.#random);
    const outputs = makeOutputs(amounts, this.keyset.id, secrets, this.#crypto);
    const signed = this.#crypto.sign(
      outputs.map(({ message }) => ({
        blinded: message.blinded,
        secretKey: this.#keysets.secretKey(this.keyset.id, message.amount)!,
      })),
    );
    const messages = outputs.map(({ message }, i) => ({ ...message, ...signed[i]! }));
    await this.store.transaction((tx) => this.book.sign(tx, messages, 1n, 0n));
    return unblindAll(outputs, messages, this.keyset, this.#crypto).map(storedNote);
  }

  incoming(notes: readonly PlainNote[]) {
    const ids = noteIds(notes, this.#crypto);
    return notes.map(({ amount, keysetId }, i) => ({ noteId: ids[i]!, amount, keysetId }));
  }

  isFree(notes: readonly PlainNote[]): boolean {
    return this.incoming(notes).every(({ noteId }) => this.book.taken(this.store, noteId) === undefined);
  }

  isValid(notes: readonly PlainNote[]): boolean {
    const items = notes.map(({ secret, signature, keysetId, amount }) => ({
      message: new TextEncoder().encode(secret),
      signature,
      secretKey: this.#keysets.secretKey(keysetId, amount)!,
    }));
    return (
      items.every(({ secretKey }) => secretKey !== undefined) && this.#crypto.verify(items).every(Boolean)
    );
  }

  async spend(notes: readonly PlainNote[]): Promise<void> {
    await this.store.transaction((tx) => this.book.spend(tx, this.incoming(notes), 2n, 0n));
  }

  /** Signed and not spent. */
  outstanding(): bigint {
    return this.book.allTotals(this.store).reduce((sum, totals) => sum + outstanding(totals), 0n);
  }
}
