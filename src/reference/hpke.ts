// Hybrid Public Key Encryption, readable twin: RFC 9180 with DHKEM(X25519, HKDF-SHA256), all four modes, over primitives
// that the caller brings. Slow and straightforward; the oracle of src/crypto/hpke. Numbers in brackets are sections.

export type HpkeHash = 'sha256' | 'sha384' | 'sha512';
export type HpkeCipher = 'aes128gcm' | 'aes256gcm' | 'chacha20poly1305';

export interface HpkePrimitives {
  /** RFC 2104. */
  hmac(hash: HpkeHash, key: Uint8Array, message: Uint8Array): Uint8Array;
  /** RFC 7748; an all-zero secret may come back or throw. */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  /** RFC 5116: ciphertext followed by its tag. */
  seal(
    cipher: HpkeCipher,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array;
  /** RFC 5116; throws when the tag does not match. */
  open(
    cipher: HpkeCipher,
    key: Uint8Array,
    nonce: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array,
  ): Uint8Array;
}

export interface HpkeKeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What both sides agree on beforehand; which of it is there decides the mode. */
export interface HpkeSetup {
  readonly info: Uint8Array;
  /** Modes psk and auth_psk. */
  readonly psk?: Uint8Array | undefined;
  readonly pskId?: Uint8Array | undefined;
}

export interface HpkeSenderSetup extends HpkeSetup {
  readonly recipientPublicKey: Uint8Array;
  readonly ephemeral: HpkeKeyPair;
  /** Modes auth and auth_psk. */
  readonly sender?: HpkeKeyPair | undefined;
}

export interface HpkeRecipientSetup extends HpkeSetup {
  readonly enc: Uint8Array;
  readonly recipient: HpkeKeyPair;
  /** Modes auth and auth_psk. */
  readonly senderPublicKey?: Uint8Array | undefined;
}

// [7.1] DHKEM(X25519, HKDF-SHA256), [7.2] and [7.3].
const KEM_ID = 0x0020;
const N_SECRET = 32;
const N_SK = 32;
const HASHES: Record<number, { hash: HpkeHash; hashBytes: number }> = {
  1: { hash: 'sha256', hashBytes: 32 },
  2: { hash: 'sha384', hashBytes: 48 },
  3: { hash: 'sha512', hashBytes: 64 },
};
const CIPHERS: Record<number, { cipher: HpkeCipher; keyBytes: number }> = {
  1: { cipher: 'aes128gcm', keyBytes: 16 },
  2: { cipher: 'aes256gcm', keyBytes: 32 },
  3: { cipher: 'chacha20poly1305', keyBytes: 32 },
};
const EXPORT_ONLY = 0xffff;
const NONCE_BYTES = 12;

/** u = 9, little-endian (RFC 7748, 4.1). */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

const NOTHING = new Uint8Array(0);
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** I2OSP of RFC 8017: big-endian. */
function i2osp(value: bigint | number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) =>
    Number((BigInt(value) >> BigInt(8 * (length - 1 - i))) & 0xffn),
  );
}

/** HKDF (RFC 5869) with the labels of [4]. */
class LabeledKdf {
  readonly hashBytes: number;
  readonly #hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array;
  readonly #suiteId: Uint8Array;

  constructor(primitives: HpkePrimitives, kdfId: number, suiteId: Uint8Array) {
    const parameters = HASHES[kdfId];
    if (parameters === undefined) throw new RangeError(`expected a KDF from 1 to 3, got ${kdfId}`);
    this.hashBytes = parameters.hashBytes;
    this.#hmac = (key, message) => primitives.hmac(parameters.hash, key, message);
    this.#suiteId = suiteId;
  }

  extract(salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
    const labeledIkm = concat(ascii('HPKE-v1'), this.#suiteId, ascii(label), ikm);
    return this.#hmac(salt.length === 0 ? new Uint8Array(this.hashBytes) : salt, labeledIkm);
  }

  expand(prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
    if (length > 255 * this.hashBytes) {
      throw new RangeError(`expected at most ${255 * this.hashBytes} bytes to expand to, got ${length}`);
    }
    const labeledInfo = concat(i2osp(length, 2), ascii('HPKE-v1'), this.#suiteId, ascii(label), info);
    let block: Uint8Array = NOTHING;
    let output: Uint8Array = NOTHING;
    for (let i = 1; output.length < length; i++) {
      block = this.#hmac(prk, concat(block, labeledInfo, i2osp(i, 1)));
      output = concat(output, block);
    }
    return output.slice(0, length);
  }
}

/** One ciphersuite [7]. */
export class ReferenceHpke {
  readonly #primitives: HpkePrimitives;
  readonly #kemKdf: LabeledKdf;
  readonly #kdf: LabeledKdf;
  readonly #aeadId: number;

  constructor(primitives: HpkePrimitives, suite: { kdfId: number; aeadId: number }) {
    if (CIPHERS[suite.aeadId] === undefined && suite.aeadId !== EXPORT_ONLY) {
      throw new RangeError(`expected an AEAD from 1 to 3 or 65535, got ${suite.aeadId}`);
    }
    this.#primitives = primitives;
    this.#aeadId = suite.aeadId;
    // The KEM hashes with SHA-256 whatever the suite does after it. [4.1] [5.1]
    this.#kemKdf = new LabeledKdf(primitives, 0x0001, concat(ascii('KEM'), i2osp(KEM_ID, 2)));
    const suiteId = concat(ascii('HPKE'), i2osp(KEM_ID, 2), i2osp(suite.kdfId, 2), i2osp(suite.aeadId, 2));
    this.#kdf = new LabeledKdf(primitives, suite.kdfId, suiteId);
  }

  /** [7.1.3] */
  deriveKeyPair(ikm: Uint8Array): HpkeKeyPair {
    const prk = this.#kemKdf.extract(NOTHING, 'dkp_prk', ikm);
    const privateKey = this.#kemKdf.expand(prk, 'sk', NOTHING, N_SK);
    return { privateKey, publicKey: this.#primitives.x25519(privateKey, BASE_POINT) };
  }

  /** Encap and AuthEncap [4.1], then the key schedule. `enc` is the ephemeral public key. */
  createSender(setup: HpkeSenderSetup): { enc: Uint8Array; context: ReferenceContext } {
    const { recipientPublicKey, ephemeral, sender } = setup;
    const secrets = [this.#dh(ephemeral.privateKey, recipientPublicKey)];
    const publics = [ephemeral.publicKey, recipientPublicKey];
    if (sender !== undefined) {
      secrets.push(this.#dh(sender.privateKey, recipientPublicKey));
      publics.push(sender.publicKey);
    }
    const sharedSecret = this.#extractAndExpand(concat(...secrets), concat(...publics));
    return {
      enc: ephemeral.publicKey,
      context: this.#keySchedule(sender !== undefined, sharedSecret, setup),
    };
  }

  /** Decap and AuthDecap [4.1], then the key schedule. */
  createRecipient(setup: HpkeRecipientSetup): ReferenceContext {
    const { enc, recipient, senderPublicKey } = setup;
    const secrets = [this.#dh(recipient.privateKey, enc)];
    const publics = [enc, recipient.publicKey];
    if (senderPublicKey !== undefined) {
      secrets.push(this.#dh(recipient.privateKey, senderPublicKey));
      publics.push(senderPublicKey);
    }
    const sharedSecret = this.#extractAndExpand(concat(...secrets), concat(...publics));
    return this.#keySchedule(senderPublicKey !== undefined, sharedSecret, setup);
  }

  /** [7.1.4]: the all-zero secret is refused. */
  #dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
    const secret = this.#primitives.x25519(privateKey, publicKey);
    if (secret.every((byte) => byte === 0)) throw new RangeError('expected a shared secret, got all zeroes');
    return secret;
  }

  /** [4.1] */
  #extractAndExpand(dh: Uint8Array, kemContext: Uint8Array): Uint8Array {
    const prk = this.#kemKdf.extract(NOTHING, 'eae_prk', dh);
    return this.#kemKdf.expand(prk, 'shared_secret', kemContext, N_SECRET);
  }

  /** KeySchedule of [5.1]. */
  #keySchedule(authenticated: boolean, sharedSecret: Uint8Array, setup: HpkeSetup): ReferenceContext {
    const { info, psk = NOTHING, pskId = NOTHING } = setup;
    if ((psk.length === 0) !== (pskId.length === 0)) {
      throw new RangeError('expected a pre-shared key and its identity, or neither');
    }
    const mode = (authenticated ? 2 : 0) + (psk.length > 0 ? 1 : 0);
    const pskIdHash = this.#kdf.extract(NOTHING, 'psk_id_hash', pskId);
    const infoHash = this.#kdf.extract(NOTHING, 'info_hash', info);
    const context = concat(i2osp(mode, 1), pskIdHash, infoHash);
    const secret = this.#kdf.extract(sharedSecret, 'secret', psk);
    const cipher = CIPHERS[this.#aeadId];
    return new ReferenceContext(this.#primitives, this.#kdf, {
      sharedSecret,
      keyScheduleContext: context,
      secret,
      ...(cipher !== undefined && {
        cipher: cipher.cipher,
        key: this.#kdf.expand(secret, 'key', context, cipher.keyBytes),
        baseNonce: this.#kdf.expand(secret, 'base_nonce', context, NONCE_BYTES),
      }),
      exporterSecret: this.#kdf.expand(secret, 'exp', context, this.#kdf.hashBytes),
    });
  }
}

/** Everything the key schedule has made; `cipher` and what goes with it are absent in export-only suites. */
export interface ReferenceSecrets {
  readonly sharedSecret: Uint8Array;
  readonly keyScheduleContext: Uint8Array;
  readonly secret: Uint8Array;
  readonly cipher?: HpkeCipher;
  readonly key?: Uint8Array;
  readonly baseNonce?: Uint8Array;
  readonly exporterSecret: Uint8Array;
}

/** Context [5.2] [5.3]. The sender calls `seal` only, the recipient `open` only. */
export class ReferenceContext {
  readonly secrets: ReferenceSecrets;
  /** Number of the next message. */
  sequence = 0n;
  readonly #primitives: HpkePrimitives;
  readonly #kdf: LabeledKdf;

  constructor(primitives: HpkePrimitives, kdf: LabeledKdf, secrets: ReferenceSecrets) {
    this.#primitives = primitives;
    this.#kdf = kdf;
    this.secrets = secrets;
  }

  seal(plaintext: Uint8Array, aad: Uint8Array): Uint8Array {
    const { cipher, key } = this.#aead();
    const ciphertext = this.#primitives.seal(cipher, key, this.nonce(), aad, plaintext);
    this.#increment();
    return ciphertext;
  }

  open(ciphertext: Uint8Array, aad: Uint8Array): Uint8Array {
    const { cipher, key } = this.#aead();
    const plaintext = this.#primitives.open(cipher, key, this.nonce(), aad, ciphertext);
    this.#increment();
    return plaintext;
  }

  export(exporterContext: Uint8Array, length: number): Uint8Array {
    return this.#kdf.expand(this.secrets.exporterSecret, 'sec', exporterContext, length);
  }

  /** ComputeNonce [5.2] of the next message. */
  nonce(): Uint8Array {
    const { baseNonce } = this.#aead();
    const sequence = i2osp(this.sequence, NONCE_BYTES);
    return baseNonce.map((byte, i) => byte ^ sequence[i]!);
  }

  /** IncrementSeq [5.2]. */
  #increment(): void {
    if (this.sequence >= (1n << 96n) - 1n) throw new RangeError('expected a message number below 2^96 - 1');
    this.sequence += 1n;
  }

  #aead(): { cipher: HpkeCipher; key: Uint8Array; baseNonce: Uint8Array } {
    const { cipher, key, baseNonce } = this.secrets;
    if (cipher === undefined || key === undefined || baseNonce === undefined) {
      throw new RangeError('expected a suite with an AEAD, got an export-only one');
    }
    return { cipher, key, baseNonce };
  }
}
