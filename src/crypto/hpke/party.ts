// The kernel's side of a key: what a batch or a context is sealed to or opened with, written where the kernel reads it,
// and wiped after the call.
import type { CryptoKernel } from '../../kernel/crypto-kernel.ts';
import {
  HPKE_ITEM_ENC_OFFSET,
  HPKE_ITEM_SIZE,
  HPKE_ITEM_VERDICT_OFFSET,
  HPKE_KEYS_BASE_NONCE_OFFSET,
  HPKE_KEYS_EXPORTER_SECRET_OFFSET,
  HPKE_KEYS_KEY_OFFSET,
  HPKE_KEYS_SIZE,
  HPKE_PARTY_CONTEXT_OFFSET,
  HPKE_PARTY_KNOWN_OFFSET,
  HPKE_PARTY_PRIVATE_KEY_OFFSET,
  HPKE_PARTY_PUBLIC_KEY_OFFSET,
  HPKE_PARTY_SIZE,
  HpkeVerdict,
} from '../../layout/generated.ts';
import { CryptoError, expectBytes, expectObject } from '../errors.ts';
import { kernel } from '../kernel.ts';
import { ENC_BYTES, keyScheduleContext, PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES } from './suite.ts';

export interface ContextKeys {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly exporterSecret: Uint8Array;
}

export interface RecipientKey {
  readonly recipientPrivateKey: Uint8Array;
  /** Its public key, where that is known: saves its computation. With any other, nothing opens. */
  readonly recipientPublicKey?: Uint8Array | undefined;
  readonly info: Uint8Array;
}

export interface SenderKey {
  readonly recipientPublicKey: Uint8Array;
  readonly info: Uint8Array;
}

const KEYS_OFFSET = Math.ceil((HPKE_PARTY_SIZE + HPKE_ITEM_SIZE) / 16) * 16;

/** Whom a batch is for. Holds a private key no longer than the caller holds it. */
export class Party {
  readonly #privateKey: Uint8Array | undefined;
  #publicKey: Uint8Array | undefined;
  readonly #context: Uint8Array;

  private constructor(
    privateKey: Uint8Array | undefined,
    publicKey: Uint8Array | undefined,
    info: Uint8Array,
  ) {
    expectBytes('info', info);
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.#context = keyScheduleContext(info);
  }

  static recipient(options: RecipientKey): Party {
    expectObject('options', options);
    const { recipientPrivateKey, recipientPublicKey, info } = options;
    expectBytes('recipient private key', recipientPrivateKey, PRIVATE_KEY_BYTES);
    if (recipientPublicKey !== undefined) {
      expectBytes('recipient public key', recipientPublicKey, PUBLIC_KEY_BYTES);
    }
    return new Party(recipientPrivateKey, recipientPublicKey, info);
  }

  static sender(options: SenderKey): Party {
    expectObject('options', options);
    const { recipientPublicKey, info } = options;
    expectBytes('recipient public key', recipientPublicKey, PUBLIC_KEY_BYTES);
    return new Party(undefined, recipientPublicKey, info);
  }

  /** Writes HPKE_PARTY_SIZE bytes at the beginning of the kernel's io. */
  write({ bytes, io }: Pick<CryptoKernel, 'bytes' | 'io'>): void {
    if (this.#privateKey !== undefined) bytes.set(this.#privateKey, io + HPKE_PARTY_PRIVATE_KEY_OFFSET);
    if (this.#publicKey !== undefined) bytes.set(this.#publicKey, io + HPKE_PARTY_PUBLIC_KEY_OFFSET);
    bytes.set(this.#context, io + HPKE_PARTY_CONTEXT_OFFSET);
    bytes.fill(0, io + HPKE_PARTY_KNOWN_OFFSET, io + HPKE_PARTY_SIZE);
    bytes[io + HPKE_PARTY_KNOWN_OFFSET] = this.#publicKey === undefined ? 0 : 1;
  }

  /** Keeps the public key that the kernel has worked out, for the calls to come. */
  learn(kernel: CryptoKernel): void {
    this.#publicKey ??= kernel.copy(kernel.io + HPKE_PARTY_PUBLIC_KEY_OFFSET, PUBLIC_KEY_BYTES);
  }

  /** Wipes what `write` wrote. */
  wipe({ bytes, io }: CryptoKernel): void {
    bytes.fill(0, io, io + HPKE_PARTY_SIZE);
  }

  /** The keys of the context that `enc` begins. */
  openKeys(enc: Uint8Array): ContextKeys {
    return this.#keys(enc, 'hpkeRecipientKeys').keys;
  }

  /** The keys of a new context, and its enc. */
  sealKeys(ephemeralPrivateKey: Uint8Array): { enc: Uint8Array; keys: ContextKeys } {
    return this.#keys(ephemeralPrivateKey, 'hpkeSenderKeys');
  }

  #keys(
    enc: Uint8Array,
    call: 'hpkeRecipientKeys' | 'hpkeSenderKeys',
  ): { enc: Uint8Array; keys: ContextKeys } {
    const here = kernel();
    const { bytes, io } = here;
    const item = io + HPKE_PARTY_SIZE;
    const keys = io + KEYS_OFFSET;
    try {
      this.write(here);
      bytes.fill(0, item, item + HPKE_ITEM_SIZE);
      bytes.set(enc, item + HPKE_ITEM_ENC_OFFSET);
      here.exports[call](io, item, keys);
      if (bytes[item + HPKE_ITEM_VERDICT_OFFSET] !== HpkeVerdict.good) throw smallOrder();
      return {
        enc: here.copy(item + HPKE_ITEM_ENC_OFFSET, ENC_BYTES),
        keys: {
          key: here.copy(keys + HPKE_KEYS_KEY_OFFSET, 32),
          exporterSecret: here.copy(keys + HPKE_KEYS_EXPORTER_SECRET_OFFSET, 32),
          baseNonce: here.copy(keys + HPKE_KEYS_BASE_NONCE_OFFSET, 12),
        },
      };
    } finally {
      this.wipe(here);
      bytes.fill(0, item, keys + HPKE_KEYS_SIZE);
    }
  }
}

export function wipeKeys({ key, baseNonce, exporterSecret }: ContextKeys): void {
  key.fill(0);
  baseNonce.fill(0);
  exporterSecret.fill(0);
}

/** The all-zero shared secret of RFC 9180, 7.1.4. */
export function smallOrder(): CryptoError {
  return new CryptoError(
    'invalid_public_key',
    'expected a public key of large order, got one that makes every shared secret zero',
  );
}
