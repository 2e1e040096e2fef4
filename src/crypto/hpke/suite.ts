// The suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, base mode (RFC 9180, 5.1.1 and 7), and HKDF
// with its labels (4). What depends on a shared secret is computed in the kernel, see assembly/seal/hpke.ts.
import { hkdfSha256 } from '../hkdf.ts';

export const PRIVATE_KEY_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const ENC_BYTES = 32;
export const TAG_BYTES = 16;
/** HKDF expands to no more than 255 hashes (RFC 5869, 2.3). */
export const EXPORT_BYTES_MAX = 255 * 32;

const NOTHING = new Uint8Array(0);
const VERSION = Buffer.from('HPKE-v1', 'latin1');

/** `KEM`, kem_id 0x0020 (4.1). */
export const KEM_SUITE = Buffer.from('KEM\x00\x20', 'latin1');
/** `HPKE`, kem_id 0x0020, kdf_id 0x0001, aead_id 0x0003 (5.1). */
export const HPKE_SUITE = Buffer.from('HPKE\x00\x20\x00\x01\x00\x03', 'latin1');

/** LabeledExtract with the empty salt. */
export function labeledExtract(suite: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  const labeled = Buffer.concat([VERSION, suite, Buffer.from(label, 'latin1'), ikm]);
  const prk = hkdfSha256.extract(NOTHING, labeled);
  labeled.fill(0);
  return prk;
}

/** LabeledExpand. */
export function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const lengthBytes = Uint8Array.of(length >> 8, length & 0xff);
  const labeled = Buffer.concat([lengthBytes, VERSION, suite, Buffer.from(label, 'latin1'), info]);
  return hkdfSha256.expand(prk, labeled, length);
}

let pskIdHash: Uint8Array | undefined;

/** key_schedule_context of 5.1: the mode, which is base, the hash of an absent psk_id, and the hash of `info`. */
export function keyScheduleContext(info: Uint8Array): Uint8Array {
  pskIdHash ??= labeledExtract(HPKE_SUITE, 'psk_id_hash', NOTHING);
  const context = new Uint8Array(65);
  context.set(pskIdHash, 1);
  context.set(labeledExtract(HPKE_SUITE, 'info_hash', info), 33);
  return context;
}
