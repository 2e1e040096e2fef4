// `npm run bench:leaks`: does the time of X25519, signing, blind signing and opening depend on the secret? The method of dudect
// (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): two classes of inputs, one with a fixed
// secret and one with random ones, measured in random order, their times compared with Welch's t-test.
//
// A test that finds nothing says something only beside one that finds what is there. So a comparison that ends at the
// first wrong byte, and a power that skips zero bits, must show their leak; and the same kernel with a delay of known
// length in one class tells what the smallest leak is that this machine and this number of samples would show: the floor.
//
// Ends with 1 when a control shows nothing or a kernel shows a leak. `--small`: a few samples, to see that it runs.
import { parseArgs } from 'node:util';
import { chacha20poly1305, ed25519, hpke, kernelChoice, noteCrypto, x25519 } from '../../src/crypto/index.ts';
import { power } from '../../src/reference/field.ts';
import { Random } from '../../src/shared/random.ts';

const { values: flags } = parseArgs({ options: { small: { type: 'boolean', default: false } } });
const SAMPLES = flags.small ? 200 : 100_000;
/** |t| beyond which two classes are different: dudect's 4.5 for a suspicion, 10 for certainty. */
const CERTAIN = 10;
const SUSPICIOUS = 4.5;
/** Share of the samples that counts: the slow rest was interrupted. Cut at the same time for both classes. */
const KEPT = 0.9;
/** Different inputs a class: few enough to stay in the cache. */
const INPUTS = 64;
/**
 * How often all inputs are made anew. Where a buffer lies in memory costs or saves some 15 ns for as long as it lives: with
 * one set of inputs, made class by class, two classes that are the same have been told apart (t 14).
 */
const ROUNDS = 50;

const random = new Random(20_261_121n);
const bytes = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, () => random.below(256));

interface Subject<Input> {
  readonly name: string;
  readonly samples?: number;
  /** An input of class 0 (the fixed secret) or 1. */
  make(secret: 0 | 1): Input;
  run(input: Input): unknown;
}

interface Verdict {
  readonly t: number;
  readonly medianNs: number;
  readonly differenceNs: number;
}

function measure<Input>({ make, run, samples = SAMPLES }: Subject<Input>): Verdict {
  const inputs: [Input[], Input[]] = [[], []];
  const times = new Float64Array(samples);
  const classes = new Uint8Array(samples);
  const warmUp = Math.ceil(samples / 10);
  const roundSamples = Math.ceil(samples / ROUNDS);
  for (let i = -warmUp; i < samples; i++) {
    if (i === -warmUp || i % roundSamples === 0) {
      for (let at = 0; at < 2 * INPUTS; at++) {
        const secret = ((at + i) & 1) as 0 | 1;
        inputs[secret][at >> 1] = make(secret);
      }
    }
    const secret = random.below(2);
    const input = inputs[secret as 0 | 1][random.below(INPUTS)]!;
    const start = process.hrtime.bigint();
    run(input);
    const elapsed = Number(process.hrtime.bigint() - start);
    if (i < 0) continue;
    times[i] = elapsed;
    classes[i] = secret;
  }
  const sorted = times.slice().sort();
  const limit = sorted[Math.floor(samples * KEPT)]!;
  const [count, sum, squares] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < samples; i++) {
    if (times[i]! > limit) continue;
    count[classes[i]!]! += 1;
    sum[classes[i]!]! += times[i]!;
  }
  const mean = [0, 1].map((c) => sum[c]! / count[c]!);
  for (let i = 0; i < samples; i++) {
    if (times[i]! <= limit) squares[classes[i]!]! += (times[i]! - mean[classes[i]!]!) ** 2;
  }
  const error = Math.sqrt([0, 1].reduce((v, c) => v + squares[c]! / (count[c]! - 1) / count[c]!, 0));
  return {
    t: (mean[1]! - mean[0]!) / error,
    medianNs: sorted[samples >> 1]!,
    differenceNs: mean[1]! - mean[0]!,
  };
}

const show = (name: string, { t, medianNs, differenceNs }: Verdict, word: string): void => {
  process.stdout.write(
    `  ${name.padEnd(62)} ${(medianNs / 1000).toFixed(2).padStart(9)} µs  difference ${differenceNs.toFixed(1).padStart(8)} ns  t ${t.toFixed(1).padStart(7)}  ${word}\n`,
  );
};

let failed = false;
const messages = Array.from({ length: INPUTS }, () => bytes(128));
const peer = x25519.publicKey(bytes(32));
const fixedKey = bytes(32);
const aad = bytes(16);
/** 32 bytes as a scalar of secp256k1: below n. */
const toScalar = (from: Uint8Array): Uint8Array =>
  Uint8Array.from(from, (byte, i) => (i === 0 ? byte >> 1 : byte));
const fixedScalar = toScalar(bytes(32));
const blinded = noteCrypto.publicKeys(Array.from({ length: INPUTS }, () => toScalar(bytes(32))));
const plaintext = bytes(256);

const subjects: Subject<() => unknown>[] = [
  {
    name: 'X25519: a fixed private key, random ones',
    make: (secret) => {
      const privateKey = secret ? bytes(32) : fixedKey.slice();
      return () => x25519.sharedSecret(privateKey, peer);
    },
    run: (call) => call(),
  },
  {
    name: 'X25519: a private key of zeroes, random ones',
    make: (secret) => {
      const privateKey = secret ? bytes(32) : new Uint8Array(32);
      return () => x25519.sharedSecret(privateKey, peer);
    },
    run: (call) => call(),
  },
  {
    name: 'Ed25519 sign: a fixed secret key, random ones',
    make: (secret) => {
      const secretKey = secret ? bytes(32) : fixedKey.slice();
      const message = random.pick(messages);
      return () => ed25519.sign(secretKey, message);
    },
    run: (call) => call(),
  },
  {
    name: 'blind notes, sign: a fixed key, random ones',
    samples: flags.small ? SAMPLES : SAMPLES / 10,
    make: (secret) => {
      const secretKey = secret ? toScalar(bytes(32)) : fixedScalar.slice();
      const items = [{ blinded: random.pick(blinded), secretKey }];
      return () => noteCrypto.sign(items);
    },
    run: (call) => call(),
  },
  {
    name: 'blind notes, sign: a key of one bit, random ones',
    samples: flags.small ? SAMPLES : SAMPLES / 10,
    make: (secret) => {
      const secretKey = secret ? toScalar(bytes(32)) : new Uint8Array(32).fill(1, 31);
      const items = [{ blinded: random.pick(blinded), secretKey }];
      return () => noteCrypto.sign(items);
    },
    run: (call) => call(),
  },
  {
    name: 'blind notes, unblind: a fixed blinding factor, random ones',
    samples: flags.small ? SAMPLES : SAMPLES / 10,
    make: (secret) => {
      const blindingFactor = secret ? toScalar(bytes(32)) : fixedScalar.slice();
      const items = [{ signature: random.pick(blinded), blindingFactor, publicKey: blinded[0]! }];
      return () => noteCrypto.unblind(items);
    },
    run: (call) => call(),
  },
  {
    name: 'HPKE open: a fixed private key, random ones',
    make: (secret) => {
      const { privateKey, publicKey } = hpke.deriveKeyPair(secret ? bytes(32) : fixedKey);
      const sealed = hpke.seal({ recipientPublicKey: publicKey, info: aad, aad, plaintext });
      const options = { recipientPrivateKey: privateKey, info: aad, aad, ...sealed };
      return () => hpke.open(options);
    },
    run: (call) => call(),
  },
  {
    name: 'ChaCha20-Poly1305 open: a fixed key and plaintext, random ones',
    make: (secret) => {
      const key = secret ? bytes(32) : fixedKey.slice();
      const nonce = bytes(12);
      const ciphertext = chacha20poly1305.seal(key, nonce, secret ? bytes(256) : plaintext, aad);
      return () => chacha20poly1305.open(key, nonce, ciphertext, aad);
    },
    run: (call) => call(),
  },
  {
    name: 'ChaCha20-Poly1305 open: tag wrong in its first byte, in its last',
    make: (secret) => {
      const nonce = bytes(12);
      const ciphertext = chacha20poly1305.seal(fixedKey, nonce, plaintext, aad);
      ciphertext[ciphertext.length - (secret ? 1 : 16)]! ^= 1;
      return () => {
        try {
          chacha20poly1305.open(fixedKey, nonce, ciphertext, aad);
        } catch {
          return;
        }
        throw new Error('expected a wrong tag to be refused');
      };
    },
    run: (call) => call(),
  },
];

/** Ends at the first byte that differs: what opening must not do. */
function equalsEarly(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const controls: Subject<() => unknown>[] = [
  {
    name: 'control: a comparison of 4 KiB that ends at the first difference',
    make: (secret) => {
      const expected = bytes(4096);
      const given = expected.slice();
      given[secret ? given.length - 1 : 0]! ^= 1;
      return () => equalsEarly(expected, given);
    },
    run: (call) => call(),
  },
  {
    name: 'control: a power that skips zero bits, exponents of one bit and of many',
    samples: flags.small ? 40 : 2000,
    make: (secret) => {
      const exponent = (1n << 254n) | (secret ? random.bits(224) : 0n);
      return () => power(3n, exponent);
    },
    run: (call) => call(),
  },
];

const { build, reason } = kernelChoice();
process.stdout.write(
  `kernels: ${build} (${reason}); ${SAMPLES.toLocaleString('en')} samples each\n\nmust show a leak\n`,
);
for (const control of controls) {
  const verdict = measure(control);
  const found = Math.abs(verdict.t) > CERTAIN;
  failed ||= !found && !flags.small;
  show(control.name, verdict, found ? 'leaks, as it must' : 'NOT FOUND');
}

process.stdout.write('\nmust show none\n');
for (const subject of subjects) {
  let verdict = measure(subject);
  // A machine that changes its pace can raise a suspicion; what is real comes back.
  for (let again = 0; again < 2 && Math.abs(verdict.t) > SUSPICIOUS && !flags.small; again++)
    verdict = measure(subject);
  const leaks = Math.abs(verdict.t) > SUSPICIOUS;
  failed ||= leaks && !flags.small;
  show(subject.name, verdict, leaks ? 'LEAKS' : 'no leak found');
}

// The floor: X25519 with a delay in one class, shorter and shorter.
process.stdout.write('\nthe floor: X25519, with a delay in one class\n');
let sink = 0;
const delay = (turns: number): void => {
  for (let i = 0; i < turns; i++) sink = (sink * 31 + i) | 0;
};
for (const turns of flags.small ? [1000] : [2000, 1000, 500, 250, 125, 60, 30, 0]) {
  const verdict = measure<() => unknown>({
    name: 'delay',
    make: (secret) => {
      const privateKey = bytes(32);
      const own = secret ? turns : 0;
      return () => {
        delay(own);
        return x25519.sharedSecret(privateKey, peer);
      };
    },
    run: (call) => call(),
  });
  const found = Math.abs(verdict.t) > SUSPICIOUS;
  show(`a delay of ${turns} turns of a loop`, verdict, found ? 'found' : 'not found');
}
process.stdout.write(`${sink === 1 ? ' ' : ''}\n${failed ? 'FAILED\n' : ''}`);
process.exitCode = failed ? 1 : 0;
