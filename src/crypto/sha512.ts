// SHA-512 (FIPS 180-4).
import { type Hash, makeHash } from './hash.ts';

export const sha512: Hash = makeHash({
  name: 'SHA-512',
  digestBytes: 64,
  blockBytes: 128,
  contextBytes: (exports) => exports.SHA512_CONTEXT_BYTES.value,
  init: (exports, context) => exports.sha512Init(context),
  update: (exports, context, address, bytes) => exports.sha512Update(context, address, bytes),
  final: (exports, context, out) => exports.sha512Final(context, out),
  whole: (exports, message, bytes, out) => exports.sha512(message, bytes, out),
  batch: (exports, messages, count, digests) => exports.sha512Batch(messages, count, digests),
});
