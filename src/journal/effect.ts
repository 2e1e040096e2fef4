// What an event did to its two accounts, as the kernel writes it after the records and results of a segment.
//
//     0          4      5              …                                       …
//     ┌──────────┬──────┬──────────────┬───────────────┬───────────────────────┐
//     │ lengths  │flags │ debit refs   │ credit refs   │ balances after it     │
//     └──────────┴──────┴──────────────┴───────────────┴───────────────────────┘
//
// lengths:  8 nibbles, low first: bytes of each balance, 15 standing for 16; the debit account's debits pending, debits
//           posted, credits pending, credits posted, then the credit account's.
// flags:    bit 0: the debit account is closed after the event, bit 1: the credit account is; bits 2-3 and 4-5: number
//           of debit and of credit refs.
// refs:     7 bytes each: the account's event before this one; of every 256th event also the one 256 before, of every
//           65,536th also the one 65,536 before. 0: none.
import { REF_SIZE } from '../layout/generated.ts';
import { FormatError } from './format.ts';

const FIXED_SIZE = 5;
const BALANCES = 8;
const FLAGS_RESERVED = 0xc0;

export interface EffectBalances {
  readonly debitsPending: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPending: bigint;
  readonly creditsPosted: bigint;
}

export interface Effect {
  /** Bytes that it takes. */
  readonly size: number;
  readonly isDebitClosed: boolean;
  readonly isCreditClosed: boolean;
  /** 1 to 3 refs: the previous event, the one 256 before, the one 65,536 before; 0: none. */
  readonly debitRefs: readonly number[];
  readonly creditRefs: readonly number[];
  readonly debit: EffectBalances;
  readonly credit: EffectBalances;
}

function nibbleSize(lengths: number, index: number): number {
  const nibble = (lengths >>> (index * 4)) & 15;
  return nibble === 15 ? 16 : nibble;
}

/** Bytes of the effect at `offset`. Throws FormatError when it is malformed or does not end within the view. */
export function effectSize(view: DataView, offset: number): number {
  const end = view.byteLength;
  if (offset + FIXED_SIZE > end) {
    throw new FormatError(`effect: expected ${FIXED_SIZE} bytes, got ${end - offset}`, offset, end);
  }
  const lengths = view.getUint32(offset, true);
  const flags = view.getUint8(offset + 4);
  const debitRefs = (flags >> 2) & 3;
  const creditRefs = (flags >> 4) & 3;
  if (debitRefs === 0 || creditRefs === 0 || (flags & FLAGS_RESERVED) !== 0) {
    throw new FormatError(
      `effect: expected one to three refs a side, got flags ${flags}`,
      offset + 4,
      offset + 5,
    );
  }
  let size = FIXED_SIZE + (debitRefs + creditRefs) * REF_SIZE;
  for (let i = 0; i < BALANCES; i++) size += nibbleSize(lengths, i);
  if (offset + size > end) {
    throw new FormatError(`effect: expected ${size} bytes, got ${end - offset}`, offset, end);
  }
  return size;
}

function readRefs(view: DataView, offset: number, count: number): number[] {
  const refs: number[] = [];
  for (let at = offset; at < offset + count * REF_SIZE; at += REF_SIZE) {
    refs.push(view.getUint32(at, true) + (view.getUint32(at + 3, true) >>> 8) * 2 ** 32);
  }
  return refs;
}

/** An unsigned little-endian number of 0 to 16 bytes. */
function readBalance(view: DataView, offset: number, size: number): bigint {
  if (size >= 8) {
    const low = view.getBigUint64(offset, true);
    return (readBalance(view, offset + 8, size - 8) << 64n) | low;
  }
  // Up to 6 bytes stay in numbers, which are an order of magnitude faster than bigints.
  let low = 0;
  for (let i = Math.min(size, 6) - 1; i >= 0; i--) low = low * 256 + view.getUint8(offset + i);
  const value = BigInt(low);
  return size === 7 ? value | (BigInt(view.getUint8(offset + 6)) << 48n) : value;
}

/** Reads the effect at `offset` of a view that ends with its segment. Throws FormatError. */
export function decodeEffect(view: DataView, offset: number): Effect {
  const size = effectSize(view, offset);
  const lengths = view.getUint32(offset, true);
  const flags = view.getUint8(offset + 4);
  const debitCount = (flags >> 2) & 3;
  const creditCount = (flags >> 4) & 3;
  const debitRefs = readRefs(view, offset + FIXED_SIZE, debitCount);
  const creditRefs = readRefs(view, offset + FIXED_SIZE + debitCount * REF_SIZE, creditCount);
  let at = offset + FIXED_SIZE + (debitCount + creditCount) * REF_SIZE;
  let index = 0;
  const next = (): bigint => {
    const length = nibbleSize(lengths, index++);
    const value = readBalance(view, at, length);
    at += length;
    return value;
  };
  const balances = (): EffectBalances => ({
    debitsPending: next(),
    debitsPosted: next(),
    creditsPending: next(),
    creditsPosted: next(),
  });
  return {
    size,
    isDebitClosed: (flags & 1) !== 0,
    isCreditClosed: (flags & 2) !== 0,
    debitRefs,
    creditRefs,
    debit: balances(),
    credit: balances(),
  };
}
