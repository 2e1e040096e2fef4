// Known answers of the kernels, computed once when a build is loaded: a build that gets one wrong is not used. Each is
// small; together they reach every family of assembly/, and the straight and the several-at-a-time way of each.
import { type CryptoKernel, IO_BYTES } from '../kernel/crypto-kernel.ts';
import {
  HPKE_ITEM_AAD_ADDRESS_OFFSET,
  HPKE_ITEM_AAD_LENGTH_OFFSET,
  HPKE_ITEM_ENC_OFFSET,
  HPKE_ITEM_SIZE,
  HPKE_ITEM_TEXT_ADDRESS_OFFSET,
  HPKE_ITEM_TEXT_LENGTH_OFFSET,
  HPKE_ITEM_VERDICT_OFFSET,
  HPKE_PARTY_CONTEXT_OFFSET,
  HPKE_PARTY_KNOWN_OFFSET,
  HPKE_PARTY_PRIVATE_KEY_OFFSET,
  HPKE_PARTY_SIZE,
  HpkeVerdict,
} from '../layout/generated.ts';

export interface KnownAnswer {
  readonly name: string;
  /** Computes in the kernel's io, which is wiped afterwards. */
  holds(kernel: CryptoKernel): boolean;
}

/** The name of the answer that comes out wrong where a multiply-add rounds twice. */
export const FUSED_MULTIPLY_ADD = 'a fused multiply-add';

const P = 2n ** 255n - 19n;

/** The name of the first answer that this kernel gets wrong. */
export function wrongAnswer(
  kernel: CryptoKernel,
  answers: readonly KnownAnswer[] = KNOWN_ANSWERS,
): string | undefined {
  const wrong = answers.find((answer) => {
    try {
      return !answer.holds(kernel);
    } catch (error) {
      // A trap; anything else is a mistake here.
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      return true;
    }
  });
  kernel.wipe(kernel.io, IO_BYTES);
  return wrong?.name;
}

/** Puts bytes given as hex at `address`. */
function put(kernel: CryptoKernel, address: number, hex: string): void {
  kernel.bytes.set(Buffer.from(hex, 'hex'), address);
}

const holds = (kernel: CryptoKernel, address: number, hex: string): boolean =>
  Buffer.from(kernel.copy(address, hex.length / 2)).equals(Buffer.from(hex, 'hex'));

const littleEndian = (value: bigint): string =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex');

/**
 * Modulo 2^255 - 19: products of dense elements, of which a multiply-add that rounds twice loses the low halves. Here the
 * known answer is exact arithmetic.
 */
const fusedMultiplyAdd: KnownAnswer = {
  name: FUSED_MULTIPLY_ADD,
  holds(kernel) {
    const { exports, io } = kernel;
    const [x, y, bytesA, bytesB] = [io, io + 128, io + 256, io + 320] as const;
    const pairIs = (pair: number, a: bigint, b: bigint): boolean => {
      exports.fieldToBytes(bytesA, bytesB, pair);
      return holds(kernel, bytesA, littleEndian(a)) && holds(kernel, bytesB, littleEndian(b));
    };
    let a = P - 2n ** 200n - 12_345n;
    let b = 2n ** 255n / 3n;
    for (let i = 0; i < 8; i++) {
      put(kernel, bytesA, littleEndian(a));
      put(kernel, bytesB, littleEndian(b));
      exports.fieldFromBytes(x, bytesA, bytesB);
      exports.fieldFromBytes(y, bytesB, bytesA);
      exports.fieldMul(y, x, y);
      exports.fieldSqr(x, x);
      const product = (a * b) % P;
      if (!pairIs(y, product, product) || !pairIs(x, (a * a) % P, (b * b) % P)) return false;
      [a, b] = [(a * a) % P, product];
    }
    return true;
  },
};

/** FIPS 180-4's "abc": alone, and with its neighbours in the lanes. */
function hashAnswer(name: string, hash: 'sha256' | 'sha512', digest: string): KnownAnswer {
  const MESSAGES = 5;
  return {
    name,
    holds(kernel) {
      const { exports, bytes, io } = kernel;
      const [records, digests, message] = [io, io + 64, io + 1024] as const;
      put(kernel, message, '616263');
      exports[hash](message, 3, digests);
      if (!holds(kernel, digests, digest)) return false;
      const words = new Uint32Array(bytes.buffer, records, 2 * MESSAGES);
      for (let i = 0; i < MESSAGES; i++) words.set([message, 3], 2 * i);
      exports[`${hash}Batch`](records, MESSAGES, digests);
      return holds(kernel, digests, digest.repeat(MESSAGES));
    },
  };
}

/** RFC 8439, 2.8.2, and back again. The tag stands for the ciphertext that it is of. */
const chacha20Poly1305: KnownAnswer = {
  name: 'ChaCha20-Poly1305',
  holds(kernel) {
    const { exports, io } = kernel;
    const [key, nonce, aad, text] = [io, io + 32, io + 64, io + 128] as const;
    const plaintext = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ).toString('hex');
    const length = plaintext.length / 2;
    put(kernel, key, '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
    put(kernel, nonce, '070000004041424344454647');
    put(kernel, aad, '50515253c0c1c2c3c4c5c6c7');
    put(kernel, text, plaintext);
    exports.aeadSeal(key, nonce, aad, 12, text, length, text);
    return (
      holds(kernel, text + length, '1ae10b594f09e26a7e902ecbd0600691') &&
      exports.aeadOpen(key, nonce, aad, 12, text, length + 16, text) !== 0 &&
      holds(kernel, text, plaintext)
    );
  },
};

/** RFC 7748, 6.1: from both private keys the same secret, alone and side by side. */
const X25519_SECRET = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';

const x25519: KnownAnswer = {
  name: 'X25519',
  holds(kernel) {
    const { exports, bytes, io } = kernel;
    const [alice, alicePublic, bob, bobPublic, records] = [io, io + 32, io + 64, io + 96, io + 256] as const;
    const [secretA, secretB] = [io + 128, io + 160] as const;
    put(kernel, alice, '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    put(kernel, bob, '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    exports.x25519PublicKey(alicePublic, alice);
    exports.x25519PublicKey(bobPublic, bob);
    exports.x25519(secretA, alice, bobPublic);
    if (!holds(kernel, secretA, X25519_SECRET)) return false;
    const words = new Uint32Array(bytes.buffer, records, 8);
    words.set([alice, bobPublic, secretA, 0, bob, alicePublic, secretB, 0]);
    bytes.fill(0, secretA, secretA + 64);
    exports.x25519Batch(records, 2);
    return holds(kernel, secretA, X25519_SECRET.repeat(2));
  },
};

/** assembly/curve/verify-item.ts. */
const VERIFY_ITEM = { bytes: 208, key: 64, text: 192, textBytes: 196, kind: 200, verdict: 204 };

/** RFC 8032, 7.1, test 2: signed, and verified alone and with neighbours of which one is not good. */
const ed25519: KnownAnswer = {
  name: 'Ed25519',
  holds(kernel) {
    const { exports, bytes, io } = kernel;
    const ITEMS = 5;
    const BAD = 3;
    const [seed, message, signature, items, coefficients, texts] = [
      io,
      io + 32,
      io + 64,
      io + 256,
      io + 2048,
      io + 3072,
    ] as const;
    const expected =
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
    put(kernel, seed, '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    put(kernel, message, '72');
    exports.ed25519SignOnce(signature, message, 1, 0, 0, seed);
    if (!holds(kernel, signature, expected)) return false;

    const view = new DataView(bytes.buffer);
    const item = (i: number): number => items + VERIFY_ITEM.bytes * i;
    for (let i = 0; i < ITEMS; i++) {
      const text = texts + 128 * i;
      put(kernel, item(i), expected);
      put(
        kernel,
        item(i) + VERIFY_ITEM.key,
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      );
      // Behind the room for R and the key, the message.
      put(kernel, text + 64, i === BAD ? '73' : '72');
      view.setUint32(item(i) + VERIFY_ITEM.text, text, true);
      view.setUint32(item(i) + VERIFY_ITEM.textBytes, 65, true);
      view.setUint32(item(i) + VERIFY_ITEM.kind, 0, true);
      view.setUint32(item(i) + VERIFY_ITEM.verdict, 2, true);
      put(kernel, coefficients + 16 * i, `0${i + 1}`.repeat(16));
    }
    const verdict = (i: number): number => view.getUint32(item(i) + VERIFY_ITEM.verdict, true);
    exports.ed25519VerifyItems(item(0), 1, coefficients);
    exports.ed25519VerifyItems(item(BAD), 1, coefficients);
    if (verdict(0) !== 1 || verdict(BAD) !== 0) return false;
    exports.ed25519VerifyItems(items, ITEMS, coefficients);
    return Array.from({ length: ITEMS }, (_, i) => verdict(i)).join() === '1,1,1,0,1';
  },
};

/** RFC 9180, A.2.1: as many items as take the lanes and one more. */
const hpkeAnswer: KnownAnswer = {
  name: 'HPKE',
  holds(kernel) {
    const { exports, bytes, io } = kernel;
    const ITEMS = 5;
    const items = io + 256;
    const aad = io + 1024;
    const textOf = (i: number): number => io + 2048 + 64 * i;
    put(
      kernel,
      io + HPKE_PARTY_PRIVATE_KEY_OFFSET,
      '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
    );
    put(
      kernel,
      io + HPKE_PARTY_CONTEXT_OFFSET,
      '00431df6cd95e11ff49d7013563baf7f11588c75a6611ee2a4404a49306ae4cfc5' +
        'b69c5718a60cc5876c358d3f7fc31ddb598503f67be58ea1e798c0bb19eb9796',
    );
    bytes.fill(0, io + HPKE_PARTY_KNOWN_OFFSET, io + HPKE_PARTY_SIZE);
    put(kernel, aad, '436f756e742d30');
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < ITEMS; i++) {
      const item = items + HPKE_ITEM_SIZE * i;
      put(
        kernel,
        item + HPKE_ITEM_ENC_OFFSET,
        '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
      );
      put(
        kernel,
        textOf(i),
        '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
      );
      view.setUint32(item + HPKE_ITEM_AAD_ADDRESS_OFFSET, aad, true);
      view.setUint32(item + HPKE_ITEM_AAD_LENGTH_OFFSET, 7, true);
      view.setUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, textOf(i), true);
      view.setUint32(item + HPKE_ITEM_TEXT_LENGTH_OFFSET, 45, true);
      view.setUint32(item + HPKE_ITEM_VERDICT_OFFSET, 0, true);
    }
    exports.hpkeOpenBatch(io, items, ITEMS);
    for (let i = 0; i < ITEMS; i++) {
      const verdict = view.getUint32(items + HPKE_ITEM_SIZE * i + HPKE_ITEM_VERDICT_OFFSET, true);
      const plaintext = '4265617574792069732074727574682c20747275746820626561757479';
      if (verdict !== HpkeVerdict.good || !holds(kernel, textOf(i), plaintext)) return false;
    }
    return true;
  },
};

/** assembly/secp256k1/items.ts. */
const SIGN_ITEM = { signature: 40, verdict: 76, e: 80 };
const NOTE_ITEM = { bytes: 56, signature: 8, verdict: 48 };

/** NUT-12, the nonce of a proof, and NUT-00, hash_to_curve of 32 zeroes, so often that they are summed up. */
const blindNotes: KnownAnswer = {
  name: 'blind notes',
  holds(kernel) {
    const { exports, bytes, io } = kernel;
    const NOTES = 8;
    const [keys, items, text, coefficients] = [io, io + 64, io + 4096, io + 8192] as const;
    const view = new DataView(bytes.buffer);
    const signature = '0244eccfc7a348274458bb38044c7f3c389b3c2086c7ec18b5812d2877ab937787';
    put(kernel, keys, '02'.padStart(64, '0') + '01'.padStart(64, '0'));
    put(kernel, items, '02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2'.padEnd(160, '0'));
    exports.secpSignItems(items, 1, keys, 1);
    const proof =
      '2a16ffee280aff3c429045607f9b8e0bf8b35910c44c1b20b9dfaf01b263d7b3' +
      '9df27731238334718d120d4f74611a7c668233f988e687ac3fb188f0a34a2dab';
    if (view.getUint32(items + SIGN_ITEM.verdict, true) !== 1) return false;
    if (!holds(kernel, items + SIGN_ITEM.signature, signature)) return false;
    if (!holds(kernel, items + SIGN_ITEM.e, proof)) return false;

    const note = (i: number): number => items + NOTE_ITEM.bytes * i;
    const verdicts = (): number[] =>
      Array.from({ length: NOTES }, (_, i) => view.getUint32(note(i) + NOTE_ITEM.verdict, true));
    put(kernel, text, Buffer.from('Secp256k1_HashToCurve_Cashu_').toString('hex').padEnd(120, '0'));
    for (let i = 0; i < NOTES; i++) {
      put(kernel, note(i), '00'.repeat(NOTE_ITEM.bytes));
      view.setUint32(note(i), text, true);
      view.setUint32(note(i) + 4, 60, true);
      put(
        kernel,
        note(i) + NOTE_ITEM.signature,
        '024cce997d3b518f739663b757deaec95bcd9473c30a14ac2fd04023a739d1a725',
      );
      put(kernel, coefficients + 16 * i, `0${i + 1}`.repeat(16));
    }
    exports.secpVerifyNotes(items, NOTES, keys + 32, coefficients);
    if (verdicts().join() !== '1,1,1,1,1,1,1,1') return false;
    put(kernel, note(1) + NOTE_ITEM.signature, signature);
    exports.secpVerifyNotes(items, 2, keys + 32, coefficients);
    return verdicts().join() === '1,0,1,1,1,1,1,1';
  },
};

export const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  fusedMultiplyAdd,
  hashAnswer('SHA-256', 'sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
  hashAnswer(
    'SHA-512',
    'sha512',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a' +
      '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ),
  chacha20Poly1305,
  x25519,
  ed25519,
  hpkeAnswer,
  blindNotes,
];
