// Readable twin of src/crypto/noise: the Noise Protocol Framework, revision 34 (noiseprotocol.org/noise.html), for every
// pattern of its sections 7 and 9 and the psk modifiers. The primitives come in from outside, so that this file is the
// framework and nothing else. For tests: it wipes nothing and trusts its caller.

/** What section 4 leaves open. Byte strings in, byte strings out. */
export interface NoisePrimitives {
  /** As the protocol name has it: 'SHA256'. */
  readonly hashName: string;
  readonly publicKey: (privateKey: Uint8Array) => Uint8Array;
  readonly dh: (privateKey: Uint8Array, publicKey: Uint8Array) => Uint8Array;
  readonly hash: (data: Uint8Array) => Uint8Array;
  readonly hmac: (key: Uint8Array, data: Uint8Array) => Uint8Array;
  readonly seal: (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, ad: Uint8Array) => Uint8Array;
  /** Throws where the tag does not match. */
  readonly open: (key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, ad: Uint8Array) => Uint8Array;
}

/**
 * Pre-messages of initiator and responder before the colon, then the messages, the initiator's first. Sections 7.4
 * (one-way), 7.5 (fundamental) and 18.1 (deferred).
 */
const PATTERNS: Readonly<Record<string, string>> = {
  N: '. s: e es',
  K: 's s: e es ss',
  X: '. s: e es s ss',

  NN: '. .: e, e ee',
  NK: '. s: e es, e ee',
  NX: '. .: e, e ee s es',
  KN: 's .: e, e ee se',
  KK: 's s: e es ss, e ee se',
  KX: 's .: e, e ee se s es',
  XN: '. .: e, e ee, s se',
  XK: '. s: e es, e ee, s se',
  XX: '. .: e, e ee s es, s se',
  IN: '. .: e s, e ee se',
  IK: '. s: e es s ss, e ee se',
  IX: '. .: e s, e ee se s es',

  NK1: '. s: e, e ee es',
  NX1: '. .: e, e ee s, es',
  X1N: '. .: e, e ee, s, se',
  X1K: '. s: e es, e ee, s, se',
  XK1: '. s: e, e ee es, s se',
  X1K1: '. s: e, e ee es, s, se',
  X1X: '. .: e, e ee s es, s, se',
  XX1: '. .: e, e ee s, es s se',
  X1X1: '. .: e, e ee s, es s, se',
  K1N: 's .: e, e ee, se',
  K1K: 's s: e es, e ee, se',
  KK1: 's s: e, e ee se es',
  K1K1: 's s: e, e ee es, se',
  K1X: 's .: e, e ee s es, se',
  KX1: 's .: e, e ee se s, es',
  K1X1: 's .: e, e ee s, se es',
  I1N: '. .: e s, e ee, se',
  I1K: '. s: e es s, e ee, se',
  IK1: '. s: e s, e ee se es',
  I1K1: '. s: e s, e ee es, se',
  I1X: '. .: e s, e ee s es, se',
  IX1: '. .: e s, e ee se s, es',
  I1X1: '. .: e s, e ee s, se es',
};

interface Pattern {
  /** Whether the initiator's, and the responder's, static key is known beforehand. */
  readonly known: readonly [boolean, boolean];
  readonly messages: readonly (readonly string[])[];
  readonly psk: boolean;
}

/** 'XXpsk3', 'NNpsk0+psk2', 'IK' (section 9.4: psk0 begins the first message, pskN ends the N-th). */
function parsePattern(name: string): Pattern {
  const [, base, modifiers] = /^([A-Z0-9]+)((?:\+?psk\d)*)$/.exec(name) ?? [];
  const text = base === undefined ? undefined : PATTERNS[base];
  if (text === undefined) throw new Error(`expected a pattern of Noise, got ${name}`);
  const [before, after] = text.split(': ') as [string, string];
  const [initiator, responder] = before.split(' ');
  const messages = after.split(', ').map((tokens) => tokens.split(' '));
  const psks = [...modifiers!.matchAll(/psk(\d)/g)].map(([, place]) => Number(place));
  for (const place of psks) {
    if (place === 0) messages[0]!.unshift('psk');
    else messages[place - 1]!.push('psk');
  }
  return { known: [initiator === 's', responder === 's'], messages, psk: psks.length > 0 };
}

const EMPTY = new Uint8Array(0);
const NONCE_MAX = 2n ** 64n - 1n;
const DH_BYTES = 32;
const TAG_BYTES = 16;

const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Section 12.3: 32 bits of zeroes, then the counter as 64 bits, little-endian. */
function nonceOf(n: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, n, true);
  return nonce;
}

/** Section 4.3. */
function hkdf({ hmac }: NoisePrimitives, chainingKey: Uint8Array, input: Uint8Array, outputs: 2 | 3) {
  const temporary = hmac(chainingKey, input);
  const first = hmac(temporary, Uint8Array.of(1));
  const second = hmac(temporary, concat(first, Uint8Array.of(2)));
  if (outputs === 2) return [first, second] as const;
  return [first, second, hmac(temporary, concat(second, Uint8Array.of(3)))] as const;
}

/** Section 5.1. */
export class CipherStateTwin {
  readonly #primitives: NoisePrimitives;
  k: Uint8Array | undefined;
  n = 0n;

  constructor(primitives: NoisePrimitives, k?: Uint8Array) {
    this.#primitives = primitives;
    this.k = k;
  }

  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (this.k === undefined) return plaintext;
    if (this.n === NONCE_MAX) throw new Error('expected a nonce below 2^64 - 1, got none');
    return this.#primitives.seal(this.k, nonceOf(this.n++), plaintext, ad);
  }

  decryptWithAd(ad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    if (this.k === undefined) return ciphertext;
    if (this.n === NONCE_MAX) throw new Error('expected a nonce below 2^64 - 1, got none');
    const plaintext = this.#primitives.open(this.k, nonceOf(this.n), ciphertext, ad);
    this.n++;
    return plaintext;
  }

  /** Section 4.2, REKEY: 32 zeroes under the nonce that no message has. */
  rekey(): void {
    this.k = this.#primitives.seal(this.k!, nonceOf(NONCE_MAX), new Uint8Array(32), EMPTY).subarray(0, 32);
  }
}

/** Section 5.2. */
class SymmetricStateTwin {
  readonly #primitives: NoisePrimitives;
  #cipher: CipherStateTwin;
  #ck: Uint8Array;
  h: Uint8Array;

  constructor(primitives: NoisePrimitives, protocolName: string) {
    this.#primitives = primitives;
    const name = new TextEncoder().encode(protocolName);
    const hashBytes = primitives.hash(EMPTY).length;
    this.h =
      name.length <= hashBytes
        ? concat(name, new Uint8Array(hashBytes - name.length))
        : primitives.hash(name);
    this.#ck = this.h;
    this.#cipher = new CipherStateTwin(primitives);
  }

  get hasKey(): boolean {
    return this.#cipher.k !== undefined;
  }

  mixHash(data: Uint8Array): void {
    this.h = this.#primitives.hash(concat(this.h, data));
  }

  mixKey(input: Uint8Array): void {
    const [ck, k] = hkdf(this.#primitives, this.#ck, input, 2);
    this.#ck = ck;
    this.#cipher = new CipherStateTwin(this.#primitives, k.subarray(0, 32));
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [ck, h, k] = hkdf(this.#primitives, this.#ck, input, 3);
    this.#ck = ck;
    this.mixHash(h);
    this.#cipher = new CipherStateTwin(this.#primitives, k!.subarray(0, 32));
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#cipher.encryptWithAd(this.h, plaintext);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    const plaintext = this.#cipher.decryptWithAd(this.h, ciphertext);
    this.mixHash(ciphertext);
    return plaintext;
  }

  split(): [CipherStateTwin, CipherStateTwin] {
    const [first, second] = hkdf(this.#primitives, this.#ck, EMPTY, 2);
    return [
      new CipherStateTwin(this.#primitives, first.subarray(0, 32)),
      new CipherStateTwin(this.#primitives, second.subarray(0, 32)),
    ];
  }
}

export interface NoiseTwinOptions {
  /** With its modifiers: 'IK', 'XXpsk3'. */
  readonly pattern: string;
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  /** Private keys. */
  readonly staticKey?: Uint8Array | undefined;
  readonly ephemeralKey: Uint8Array;
  readonly remoteStaticKey?: Uint8Array | undefined;
  readonly psks?: readonly Uint8Array[] | undefined;
}

/** Section 5.3. */
export class NoiseTwin {
  readonly #primitives: NoisePrimitives;
  readonly #pattern: Pattern;
  readonly #symmetric: SymmetricStateTwin;
  readonly #initiator: boolean;
  readonly #s: Uint8Array | undefined;
  readonly #e: Uint8Array;
  readonly #psks: Uint8Array[];
  #re: Uint8Array | undefined;
  #message = 0;
  remoteStaticKey: Uint8Array | undefined;

  constructor(primitives: NoisePrimitives, options: NoiseTwinOptions) {
    this.#primitives = primitives;
    this.#pattern = parsePattern(options.pattern);
    this.#initiator = options.initiator;
    this.#s = options.staticKey;
    this.#e = options.ephemeralKey;
    this.#psks = [...(options.psks ?? [])];
    this.remoteStaticKey = options.remoteStaticKey;
    this.#symmetric = new SymmetricStateTwin(
      primitives,
      `Noise_${options.pattern}_25519_ChaChaPoly_${primitives.hashName}`,
    );
    this.#symmetric.mixHash(options.prologue);
    this.#pattern.known.forEach((known, role) => {
      if (!known) return;
      const own = (role === 0) === this.#initiator;
      this.#symmetric.mixHash(own ? primitives.publicKey(this.#s!) : this.remoteStaticKey!);
    });
  }

  get finished(): boolean {
    return this.#message === this.#pattern.messages.length;
  }

  get handshakeHash(): Uint8Array {
    return this.#symmetric.h;
  }

  writeMessage(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#pattern.messages[this.#message++]!) {
      if (token === 'e') {
        const e = this.#primitives.publicKey(this.#e);
        parts.push(e);
        this.#mixEphemeral(e);
      } else if (token === 's') {
        parts.push(this.#symmetric.encryptAndHash(this.#primitives.publicKey(this.#s!)));
      } else {
        this.#mixSecret(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    return concat(...parts);
  }

  readMessage(message: Uint8Array): Uint8Array {
    let rest = message;
    const next = (bytes: number): Uint8Array => {
      if (rest.length < bytes) throw new Error(`expected ${bytes} more bytes, got ${rest.length}`);
      const part = rest.slice(0, bytes);
      rest = rest.subarray(bytes);
      return part;
    };
    for (const token of this.#pattern.messages[this.#message++]!) {
      if (token === 'e') {
        this.#re = next(DH_BYTES);
        this.#mixEphemeral(this.#re);
      } else if (token === 's') {
        const bytes = this.#symmetric.hasKey ? DH_BYTES + TAG_BYTES : DH_BYTES;
        this.remoteStaticKey = this.#symmetric.decryptAndHash(next(bytes));
      } else {
        this.#mixSecret(token);
      }
    }
    return this.#symmetric.decryptAndHash(rest);
  }

  /** The initiator's sending state first. */
  split(): [CipherStateTwin, CipherStateTwin] {
    return this.#symmetric.split();
  }

  /** Section 9.2: with a psk, the ephemeral key also goes into the chaining key. */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    if (this.#pattern.psk) this.#symmetric.mixKey(publicKey);
  }

  /** 'psk', or two letters: the initiator's key and the responder's. */
  #mixSecret(token: string): void {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(this.#psks.shift()!);
      return;
    }
    const [own, remote] = this.#initiator ? token : [token[1], token[0]];
    this.#symmetric.mixKey(
      this.#primitives.dh(
        (own === 'e' ? this.#e : this.#s)!,
        (remote === 'e' ? this.#re : this.remoteStaticKey)!,
      ),
    );
  }
}
