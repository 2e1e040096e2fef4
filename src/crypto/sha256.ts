// SHA-256 (FIPS 180-4).
import { type Hash, makeHash } from './hash.ts';

export const sha256: Hash = makeHash({
  name: 'SHA-256',
  digestBytes: 32,
  blockBytes: 64,
  contextBytes: (exports) => exports.SHA256_CONTEXT_BYTES.value,
  init: (exports, context) => exports.sha256Init(context),
  update: (exports, context, address, bytes) => exports.sha256Update(context, address, bytes),
  final: (exports, context, out) => exports.sha256Final(context, out),
  whole: (exports, message, bytes, out) => exports.sha256(message, bytes, out),
  batch: (exports, messages, count, digests) => exports.sha256Batch(messages, count, digests),
});
