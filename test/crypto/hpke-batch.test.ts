// Batches of HPKE against one message at a time, with bad items among the good; and what the kernel's own calls touch.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CryptoError } from '../../src/crypto/errors.ts';
import { hpke, type OpenItem, type SealItem } from '../../src/crypto/hpke/index.ts';
import { type CryptoKernel, IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import {
  HPKE_ITEM_AAD_ADDRESS_OFFSET,
  HPKE_ITEM_AAD_LENGTH_OFFSET,
  HPKE_ITEM_SIZE,
  HPKE_ITEM_TEXT_ADDRESS_OFFSET,
  HPKE_ITEM_TEXT_LENGTH_OFFSET,
  HPKE_ITEM_VERDICT_OFFSET,
  HPKE_KEYS_BASE_NONCE_OFFSET,
  HPKE_KEYS_EXPORTER_SECRET_OFFSET,
  HPKE_KEYS_SIZE,
  HPKE_PARTY_CONTEXT_OFFSET,
  HPKE_PARTY_KNOWN_OFFSET,
  HPKE_PARTY_PUBLIC_KEY_OFFSET,
  HPKE_PARTY_SIZE,
  HpkeVerdict,
} from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { codeOf, LOW_ORDER, NOTHING, privateKey, randomFrom, text, twin } from './hpke-support.ts';
import { toHex } from './vectors.ts';

const recipient = twin.deriveKeyPair(new Uint8Array(32).fill(3));
const recipientPublicKey = recipient.publicKey;
const recipientPrivateKey = recipient.privateKey;
const info = text('flow 5, key 7');

type Verdict = Uint8Array | { code: string; message: string };

/** What one item alone gives. */
function alone(item: OpenItem): Verdict {
  try {
    return hpke.open({ recipientPrivateKey, info, ...item });
  } catch (error) {
    return verdictOf(error as CryptoError);
  }
}

const verdictOf = (result: Uint8Array | CryptoError): Verdict =>
  result instanceof CryptoError ? { code: result.code, message: result.message } : result;

/** What can be wrong with an item. */
const FAULTS = {
  none: (item) => item,
  flippedText: ({ ciphertext, ...rest }, random) => ({ ...rest, ciphertext: flip(ciphertext, random) }),
  flippedEnc: ({ enc, ...rest }, random) => ({ ...rest, enc: flip(enc, random) }),
  otherEnc: (item, random) => ({ ...item, enc: twin.deriveKeyPair(privateKey(random.below(99))).publicKey }),
  lowOrderEnc: (item, random) => ({ ...item, enc: random.pick(LOW_ORDER) }),
  otherAad: ({ aad = NOTHING, ...rest }) => ({ ...rest, aad: Uint8Array.of(...aad, 0) }),
  shortened: ({ ciphertext, ...rest }) => ({ ...rest, ciphertext: ciphertext.subarray(0, -1) }),
  lengthened: ({ ciphertext, ...rest }) => ({ ...rest, ciphertext: Uint8Array.of(...ciphertext, 0) }),
  tooShort: ({ ciphertext, ...rest }, random) => ({
    ...rest,
    ciphertext: ciphertext.subarray(0, random.below(16)),
  }),
  encTooShort: ({ enc, ...rest }) => ({ ...rest, enc: enc.subarray(1) }),
  noBytes: (item) => ({ ...item, ciphertext: null as unknown as Uint8Array }),
} satisfies Record<string, (item: OpenItem, random: Random) => OpenItem>;
const FAULT_NAMES = Object.keys(FAULTS) as (keyof typeof FAULTS)[];

function flip(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = bytes.slice();
  const bit = random.below(changed.length * 8);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

function messages(count: number, random: Random, lengthMax: number): Required<SealItem>[] {
  return Array.from({ length: count }, () => ({
    aad: randomFrom(random.uint32())(random.below(70)),
    plaintext: randomFrom(random.uint32())(random.below(lengthMax + 1)),
  })) as Required<SealItem>[];
}

eachBuild('hpke in batches', (kernel) => {
  test.each([0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 129, 1000])(
    '%i items seal as the twin seals them, and open; then with bad ones among them',
    (count) => {
      const random = new Random(BigInt(count));
      const items = messages(count, random, 300);
      const ephemerals = randomFrom(count)(32 * count);
      const sealed = hpke.sealBatch({ recipientPublicKey, info, items, randomBytes: () => ephemerals });
      expect(sealed.length).toBe(count);
      for (let i = 0; i < count; i += count > 100 ? 37 : 1) {
        const ephemeral = hpke.generateKeyPair(() => ephemerals.slice(32 * i, 32 * i + 32));
        const reference = twin.createSender({ recipientPublicKey, ephemeral, info });
        const { aad, plaintext } = items[i]!;
        expect(sealed[i]!.enc).toEqual(reference.enc);
        expect(sealed[i]!.ciphertext).toEqual(reference.context.seal(plaintext, aad!));
      }
      const good = sealed.map((each, i): OpenItem => ({ ...each, aad: items[i]!.aad }));
      expect(hpke.openBatch({ recipientPrivateKey, info, items: good })).toEqual(
        items.map(({ plaintext }) => plaintext),
      );

      const faults = good.map(() => (random.chance(0.5) ? 'none' : random.pick(FAULT_NAMES)));
      const mixed = good.map((item, i) => FAULTS[faults[i]!](item, random));
      const results = hpke.openBatch({ recipientPrivateKey, info, items: mixed });
      results.forEach((result, i) => {
        if (count <= 200 || i % 29 === 0) expect(verdictOf(result), faults[i]).toEqual(alone(mixed[i]!));
        if (faults[i] === 'none') expect(result).toEqual(items[i]!.plaintext);
        else expect(result).toBeInstanceOf(CryptoError);
      });
      expectClean(kernel);
    },
  );

  test('any faults in any order', () => {
    const random = new Random(77n);
    const items = messages(12, random, 100);
    const good = hpke
      .sealBatch({ recipientPublicKey, info, items })
      .map((each, i): OpenItem => ({ ...each, aad: items[i]!.aad }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(11), fc.constantFrom(...FAULT_NAMES), fc.nat()), { maxLength: 12 }),
        (choices) => {
          const mixed = choices.map(([i, fault, seed]) => FAULTS[fault](good[i]!, new Random(BigInt(seed))));
          const results = hpke.openBatch({ recipientPrivateKey, info, items: mixed });
          expect(results.map(verdictOf)).toEqual(mixed.map(alone));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('what each fault is answered with', () => {
    const random = new Random(5n);
    const [good] = hpke.sealBatch({ recipientPublicKey, info, items: [{ plaintext: text('plain') }] });
    const items = FAULT_NAMES.map((name) => FAULTS[name](good!, random));
    const codes = hpke
      .openBatch({ recipientPrivateKey, info, items })
      .map((result) => (result instanceof CryptoError ? result.code : 'opened'));
    expect(Object.fromEntries(FAULT_NAMES.map((name, i) => [name, codes[i]]))).toEqual({
      none: 'opened',
      flippedText: 'authentication_failed',
      flippedEnc: 'authentication_failed',
      otherEnc: 'authentication_failed',
      lowOrderEnc: 'invalid_public_key',
      otherAad: 'authentication_failed',
      shortened: 'authentication_failed',
      lengthened: 'authentication_failed',
      tooShort: 'authentication_failed',
      encTooShort: 'invalid_argument',
      noBytes: 'invalid_argument',
    });
  });

  test('more than io has room for: many calls, and messages that have no room alone in between', () => {
    const lengths = [5, IO_BYTES, 100_000, 0, 700_000, 900_000, 900_000, 3 * IO_BYTES, 1, 2_000_000, 30];
    const items = lengths.map((length, i) => ({
      aad: randomFrom(i)(i * 7),
      plaintext: randomFrom(i + 50)(length),
    }));
    const sealed = hpke.sealBatch({ recipientPublicKey, info, items });
    const opening = sealed.map((each, i): OpenItem => ({ ...each, aad: items[i]!.aad }));
    const results = hpke.openBatch({ recipientPrivateKey, info, items: opening });
    results.forEach((result, i) => {
      expect(result).toBeInstanceOf(Uint8Array);
      expect(Buffer.compare(result as Uint8Array, items[i]!.plaintext)).toBe(0);
    });
    opening[1] = { ...opening[1]!, enc: LOW_ORDER[3]! };
    opening[7]!.ciphertext[3]! ^= 4;
    opening[9]!.ciphertext[3]! ^= 4;
    const codes = hpke
      .openBatch({ recipientPrivateKey, info, items: opening })
      .map((result) => (result instanceof CryptoError ? result.code : 'opened'));
    expect(codes).toEqual(
      lengths.map((_, i) =>
        i === 1 ? 'invalid_public_key' : i === 7 || i === 9 ? 'authentication_failed' : 'opened',
      ),
    );
    expectClean(kernel);
  });

  test('many thousand empty messages', () => {
    const items = new Array<SealItem>(IO_BYTES / HPKE_ITEM_SIZE / 8).fill({ plaintext: NOTHING });
    const sealed = hpke.sealBatch({ recipientPublicKey, info, items: items.slice(0, 3) });
    const many = items.map((_, i) => sealed[i % 3]!);
    const results = hpke.openBatch({ recipientPrivateKey, info, items: many });
    expect(results.every((result) => result instanceof Uint8Array && result.length === 0)).toBe(true);
  });

  test('a batch that cannot be sealed is not sealed at all', () => {
    const items = [{ plaintext: text('good') }, { plaintext: undefined as unknown as Uint8Array }];
    expect(() => hpke.sealBatch({ recipientPublicKey, info, items })).toThrow('expected plaintext as Uint8');
    expect(() => hpke.sealBatch({ recipientPublicKey: LOW_ORDER[2]!, info, items: [items[0]!] })).toThrow(
      'of large order',
    );
    expectClean(kernel);
  });

  test('items that are no array', () => {
    for (const items of [undefined, null, { length: 1 }, 5] as unknown as (OpenItem & SealItem)[][]) {
      expect(codeOf(() => hpke.openBatch({ recipientPrivateKey, info, items }))).toBe('invalid_argument');
      expect(codeOf(() => hpke.sealBatch({ recipientPublicKey, info, items }))).toBe('invalid_argument');
    }
  });

  test('no secret stays in the memory of the kernel', () => {
    const ephemerals = randomFrom(8)(32 * 7);
    const items = messages(7, new Random(8n), 0).map(({ aad }, i) => ({ aad, plaintext: randomFrom(i)(40) }));
    const randomBytes = (): Uint8Array => ephemerals;
    const sealed = hpke.sealBatch({ recipientPublicKey, info, items, randomBytes });
    const opening = sealed.map((each, i) => ({ ...each, aad: items[i]!.aad }));
    hpke.openBatch({ recipientPrivateKey, info, items: opening });
    const memory = Buffer.from(kernel.bytes);
    expect(memory.indexOf(recipientPrivateKey)).toBe(-1);
    sealed.forEach(({ enc }, i) => {
      const { secrets } = twin.createRecipient({ enc, recipient, info });
      for (const secret of [
        ephemerals.subarray(32 * i, 32 * i + 32),
        items[i]!.plaintext,
        secrets.sharedSecret,
        secrets.secret,
        secrets.key!,
      ]) {
        expect(memory.indexOf(secret)).toBe(-1);
      }
    });
  });

  test('results are memory of their own', () => {
    const items = [{ plaintext: text('one') }, { plaintext: text('two') }];
    const sealed = hpke.sealBatch({ recipientPublicKey, info, items });
    const opened = hpke.openBatch({ recipientPrivateKey, info, items: sealed }) as Uint8Array[];
    const buffers = [...sealed.flatMap(({ enc, ciphertext }) => [enc, ciphertext]), ...opened].map(
      ({ buffer }) => buffer,
    );
    expect(new Set(buffers).size).toBe(buffers.length);
    expect(buffers).not.toContain(kernel.memory.buffer);
  });

  test('nothing outside the declared buffers changes', () => {
    const aad = text('associated');
    const plaintexts = [
      randomFrom(1)(100),
      randomFrom(2)(0),
      randomFrom(3)(257),
      randomFrom(4)(64),
      text('x'),
    ];
    const ephemerals = plaintexts.map((_, i) => privateKey(i + 20));
    const count = plaintexts.length;
    const context = twin.createSender({ recipientPublicKey, ephemeral: recipient, info }).context.secrets
      .keyScheduleContext;
    const layOut = (
      [party, items, aadAddress, ...texts]: number[],
      encs: readonly Uint8Array[],
      messages: readonly Uint8Array[],
      keyOffset: number,
      key: Uint8Array,
    ): void => {
      const { bytes } = kernel;
      const view = new DataView(bytes.buffer);
      bytes.fill(0, party!, party! + HPKE_PARTY_SIZE);
      bytes.set(key, party! + keyOffset);
      bytes.set(context, party! + HPKE_PARTY_CONTEXT_OFFSET);
      bytes[party! + HPKE_PARTY_KNOWN_OFFSET] = keyOffset === 0 ? 0 : 1;
      bytes.set(aad, aadAddress!);
      encs.forEach((enc, i) => {
        const item = items! + i * HPKE_ITEM_SIZE;
        bytes.set(enc, item);
        view.setUint32(item + HPKE_ITEM_AAD_ADDRESS_OFFSET, aadAddress!, true);
        view.setUint32(item + HPKE_ITEM_AAD_LENGTH_OFFSET, aad.length, true);
        view.setUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, texts[i] ?? 0, true);
        view.setUint32(item + HPKE_ITEM_TEXT_LENGTH_OFFSET, messages[i]?.length ?? 0, true);
        if (texts[i] !== undefined) bytes.set(messages[i]!, texts[i]!);
      });
    };
    const lengths = [HPKE_PARTY_SIZE, HPKE_ITEM_SIZE * count, aad.length];
    const texts = plaintexts.map(({ length }) => length + 16);

    const [, items, , ...ciphertexts] = withCanaries(kernel, [...lengths, ...texts], (addresses) => {
      layOut(addresses, ephemerals, plaintexts, HPKE_PARTY_PUBLIC_KEY_OFFSET, recipientPublicKey);
      kernel.exports.hpkeSealBatch(addresses[0]!, addresses[1]!, count);
    });
    const encs = plaintexts.map((_, i) => items!.slice(i * HPKE_ITEM_SIZE, i * HPKE_ITEM_SIZE + 32));
    plaintexts.forEach((plaintext, i) => {
      expect(items![i * HPKE_ITEM_SIZE + HPKE_ITEM_VERDICT_OFFSET]).toBe(HpkeVerdict.good);
      const item = { enc: encs[i]!, aad, ciphertext: ciphertexts[i]! };
      expect(hpke.open({ recipientPrivateKey, info, ...item })).toEqual(plaintext);
    });

    ciphertexts[2]![5]! ^= 1;
    encs[3] = LOW_ORDER[0]!.slice();
    const [party, verdicts, , ...opened] = withCanaries(kernel, [...lengths, ...texts], (addresses) => {
      layOut(addresses, encs, ciphertexts, 0, recipientPrivateKey);
      kernel.exports.hpkeOpenBatch(addresses[0]!, addresses[1]!, count);
    });
    expect(party!.slice(32, 64)).toEqual(recipientPublicKey);
    const { good, authentication_failed, invalid_public_key } = HpkeVerdict;
    expect(plaintexts.map((_, i) => verdicts![i * HPKE_ITEM_SIZE + HPKE_ITEM_VERDICT_OFFSET])).toEqual([
      good,
      good,
      authentication_failed,
      invalid_public_key,
      good,
    ]);
    // What does not open is not touched: no plaintext, whole or partial.
    expect(opened[2]).toEqual(ciphertexts[2]);
    expect(opened[3]).toEqual(ciphertexts[3]);
    for (const i of [0, 1, 4]) expect(opened[i]!.slice(0, -16)).toEqual(plaintexts[i]);

    const { secrets } = twin.createRecipient({ enc: encs[0]!, recipient, info });
    for (const call of ['hpkeRecipientKeys', 'hpkeSenderKeys'] as const) {
      const [, item, , keys] = withCanaries(
        kernel,
        [HPKE_PARTY_SIZE, HPKE_ITEM_SIZE, 16, HPKE_KEYS_SIZE],
        ([party, item, aad, keys]) => {
          if (call === 'hpkeRecipientKeys')
            layOut([party!, item!, aad!], encs.slice(0, 1), [], 0, recipientPrivateKey);
          else
            layOut(
              [party!, item!, aad!],
              ephemerals.slice(0, 1),
              [],
              HPKE_PARTY_PUBLIC_KEY_OFFSET,
              recipientPublicKey,
            );
          kernel.exports[call](party!, item!, keys!);
        },
      );
      expect(item!.slice(0, 32)).toEqual(encs[0]);
      expect(toHex(keys!.slice(0, 32))).toBe(toHex(secrets.key!));
      const exporter = HPKE_KEYS_EXPORTER_SECRET_OFFSET;
      expect(keys!.slice(exporter, exporter + 32)).toEqual(secrets.exporterSecret);
      const nonce = HPKE_KEYS_BASE_NONCE_OFFSET;
      expect(keys!.slice(nonce, nonce + 12)).toEqual(secrets.baseNonce);
    }
    kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
  });
});

/** Nothing of a call is left in the kernel's io. */
function expectClean(kernel: CryptoKernel): void {
  const io = kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES);
  expect(io.findIndex((byte) => byte !== 0)).toBe(-1);
}
