// Blind notes on this thread.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import {
  add,
  decode,
  encode,
  equal,
  fromBytes,
  G,
  hashToCurve,
  isInfinity,
  multiply,
  negate,
  sign as signPoint,
  verifyDleq as verifyPoints,
} from '../../reference/secp256k1.ts';
import { expectBytes, expectItems, expectList, expectMessage, expectScalar, isScalar } from './check.ts';
import type { NoteCrypto } from './note-crypto.ts';

export interface NoteCryptoOptions {
  /** The source of the coefficients of a batch: it must be fit for secrets. */
  readonly randomBytes?: (length: number) => Uint8Array;
}

export function createNoteCrypto(
  _options: NoteCryptoOptions = { randomBytes: systemRandomBytes },
): NoteCrypto {
  return {
    hashToCurve(messages) {
      expectList('messages', messages);
      messages.forEach((message, i) => {
        expectMessage(`messages[${i}]`, message);
      });
      return messages.map((message) => encode(hashToCurve(message)));
    },
    publicKeys(secretKeys) {
      expectList('secretKeys', secretKeys);
      secretKeys.forEach((key, i) => {
        expectScalar(`secretKeys[${i}]`, key);
      });
      return secretKeys.map((key) => encode(multiply(G, fromBytes(key))));
    },
    blind(items) {
      expectItems('items', items);
      items.forEach(({ message, blindingFactor }, i) => {
        expectMessage(`items[${i}].message`, message);
        expectScalar(`items[${i}].blindingFactor`, blindingFactor);
      });
      return items.map(({ message, blindingFactor }) =>
        encode(add(hashToCurve(message), multiply(G, fromBytes(blindingFactor)))),
      );
    },
    sign(items) {
      expectItems('items', items);
      items.forEach(({ blinded, secretKey }, i) => {
        expectBytes(`items[${i}].blinded`, blinded);
        expectScalar(`items[${i}].secretKey`, secretKey);
      });
      return items.map(({ blinded, secretKey }) => {
        const point = decode(blinded);
        if (point === undefined) return undefined;
        const { signature, dleq } = signPoint(point, fromBytes(secretKey));
        return { signature: encode(signature), dleq: { e: Uint8Array.from(dleq.e), s: dleq.s } };
      });
    },
    unblind(items) {
      expectItems('items', items);
      items.forEach(({ signature, blindingFactor, publicKey }, i) => {
        expectBytes(`items[${i}].signature`, signature);
        expectScalar(`items[${i}].blindingFactor`, blindingFactor);
        expectBytes(`items[${i}].publicKey`, publicKey);
      });
      return items.map(({ signature, blindingFactor, publicKey }) => {
        const [blindSignature, key] = [decode(signature), decode(publicKey)];
        if (blindSignature === undefined || key === undefined) return undefined;
        const point = add(blindSignature, negate(multiply(key, fromBytes(blindingFactor))));
        return isInfinity(point) ? undefined : encode(point);
      });
    },
    verify(items) {
      expectItems('items', items);
      items.forEach(({ message, signature, secretKey }, i) => {
        expectMessage(`items[${i}].message`, message);
        expectBytes(`items[${i}].signature`, signature);
        expectScalar(`items[${i}].secretKey`, secretKey);
      });
      return items.map(({ message, signature, secretKey }) => {
        const point = decode(signature);
        return point !== undefined && equal(point, multiply(hashToCurve(message), fromBytes(secretKey)));
      });
    },
    verifyDleq(items) {
      expectItems('items', items);
      return items.map(({ blinded, signature, publicKey, dleq }) => {
        const points = [decode(blinded), decode(signature), decode(publicKey)];
        if (points.includes(undefined) || !isScalar(dleq.e) || !isScalar(dleq.s)) return false;
        return verifyPoints(points[0]!, points[1]!, points[2]!, dleq);
      });
    },
    verifyNoteDleq(items) {
      expectItems('items', items);
      items.forEach(({ message }, i) => {
        expectMessage(`items[${i}].message`, message);
      });
      return items.map(({ message, signature, publicKey, blindingFactor, dleq }) => {
        const [note, key] = [decode(signature), decode(publicKey)];
        if (note === undefined || key === undefined || !isScalar(blindingFactor)) return false;
        const r = fromBytes(blindingFactor);
        const blinded = add(hashToCurve(message), multiply(G, r));
        const blindSignature = add(note, multiply(key, r));
        if (isInfinity(blinded) || isInfinity(blindSignature)) return false;
        return isScalar(dleq.e) && isScalar(dleq.s) && verifyPoints(blinded, blindSignature, key, dleq);
      });
    },
  };
}

/** On this thread's kernel. */
export const noteCrypto: NoteCrypto = createNoteCrypto();
