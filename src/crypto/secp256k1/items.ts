// Records of blind notes as the kernel takes them: assembly/secp256k1/items.ts. Whoever computes, on this thread or in a pool,
// lays them down with these functions.
import { POINT_SIZE, SCALAR_SIZE } from './note-crypto.ts';

/** Memory that records are laid in. */
export interface Views {
  readonly bytes: Uint8Array;
  readonly data: DataView;
}

export const viewsOf = (bytes: Uint8Array): Views => ({ bytes, data: new DataView(bytes.buffer) });

export const BLIND = { bytes: 88, scalar: 8, point: 40, verdict: 76 };
export const SIGN = { bytes: 144, blinded: 0, key: 36, signature: 40, verdict: 76, e: 80, s: 112 };
export const UNBLIND = { bytes: 152, signature: 0, key: 40, verdict: 76, scalar: 80, result: 112 };
export const NOTE = { bytes: 56, signature: 8, key: 44, verdict: 48 };
export const DLEQ = {
  bytes: 184,
  blinded: 0,
  scalar: 8,
  signature: 40,
  verdict: 76,
  key: 80,
  e: 120,
  s: 152,
};
export const COEFFICIENT_BYTES = 16;

/** NUT-00. */
const DOMAIN = new TextEncoder().encode('Secp256k1_HashToCurve_Cashu_');
/** No point, whatever follows. */
const NO_POINT = new Uint8Array(POINT_SIZE);

/** Bytes of a text, rounded up for the next one. */
export const textBytes = (message: Uint8Array): number => (DOMAIN.length + message.length + 7) & ~7;

/** Lays a text down at `text`, and where it is at `record`. */
export function layText({ bytes, data }: Views, record: number, text: number, message: Uint8Array): void {
  bytes.set(DOMAIN, text);
  bytes.set(message, text + DOMAIN.length);
  data.setUint32(record, text, true);
  data.setUint32(record + 4, DOMAIN.length + message.length, true);
}

/** Lays an encoding down; one of another length encodes nothing. */
export function layPoint({ bytes }: Views, place: number, point: Uint8Array): void {
  bytes.set(point.length === POINT_SIZE ? point : NO_POINT, place);
}

/** Copies out of shared memory. */
export const copyOf = ({ bytes }: Views, place: number, length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes.subarray(place, place + length));

export const pointOf = (views: Views, place: number): Uint8Array<ArrayBuffer> =>
  copyOf(views, place, POINT_SIZE);
export const scalarOf = (views: Views, place: number): Uint8Array<ArrayBuffer> =>
  copyOf(views, place, SCALAR_SIZE);

/**
 * Lays the keys of items down at `place`, each once, and at each item which one is its: the same Uint8Array is the same key.
 * Two that merely look alike are two: to find that out would take comparing secrets. Answers how many there are.
 */
export function layKeys(
  { bytes, data }: Views,
  place: number,
  items: readonly { readonly secretKey: Uint8Array }[],
  keyPlace: (i: number) => number,
): number {
  const indices = new Map<Uint8Array, number>();
  items.forEach(({ secretKey }, i) => {
    let index = indices.get(secretKey);
    if (index === undefined) {
      index = indices.size;
      indices.set(secretKey, index);
      bytes.set(secretKey, place + SCALAR_SIZE * index);
    }
    data.setUint32(keyPlace(i), index, true);
  });
  return indices.size;
}

/** Places of items in an order in which those of one key are neighbours. */
export function byKey(items: readonly { readonly secretKey: Uint8Array }[]): number[] {
  const places = new Map<Uint8Array, number[]>();
  items.forEach(({ secretKey }, i) => {
    const own = places.get(secretKey);
    if (own === undefined) places.set(secretKey, [i]);
    else own.push(i);
  });
  return [...places.values()].flat();
}
