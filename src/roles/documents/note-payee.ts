// Who gets the money of notes that are taken in: a shop's exchange account, by its number, or a device, by its number sealed
// to cash, so that the receiver does not learn whose the money is. A wallet makes such an address by itself, as many as it
// likes; two of them cannot be told to be of one wallet.
//
//     specie-shop:0x…        a shop's number, hexadecimal or decimal
//     specie-device:AYE5tg…  base64url of SealedPayee
//
// As a text it is what a melt of Cashu's interface pays to. Nothing here is of Node.
import { fromBase64, toBase64 } from '../../identity/binary-text.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { bytes, CodecError, type Infer, struct, u32, u128, union } from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { KEY_BYTES, keyId } from './signed.ts';

/** What only cash reads. Always of one length. */
export const PayeeContent = struct({ device: u128, currency: u32 });
export type PayeeContent = Infer<typeof PayeeContent>;

const AEAD_TAG_BYTES = 16;

export const SealedPayee = struct({
  /** Of cash's sealing key. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(PayeeContent.bytesMax + AEAD_TAG_BYTES),
});
export type SealedPayee = Infer<typeof SealedPayee>;

/** HPKE's `info`; the `aad` is empty: an address is good for any number of payments. @param keyId of cash's sealing key */
export const payeeSealInfo = (keyId: Uint8Array): Uint8Array<ArrayBuffer> => tagged('payeeSeal', keyId);

export const NotePayee = union({
  shop: struct({ shop: u128 }),
  device: struct({ sealed: SealedPayee }),
});
export type NotePayee = Infer<typeof NotePayee>;

// ---- As a text

const SHOP = 'specie-shop:';
const DEVICE = 'specie-device:';
/** Characters of the longest text; whatever is longer is not even looked at. */
export const NOTE_PAYEE_CHARACTERS_MAX = 128;

export class NotePayeeError extends Error {
  override readonly name = 'NotePayeeError';
}

export function encodeNotePayee(payee: NotePayee): string {
  if (payee.kind === 'shop') return `${SHOP}0x${payee.shop.toString(16).padStart(32, '0')}`;
  return DEVICE + toBase64(SealedPayee.encode(payee.sealed)).replaceAll('+', '-').replaceAll('/', '_');
}

/** @throws NotePayeeError */
export function decodeNotePayee(line: string): NotePayee {
  const trimmed = line.length > NOTE_PAYEE_CHARACTERS_MAX + 64 ? '' : line.trim();
  if (trimmed.length <= NOTE_PAYEE_CHARACTERS_MAX) {
    if (trimmed.startsWith(SHOP)) return { kind: 'shop', shop: shopNumber(trimmed.slice(SHOP.length)) };
    if (trimmed.startsWith(DEVICE))
      return { kind: 'device', sealed: sealedPayee(trimmed.slice(DEVICE.length)) };
  }
  throw new NotePayeeError(
    `payee: expected a text of at most ${NOTE_PAYEE_CHARACTERS_MAX} characters that begins with ${SHOP} or ${DEVICE}, got another`,
  );
}

function shopNumber(text: string): bigint {
  const number = /^(?:0x[0-9a-fA-F]{1,32}|[0-9]{1,39})$/.test(text) ? BigInt(text) : -1n;
  if (number >= 0n && number <= U128_MAX) return number;
  throw new NotePayeeError("payee: expected a shop's number of up to 128 bits, got something else");
}

function sealedPayee(text: string): SealedPayee {
  const encoded = /^[A-Za-z0-9_-]*$/.test(text)
    ? fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
    : undefined;
  if (encoded === undefined) throw new NotePayeeError('payee: expected base64url, got something else');
  try {
    return SealedPayee.decode(encoded);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new NotePayeeError(`payee: ${error.message}`, { cause: error });
  }
}
