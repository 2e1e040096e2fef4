// HMAC as RFC 2104, section 2, writes it: H(K xor opad, H(K xor ipad, text)).
import type { ReferenceHash } from './hash.ts';

export function hmac(hash: ReferenceHash, key: Uint8Array, text: Uint8Array): Uint8Array {
  const block = new Uint8Array(hash.blockBytes);
  block.set(key.length > hash.blockBytes ? hash.digest(key) : key);
  const inner = hash.digest(
    joined(
      block.map((byte) => byte ^ 0x36),
      text,
    ),
  );
  return hash.digest(
    joined(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
