// The arithmetic of blind notes on secp256k1: what a mint and a holder compute (Cashu NUT-00, NUT-12), in batches.
//
//     holder                                mint, key k, K = k·G
//     Y  = hash_to_curve(secret)
//     B' = Y + r·G          ── B' ──▶       C' = k·B'
//     C  = C' - r·K         ◀─ C', e, s ──  DLEQ: log_G K = log_B' C'
//     … ── secret, C ────────────────▶      C = k·Y ?
//
// Points are 33 bytes, compressed (SEC 1, 2.3.3); scalars 32 bytes, big-endian, 1 to n - 1. A scalar out of that range is a
// fault of the caller: RangeError; but e, s and r of a proof come from somebody else: one that has such is not good. A point
// that is none is bad input: that item's result says so, the others stand.
//
// Items that have the same key share work if it is the same Uint8Array.

export const POINT_SIZE = 33;
export const SCALAR_SIZE = 32;

/** NUT-12: proves that C' was made with the key behind K. */
export interface Dleq {
  readonly e: Uint8Array;
  readonly s: Uint8Array;
}

export interface BlindItem {
  /** Any length up to 1,024 bytes: of a Cashu note the UTF-8 of its secret. */
  readonly message: Uint8Array;
  readonly blindingFactor: Uint8Array;
}

export interface SignItem {
  /** B' */
  readonly blinded: Uint8Array;
  readonly secretKey: Uint8Array;
}

export interface BlindSigned {
  /** C' */
  readonly signature: Uint8Array;
  readonly dleq: Dleq;
}

export interface UnblindItem {
  /** C' */
  readonly signature: Uint8Array;
  readonly blindingFactor: Uint8Array;
  /** K */
  readonly publicKey: Uint8Array;
}

export interface VerifyItem {
  readonly message: Uint8Array;
  /** C */
  readonly signature: Uint8Array;
  readonly secretKey: Uint8Array;
}

export interface DleqItem {
  /** B' */
  readonly blinded: Uint8Array;
  /** C' */
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly dleq: Dleq;
}

export interface NoteDleqItem {
  readonly message: Uint8Array;
  /** C */
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  /** r */
  readonly blindingFactor: Uint8Array;
  readonly dleq: Dleq;
}

/** What a holder computes, and a mint for small batches. */
export interface NoteCrypto {
  /** NUT-00: Y of each message. */
  hashToCurve(messages: readonly Uint8Array[]): Uint8Array[];
  /** K = k·G */
  publicKeys(secretKeys: readonly Uint8Array[]): Uint8Array[];
  /** B' */
  blind(items: readonly BlindItem[]): Uint8Array[];
  /** C', with a proof by a nonce that NUT-12 derives; undefined: no point. */
  sign(items: readonly SignItem[]): (BlindSigned | undefined)[];
  /** C; undefined: C' or K is no point. */
  unblind(items: readonly UnblindItem[]): (Uint8Array | undefined)[];
  /** Whether C = k·Y. A batch with one key costs less than its parts. */
  verify(items: readonly VerifyItem[]): boolean[];
  /** NUT-12, of a blind signature. */
  verifyDleq(items: readonly DleqItem[]): boolean[];
  /** NUT-12, of a note that somebody passes on with its blinding factor: needs no mint. */
  verifyNoteDleq(items: readonly NoteDleqItem[]): boolean[];
}

/** What a mint computes by the thousand, on other threads. Resolves in the order of the items. */
export interface BatchNoteCrypto {
  sign(items: readonly SignItem[]): Promise<(BlindSigned | undefined)[]>;
  verify(items: readonly VerifyItem[]): Promise<boolean[]>;
}
