// Notes on their way between those who trust each other's keys: as the binary codec has them, and sealed with HPKE to the one
// who may read them, for one use and one request.
//
//     terminal ─send_out─▶ gateway ◀─issue─ issuer            terminal ─send_in─▶ gateway ─receive─▶ receiver
//     gateway  ─deliver──▶ terminal                           gateway ─deliver──▶ terminal
//
// What is sealed is padded to a multiple of PADDING_BYTES, so that its length says little of how many notes there are.
import {
  bytes,
  bytesUpTo,
  type Codec,
  CodecError,
  type Infer,
  list,
  oneOf,
  optional,
  struct,
  text,
  u64,
  u128,
} from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { KEY_BYTES, keyId } from './signed.ts';

/** Notes of one message: an amount of 2^64 - 1 in powers of two. Beyond: several requests, or a swap into larger notes first. */
export const NOTES_MAX = 64;
/** A plain secret has 64 characters. Longer ones have conditions (NUT-10), which whoever receives them fulfils by a swap. */
export const SECRET_BYTES_MAX = 128;
/** Hexadecimal: 16 (version 1) or 66 characters. */
export const KEYSET_ID_BYTES_MAX = 66;
export const POINT_BYTES = 33;
export const SCALAR_BYTES = 32;
export const PADDING_BYTES = 2048;

const scalar = bytes(SCALAR_BYTES);
const point = bytes(POINT_BYTES);

/** A note as src/notes has it, without conditions. */
export const PlainNote = struct({
  amount: u64,
  keysetId: text(KEYSET_ID_BYTES_MAX),
  secret: text(SECRET_BYTES_MAX),
  /** C */
  signature: point,
  dleq: optional(struct({ e: scalar, s: scalar, r: scalar })),
});
export type PlainNote = Infer<typeof PlainNote>;

export const BlindedOutput = struct({
  amount: u64,
  keysetId: text(KEYSET_ID_BYTES_MAX),
  /** B' */
  blinded: point,
});
export type BlindedOutput = Infer<typeof BlindedOutput>;

export const SignedOutput = struct({
  amount: u64,
  keysetId: text(KEYSET_ID_BYTES_MAX),
  /** C' */
  signature: point,
  dleq: struct({ e: scalar, s: scalar }),
});
export type SignedOutput = Infer<typeof SignedOutput>;

export const PlainNotes = list(PlainNote, NOTES_MAX);
export const BlindedOutputs = list(BlindedOutput, NOTES_MAX);
export const SignedOutputs = list(SignedOutput, NOTES_MAX);

/** What the digest of an issue order's reference is over: the outputs, and to whom the answer is sealed. */
export const IssueTerms = struct({ outputs: BlindedOutputs, replyKey: bytes(KEY_BYTES) });
export type IssueTerms = Infer<typeof IssueTerms>;
export const issueTermsMessage = (terms: IssueTerms): Uint8Array =>
  tagged('issueTerms', IssueTerms.encode(terms));

/** `send_out`, `send_in`: from a terminal to its gateway. `return`: by the gateway, for itself, until they are delivered. */
export const SealUse = oneOf('send_out', 'issue', 'deliver', 'send_in', 'receive', 'return');
export type SealUse = Infer<typeof SealUse>;

const AEAD_TAG_BYTES = 16;
const SEALED_BYTES_MAX =
  Math.ceil((PlainNotes.bytesMax + 1) / PADDING_BYTES) * PADDING_BYTES + AEAD_TAG_BYTES;

export const SealedNotes = struct({
  /** Of the sealing key that it was sealed to: the first 8 bytes of its SHA-256. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytesUpTo(SEALED_BYTES_MAX),
});
export type SealedNotes = Infer<typeof SealedNotes>;

const SealInfo = struct({ use: SealUse, keyId });
/** HPKE's `info`. @param keyId of the recipient's sealing key */
export const notesSealInfo = (use: SealUse, keyId: Uint8Array): Uint8Array =>
  tagged('notesSeal', SealInfo.encode({ use, keyId }));

/** HPKE's `aad`: what was sealed for one request opens for no other, nor as another amount. */
export const NotesBinding = struct({ request: u128, amount: u128 });
export type NotesBinding = Infer<typeof NotesBinding>;

/**
 * What is sealed: the list's encoding, a byte 1, zeroes up to a multiple of PADDING_BYTES.
 * The caller wipes what it gets.
 */
export function padded<Value>(codec: Codec<Value>, value: Value): Uint8Array<ArrayBuffer> {
  const encoded = codec.encode(value);
  const result = new Uint8Array(Math.ceil((encoded.length + 1) / PADDING_BYTES) * PADDING_BYTES);
  result.set(encoded);
  result[encoded.length] = 1;
  return result;
}

/** @throws CodecError, which holds nothing of what was sealed */
export function unpadded<Value>(codec: Codec<Value>, plaintext: Uint8Array): Value {
  const end = plaintext.findLastIndex((byte) => byte !== 0);
  if (end < 0 || plaintext[end] !== 1 || plaintext.length % PADDING_BYTES !== 0)
    throw new CodecError(`sealed notes: expected a multiple of ${PADDING_BYTES} bytes, padded, got others`);
  return codec.decode(plaintext.subarray(0, end));
}
