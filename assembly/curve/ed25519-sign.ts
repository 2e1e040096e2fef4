// Ed25519 signatures (RFC 8032 section 5.1.6), also Ed25519ctx and Ed25519ph: those begin every hash with a domain, which
// the host spells out (section 2, dom2), and what Ed25519ph signs is a hash. In constant time but for lengths.
//
//     key, 96 bytes     0                 32                64                96
//                       ┌─────────────────┬─────────────────┬─────────────────┐
//                       │ scalar modulo L │ prefix          │ public key      │
//                       └─────────────────┴─────────────────┴─────────────────┘
//
// A key is made from the seed here and nowhere else. Were the public key an argument of its own, signing one message with
// two of them would give away the scalar: r stays the same, and S1 - S2 = (k1 - k2)·a.
//
// A message is hashed twice, first for r and then for k, and for the same reason both must have seen the same bytes. One
// that lies in the kernel's memory does not change meanwhile. One that is fed in pieces is fed to both hashes at the second
// time, and r must come out again.
//
// A finished signature is not verified: that costs four times the signature. It would guard against processors that
// compute wrongly, not against anything a caller or a peer can do. Who wants it can call verify.
import { SHA512_CONTEXT_BYTES, sha512, sha512Final, sha512Init, sha512Pieces, sha512Update } from "../hash/sha512";
import { release, take } from "../memory/workspace";
import { POINTS_BYTES, compress } from "./edwards";
import { multiplyBase, multiplyBaseTwice } from "./fixed-base";
import { mulAdd, reduce512 } from "./order";

/** Bytes of a key. */
export const ED25519_KEY_BYTES: usize = 96;
/** Bytes of what signing in pieces keeps: two hash contexts and r. */
export const ED25519_STREAM_BYTES: usize = 2 * SHA512_CONTEXT_BYTES + 32;

const PREFIX: usize = 32;
const PUBLIC: usize = 64;

/** Section 5.1.5: scalar and prefix of the 32 bytes at `seed`; the public key is left out. */
function expandSecret(key: usize, seed: usize): void {
  const hash = take(128);
  const wide = hash + 64;
  sha512(seed, 32, hash);
  memory.copy(key + PREFIX, hash + 32, 32);
  memory.fill(wide, 0, 64);
  memory.copy(wide, hash, 32);
  store<u8>(wide, load<u8>(wide) & 248);
  store<u8>(wide, (load<u8>(wide, 31) & 63) | 64, 31);
  reduce512(key, wide);
  memory.fill(hash, 0, 128);
  release(hash);
}

/** encoded = the encoding of scalar·B. */
function encodeMultiple(encoded: usize, scalar: usize): void {
  const point = take(POINTS_BYTES + 64);
  const bytes = point + POINTS_BYTES;
  multiplyBase(point, scalar);
  compress(bytes, bytes + 32, point);
  memory.copy(encoded, bytes, 32);
  memory.fill(point, 0, POINTS_BYTES + 64);
  release(point);
}

/** key = the key of the 32 bytes at `seed`, which it may lie on. */
export function ed25519Key(key: usize, seed: usize): void {
  expandSecret(key, seed);
  encodeMultiple(key + PUBLIC, key);
}

/** S = k·a + r, with k = SHA-512(domain ‖ R ‖ A ‖ message); R at `signature`, S after it. */
function respond(
  signature: usize,
  message: usize,
  bytes: usize,
  domain: usize,
  domainBytes: usize,
  key: usize,
  r: usize,
): void {
  const hash = take(64);
  sha512Pieces(domain, domainBytes, signature, 32, key + PUBLIC, 32, message, bytes, hash);
  reduce512(hash, hash);
  mulAdd(signature + 32, hash, key, r);
  memory.fill(hash, 0, 64);
  release(hash);
}

/** r = SHA-512(domain ‖ prefix ‖ message). */
function nonce(r: usize, message: usize, bytes: usize, domain: usize, domainBytes: usize, key: usize): void {
  const hash = take(64);
  sha512Pieces(domain, domainBytes, key + PREFIX, 32, message, bytes, 0, 0, hash);
  reduce512(r, hash);
  memory.fill(hash, 0, 64);
  release(hash);
}

/** signature = 64 bytes over `bytes` bytes at `message`. It may lie on the message. */
export function ed25519Sign(
  signature: usize,
  message: usize,
  bytes: usize,
  domain: usize,
  domainBytes: usize,
  key: usize,
): void {
  const result = take(128);
  const r = result + 64;
  nonce(r, message, bytes, domain, domainBytes, key);
  encodeMultiple(result, r);
  respond(result, message, bytes, domain, domainBytes, key, r);
  memory.copy(signature, result, 64);
  memory.fill(result, 0, 128);
  release(result);
}

/** The same straight from the 32 bytes at `seed`: A and R are computed together. */
export function ed25519SignOnce(
  signature: usize,
  message: usize,
  bytes: usize,
  domain: usize,
  domainBytes: usize,
  seed: usize,
): void {
  const result = take(128);
  const r = result + 64;
  const key = take(ED25519_KEY_BYTES);
  const points = take(POINTS_BYTES);
  expandSecret(key, seed);
  nonce(r, message, bytes, domain, domainBytes, key);
  multiplyBaseTwice(points, key, r);
  compress(key + PUBLIC, result, points);
  respond(result, message, bytes, domain, domainBytes, key, r);
  memory.copy(signature, result, 64);
  memory.fill(points, 0, POINTS_BYTES);
  memory.fill(key, 0, ED25519_KEY_BYTES);
  memory.fill(result, 0, 128);
  release(result);
}

// A message in pieces: Begin, then Update for every piece, Commit, then Update for every piece again, Finish. At Commit the
// nonce's hash starts anew beside the challenge's.

function beginNonce(context: usize, domain: usize, domainBytes: usize, key: usize): void {
  sha512Init(context);
  sha512Update(context, domain, domainBytes);
  sha512Update(context, key + PREFIX, 32);
}

/** Begins the ED25519_STREAM_BYTES at `stream`. */
export function ed25519StreamBegin(stream: usize, domain: usize, domainBytes: usize, key: usize): void {
  memory.fill(stream, 0, ED25519_STREAM_BYTES);
  beginNonce(stream, domain, domainBytes, key);
}

/** The next piece of the message, in either round. */
export function ed25519StreamUpdate(stream: usize, address: usize, bytes: usize, round: u32): void {
  sha512Update(stream, address, bytes);
  if (round == 2) sha512Update(stream + SHA512_CONTEXT_BYTES, address, bytes);
}

/** After the first round: stores R, the first half of the signature. */
export function ed25519StreamCommit(
  stream: usize,
  signature: usize,
  domain: usize,
  domainBytes: usize,
  key: usize,
): void {
  const challenge = stream + SHA512_CONTEXT_BYTES;
  const r = challenge + SHA512_CONTEXT_BYTES;
  const hash = take(64);
  sha512Final(stream, hash);
  reduce512(r, hash);
  encodeMultiple(signature, r);
  beginNonce(stream, domain, domainBytes, key);
  sha512Init(challenge);
  sha512Update(challenge, domain, domainBytes);
  sha512Update(challenge, signature, 32);
  sha512Update(challenge, key + PUBLIC, 32);
  memory.fill(hash, 0, 64);
  release(hash);
}

/** After the second round: stores S and wipes the stream. False, and a signature of zeroes, if the message has changed. */
export function ed25519StreamFinish(stream: usize, signature: usize, key: usize): bool {
  const challenge = stream + SHA512_CONTEXT_BYTES;
  const r = challenge + SHA512_CONTEXT_BYTES;
  const hash = take(64);
  sha512Final(stream, hash);
  reduce512(hash, hash);
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(hash + i) ^ load<u64>(r + i);
  sha512Final(challenge, hash);
  reduce512(hash, hash);
  if (difference == 0) mulAdd(signature + 32, hash, key, r);
  else memory.fill(signature, 0, 64);
  memory.fill(hash, 0, 64);
  memory.fill(stream, 0, ED25519_STREAM_BYTES);
  release(hash);
  return difference == 0;
}
