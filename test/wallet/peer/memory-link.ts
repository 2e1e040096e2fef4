// Two ends of a medium in memory, with dials for what media do: cut off, repeat, delay, change.
import type { WalletClock } from '../../../src/wallet/core/ports.ts';
import type { PeerLink } from '../../../src/wallet/peer/link.ts';

export type Side = 'payer' | 'payee';

export interface Piece {
  readonly from: Side;
  readonly bytes: Uint8Array;
}

export interface Dials {
  readonly pieceBytesMax?: number;
  /** So many pieces get through, both directions counted; the next one is lost, and both ends are cut off. */
  readonly cutAfter?: number;
  /** What becomes of a piece, by its number from 0; as it is, unless told otherwise. */
  readonly meddle?: (piece: Piece, number: number) => readonly Uint8Array[];
  readonly delayMs?: number;
  readonly clock?: WalletClock;
}

export interface Pair {
  readonly payer: PeerLink;
  readonly payee: PeerLink;
  /** What went over it. */
  readonly pieces: Piece[];
  cut(): void;
}

class End implements PeerLink {
  readonly pieceBytesMax: number;
  readonly #deliver: (piece: Uint8Array) => Promise<void>;
  readonly #cut: () => void;
  readonly #queue: Uint8Array[] = [];
  #waiting: ((piece: Uint8Array | undefined) => void) | undefined;
  isOpen = true;

  constructor(pieceBytesMax: number, deliver: (piece: Uint8Array) => Promise<void>, cut: () => void) {
    this.pieceBytesMax = pieceBytesMax;
    this.#deliver = deliver;
    this.#cut = cut;
  }

  async send(piece: Uint8Array): Promise<void> {
    if (this.isOpen) await this.#deliver(Uint8Array.from(piece));
  }

  async receive(): Promise<Uint8Array | undefined> {
    const first = this.#queue.shift();
    if (first !== undefined || !this.isOpen) return first;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.#cut();
  }

  arrive(piece: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#queue.push(piece);
    else waiting(piece);
  }

  end(): void {
    this.isOpen = false;
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }
}

export function memoryPair({ pieceBytesMax = 2_000, ...dials }: Dials = {}): Pair {
  const pieces: Piece[] = [];
  let through = 0;
  const ends = {} as Record<Side, End>;
  const cut = (): void => {
    ends.payer.end();
    ends.payee.end();
  };
  const from =
    (side: Side) =>
    async (bytes: Uint8Array): Promise<void> => {
      if (dials.delayMs !== undefined) {
        await new Promise<void>((resolve) => dials.clock!.setTimer(resolve, dials.delayMs!));
      }
      const piece = { from: side, bytes };
      const number = pieces.length;
      pieces.push(piece);
      const other = ends[side === 'payer' ? 'payee' : 'payer'];
      if (through === dials.cutAfter) cut();
      if (!other.isOpen) return;
      for (const changed of dials.meddle?.(piece, number) ?? [bytes]) other.arrive(changed);
      through += 1;
    };
  ends.payer = new End(pieceBytesMax, from('payer'), cut);
  ends.payee = new End(pieceBytesMax, from('payee'), cut);
  return { payer: ends.payer, payee: ends.payee, pieces, cut };
}
