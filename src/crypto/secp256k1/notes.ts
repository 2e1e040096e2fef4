// Blind notes on this thread's kernel: as many items a call of the kernel as its io takes. What a call leaves in io is
// overwritten: keys, blinding factors and messages are secret.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { type CryptoKernel, IO_BYTES } from '../../kernel/crypto-kernel.ts';
import { expectFunction, expectObject } from '../errors.ts';
import { kernel } from '../kernel.ts';
import { expectBytes, expectEach, expectItems, expectMessage, expectScalar, isScalar } from './check.ts';
import {
  BLIND,
  byKey,
  DLEQ,
  layPoint,
  layText,
  pointOf,
  textBytes,
  UNBLIND,
  type Views,
  viewsOf,
} from './items.ts';
import type { BlindItem, DleqItem, NoteCrypto, NoteDleqItem, UnblindItem } from './note-crypto.ts';
import {
  expectSignItems,
  laySignItems,
  runSignItems,
  SIGN_HEADER_BYTES,
  SIGN_ITEM_ROOM,
  signaturesOf,
} from './sign-items.ts';
import {
  expectVerifyItems,
  layVerifyItems,
  runVerifyItems,
  verdictsOf,
  verifyItemRoom,
} from './verify-items.ts';

export interface NoteCryptoOptions {
  /**
   * The source of the coefficients of `verify`, 16 bytes an item: it must be fit for secrets. Whoever could tell them
   * beforehand could make bad notes that pass together.
   */
  readonly randomBytes?: (length: number) => Uint8Array;
}

/** Answers of all items, of as many at a time as io has room for. */
function inParts<Item, Result>(
  items: readonly Item[],
  roomOf: (item: Item) => number,
  compute: (instance: CryptoKernel, views: Views, part: readonly Item[]) => Result[],
): Result[] {
  const results: Result[] = [];
  let from = 0;
  while (from < items.length) {
    let to = from;
    let room = SIGN_HEADER_BYTES;
    while (to < items.length && room + roomOf(items[to]!) <= IO_BYTES) {
      room += roomOf(items[to]!);
      to += 1;
    }
    const instance = kernel();
    try {
      results.push(...compute(instance, viewsOf(instance.bytes), items.slice(from, to)));
    } finally {
      if (!instance.aborted) instance.wipe(instance.io, room);
    }
    from = to;
  }
  return results;
}

const isGood = ({ data }: Views, verdict: number): boolean => data.getUint32(verdict, true) === 1;

/** Items of BLIND: texts, if they have any, lie behind the records. */
function layBlindItems(
  views: Views,
  address: number,
  items: readonly { readonly message?: Uint8Array; readonly blindingFactor?: Uint8Array }[],
): void {
  let text = address + BLIND.bytes * items.length;
  items.forEach(({ message, blindingFactor }, i) => {
    const item = address + BLIND.bytes * i;
    if (message !== undefined) {
      layText(views, item, text, message);
      text += textBytes(message);
    }
    if (blindingFactor !== undefined) views.bytes.set(blindingFactor, item + BLIND.scalar);
  });
}

function hashToCurve(messages: readonly Uint8Array[]): Uint8Array[] {
  expectEach('messages', messages, expectMessage);
  return inParts(
    messages,
    (message) => BLIND.bytes + textBytes(message),
    ({ exports, io }, views, part) => {
      layBlindItems(
        views,
        io,
        part.map((message) => ({ message })),
      );
      exports.secpHashItems(io, part.length);
      return part.map((_, i) => pointOf(views, io + BLIND.bytes * i + BLIND.point));
    },
  );
}

function publicKeys(secretKeys: readonly Uint8Array[]): Uint8Array[] {
  expectEach('secretKeys', secretKeys, expectScalar);
  return inParts(
    secretKeys,
    () => BLIND.bytes,
    ({ exports, io }, views, part) => {
      layBlindItems(
        views,
        io,
        part.map((blindingFactor) => ({ blindingFactor })),
      );
      exports.secpBlindItems(io, part.length, 0);
      return part.map((_, i) => pointOf(views, io + BLIND.bytes * i + BLIND.point));
    },
  );
}

function blind(items: readonly BlindItem[]): Uint8Array[] {
  expectItems('items', items);
  items.forEach(({ message, blindingFactor }, i) => {
    expectMessage(`items[${i}].message`, message);
    expectScalar(`items[${i}].blindingFactor`, blindingFactor);
  });
  return inParts(
    items,
    ({ message }) => BLIND.bytes + textBytes(message),
    ({ exports, io }, views, part) => {
      layBlindItems(views, io, part);
      exports.secpBlindItems(io, part.length, 1);
      return part.map((_, i) => {
        const item = io + BLIND.bytes * i;
        // -r would be the discrete logarithm of Y.
        if (!isGood(views, item + BLIND.verdict)) {
          throw new RangeError('expected a blinding factor that gives a point, got one that gives none');
        }
        return pointOf(views, item + BLIND.point);
      });
    },
  );
}

function sign(items: Parameters<NoteCrypto['sign']>[0]): ReturnType<NoteCrypto['sign']> {
  expectSignItems(items);
  return inParts(
    items,
    () => SIGN_ITEM_ROOM,
    ({ exports, io }, views, part) => {
      laySignItems(views, io, part);
      runSignItems(exports, views, io, part.length);
      return signaturesOf(views, io, part.length);
    },
  );
}

function unblind(items: readonly UnblindItem[]): (Uint8Array | undefined)[] {
  expectItems('items', items);
  items.forEach(({ signature, blindingFactor, publicKey }, i) => {
    expectBytes(`items[${i}].signature`, signature);
    expectScalar(`items[${i}].blindingFactor`, blindingFactor);
    expectBytes(`items[${i}].publicKey`, publicKey);
  });
  return inParts(
    items,
    () => UNBLIND.bytes,
    ({ exports, io }, views, part) => {
      part.forEach(({ signature, blindingFactor, publicKey }, i) => {
        const item = io + UNBLIND.bytes * i;
        layPoint(views, item + UNBLIND.signature, signature);
        layPoint(views, item + UNBLIND.key, publicKey);
        views.bytes.set(blindingFactor, item + UNBLIND.scalar);
      });
      exports.secpUnblindItems(io, part.length);
      return part.map((_, i) => {
        const item = io + UNBLIND.bytes * i;
        return isGood(views, item + UNBLIND.verdict) ? pointOf(views, item + UNBLIND.result) : undefined;
      });
    },
  );
}

/** What a stranger sent is no fault of the caller: such an item is not good. */
function verifyDleq(items: readonly DleqItem[]): boolean[] {
  expectItems('items', items);
  items.forEach(({ blinded, signature, publicKey, dleq }, i) => {
    expectBytes(`items[${i}].blinded`, blinded);
    expectBytes(`items[${i}].signature`, signature);
    expectBytes(`items[${i}].publicKey`, publicKey);
    expectItems(`items[${i}].dleq`, [dleq]);
    expectBytes(`items[${i}].dleq.e`, dleq.e);
    expectBytes(`items[${i}].dleq.s`, dleq.s);
  });
  const possible = items.filter(({ dleq }) => isScalar(dleq.e) && isScalar(dleq.s));
  const verdicts = inParts(
    possible,
    () => DLEQ.bytes,
    ({ exports, io }, views, part) => {
      part.forEach(({ blinded, signature, publicKey, dleq }, i) => {
        const item = io + DLEQ.bytes * i;
        layPoint(views, item + DLEQ.blinded, blinded);
        layPoint(views, item + DLEQ.signature, signature);
        layPoint(views, item + DLEQ.key, publicKey);
        views.bytes.set(dleq.e, item + DLEQ.e);
        views.bytes.set(dleq.s, item + DLEQ.s);
      });
      exports.secpVerifyProofs(io, part.length);
      return part.map((_, i) => isGood(views, io + DLEQ.bytes * i + DLEQ.verdict));
    },
  );
  return verdictsFor(items, possible, verdicts);
}

/** As verifyDleq, of a note: its blinding factor comes from a stranger too. */
function verifyNoteDleq(items: readonly NoteDleqItem[]): boolean[] {
  expectItems('items', items);
  items.forEach(({ message, signature, publicKey, blindingFactor, dleq }, i) => {
    expectMessage(`items[${i}].message`, message);
    expectBytes(`items[${i}].signature`, signature);
    expectBytes(`items[${i}].publicKey`, publicKey);
    expectBytes(`items[${i}].blindingFactor`, blindingFactor);
    expectItems(`items[${i}].dleq`, [dleq]);
    expectBytes(`items[${i}].dleq.e`, dleq.e);
    expectBytes(`items[${i}].dleq.s`, dleq.s);
  });
  const possible = items.filter(
    ({ blindingFactor, dleq }) => isScalar(blindingFactor) && isScalar(dleq.e) && isScalar(dleq.s),
  );
  const verdicts = inParts(
    possible,
    ({ message }) => DLEQ.bytes + textBytes(message),
    ({ exports, io }, views, part) => {
      let text = io + DLEQ.bytes * part.length;
      part.forEach(({ message, signature, publicKey, blindingFactor, dleq }, i) => {
        const item = io + DLEQ.bytes * i;
        layText(views, item, text, message);
        text += textBytes(message);
        views.bytes.set(blindingFactor, item + DLEQ.scalar);
        layPoint(views, item + DLEQ.signature, signature);
        layPoint(views, item + DLEQ.key, publicKey);
        views.bytes.set(dleq.e, item + DLEQ.e);
        views.bytes.set(dleq.s, item + DLEQ.s);
      });
      exports.secpVerifyNoteProofs(io, part.length);
      return part.map((_, i) => isGood(views, io + DLEQ.bytes * i + DLEQ.verdict));
    },
  );
  return verdictsFor(items, possible, verdicts);
}

/** The verdicts of some of the items, in their order; the others are not good. */
function verdictsFor<Item>(
  items: readonly Item[],
  some: readonly Item[],
  verdicts: readonly boolean[],
): boolean[] {
  let next = 0;
  return items.map((item) => {
    if (item !== some[next]) return false;
    next += 1;
    return verdicts[next - 1]!;
  });
}

export function createNoteCrypto(options: NoteCryptoOptions = {}): NoteCrypto {
  expectObject('options', options);
  const { randomBytes = systemRandomBytes } = options;
  expectFunction('randomBytes', randomBytes);
  return {
    hashToCurve,
    publicKeys,
    blind,
    sign,
    unblind,
    verify(items) {
      expectVerifyItems(items);
      const places = byKey(items);
      const answers = inParts(
        places.map((place) => items[place]!),
        verifyItemRoom,
        ({ exports, io }, views, part) => {
          layVerifyItems(views, io, part, randomBytes);
          runVerifyItems(exports, io, part.length);
          return verdictsOf(views, io, part.length);
        },
      );
      const verdicts = new Array<boolean>(items.length).fill(false);
      places.forEach((place, i) => {
        verdicts[place] = answers[i]!;
      });
      return verdicts;
    },
    verifyDleq,
    verifyNoteDleq,
  };
}

/** On this thread's kernel. */
export const noteCrypto: NoteCrypto = createNoteCrypto();
