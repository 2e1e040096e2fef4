// What is derived from an exchange, so that whoever does a step again does the same: the ids of the gateway's own requests to
// issuer and receiver, and the secrets of notes that it makes for others.
import { hkdfSha256 } from '../crypto/index.ts';
import { toHex } from '../identity/binary-text.ts';
import { wideScalar } from '../notes/point.ts';
import type { NoteSecret } from '../notes/secrets.ts';
import { type Infer, oneOf, struct, u16, u32, u128 } from '../shared/codec.ts';

/** Which request of an exchange: its own, or, nobody having fetched it, that by which it goes back. */
export const Purpose = oneOf('out', 'in', 'out_return', 'in_return');
export type Purpose = Infer<typeof Purpose>;

export interface DerivedOf {
  readonly shop: bigint;
  readonly purpose: Purpose;
  readonly exchange: bigint;
  /** 0 and on: what was rejected for good is asked for anew under another id. */
  readonly attempt: number;
}

const Context = struct({ shop: u128, purpose: Purpose, exchange: u128, attempt: u32 });
const SecretContext = struct({ shop: u128, purpose: Purpose, exchange: u128, attempt: u32, place: u16 });

const utf8 = new TextEncoder();
const REQUEST_TAG = utf8.encode('specie gateway request v1\0');
const SECRET_TAG = utf8.encode('specie gateway note v1\0');

function joined(tag: Uint8Array, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(tag.length + bytes.length);
  result.set(tag);
  result.set(bytes, tag.length);
  return result;
}

/**
 * Names a request to issuer or receiver; below 2^127, where no id of cash's own is. Terminals choose exchanges' ids: whoever could
 * tell this one beforehand could have it used up, and what goes back would never arrive. @param seed 32 bytes, secret
 */
export function requestOf(seed: Uint8Array, of: DerivedOf): bigint {
  const drawn = hkdfSha256(seed, undefined, joined(REQUEST_TAG, Context.encode(of)), 16);
  const view = new DataView(drawn.buffer, drawn.byteOffset);
  // Never 0, which names nothing.
  return ((view.getBigUint64(0) << 64n) | view.getBigUint64(8)) >> 1n || 1n;
}

/** @param seed 32 bytes, secret */
export function secretsOf(seed: Uint8Array, of: DerivedOf, count: number): NoteSecret[] {
  return Array.from({ length: count }, (_, place) => {
    const info = joined(SECRET_TAG, SecretContext.encode({ ...of, place }));
    const drawn = hkdfSha256(seed, undefined, info, 80);
    const blindingFactor = wideScalar(drawn.subarray(32));
    const secret = toHex(drawn.subarray(0, 32));
    drawn.fill(0);
    return { secret, blindingFactor };
  });
}
