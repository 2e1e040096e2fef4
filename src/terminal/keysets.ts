// The mint's keysets of the terminal's unit, as far as they are known: keys never change under an id, so they are asked for
// once; which of them the mint signs with is asked for anew whenever it says no to one.
import type { MintService } from '../mint/service.ts';
import { NotesError } from '../notes/errors.ts';
import { checkKeyset, type KeysetInfo, type PublicKeyset } from '../notes/keyset.ts';
import { TerminalError } from './errors.ts';
import { KEYSETS_MAX } from './limits.ts';
import { granted } from './mint-calls.ts';
import type { NoteStore } from './note-store.ts';

export class KnownKeysets {
  readonly #store: NoteStore;
  readonly #mint: MintService;
  #known: ReadonlyMap<string, PublicKeyset>;

  constructor(store: NoteStore, mint: MintService) {
    this.#store = store;
    this.#mint = mint;
    this.#known = byId(store.keysets());
  }

  get known(): ReadonlyMap<string, PublicKeyset> {
    return this.#known;
  }

  keyset(id: string): PublicKeyset {
    const keyset = this.#known.get(id);
    if (keyset === undefined) {
      throw new TerminalError(
        'keyset_unknown',
        `keyset ${id}: expected one of this terminal's mint, got another`,
      );
    }
    return keyset;
  }

  /** What the mint signs with, the cheapest to spend. @throws TerminalError */
  async active(unit: string): Promise<PublicKeyset> {
    const best = (): PublicKeyset | undefined =>
      [...this.#known.values()]
        .filter(({ isActive, keys }) => isActive && keys.size > 0)
        .sort((left, right) => left.inputFeePpk - right.inputFeePpk || (left.id < right.id ? -1 : 1))[0];
    if (best() === undefined) await this.refresh(unit);
    const found = best();
    if (found === undefined)
      throw new TerminalError('mint_invalid', `mint: expected an active keyset of ${unit}, got none`);
    return found;
  }

  /** Asks the mint if any of these is not known. */
  async lookUp(ids: Iterable<string>, unit: string): Promise<void> {
    for (const id of ids) {
      if (this.#known.has(id)) continue;
      await this.refresh(unit);
      return;
    }
  }

  /** @throws TerminalError mint_refused, mint_invalid, unreachable: what was known stays */
  async refresh(unit: string): Promise<void> {
    const { keysets } = await granted(this.#mint.keysets(), 'keysets');
    const own = keysets.filter((keyset) => keyset.unit === unit);
    if (own.length > KEYSETS_MAX) {
      throw new TerminalError(
        'mint_invalid',
        `keysets of ${unit}: expected at most ${KEYSETS_MAX}, got ${own.length}`,
      );
    }
    const fresh: PublicKeyset[] = [];
    for (const info of own) {
      const known = this.#known.get(info.id);
      fresh.push(known === undefined ? await this.#fetch(info, unit) : { ...known, isActive: info.isActive });
    }
    // One that the mint no longer lists is one that it no longer signs with.
    const listed = new Set(own.map(({ id }) => id));
    const retired = [...this.#known.values()].filter(({ id }) => !listed.has(id));
    const all = [...fresh, ...retired.map((keyset) => ({ ...keyset, isActive: false }))];
    const changed = all.filter(({ id, isActive }) => this.#known.get(id)?.isActive !== isActive);
    if (changed.length > 0) {
      await this.#store.change((changes) => {
        for (const keyset of changed) changes.putKeyset(keyset);
      });
    }
    this.#known = byId(all);
  }

  /** An id of version 2 binds fee and expiry too; of version 1 they are what the mint says first. */
  async #fetch(info: KeysetInfo, unit: string): Promise<PublicKeyset> {
    const { id } = info;
    const { keysets } = await granted(this.#mint.keys(id), `keyset ${id}`);
    const found = keysets.find((candidate) => candidate.id === id);
    const wrong = (what: string): TerminalError => new TerminalError('mint_invalid', `keyset ${id}: ${what}`);
    if (found === undefined) throw wrong('expected its keys, got those of another');
    if (found.unit !== unit) throw wrong(`expected the unit ${unit}, got another`);
    const keyset = { ...info, keys: found.keys };
    try {
      checkKeyset(keyset);
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      throw wrong(error.message);
    }
    return keyset;
  }
}

const byId = (keysets: readonly PublicKeyset[]): ReadonlyMap<string, PublicKeyset> =>
  new Map(keysets.map((keyset) => [keyset.id, keyset]));
