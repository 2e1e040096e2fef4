// The wallet's secret keys. They are made here, stored in the clear or protected, and read when first needed: a look at the
// balance asks for no passphrase.
import { WalletError } from './errors.ts';
import type { KeyProtection, WalletCrypto } from './ports.ts';
import { SecretKeys, StoredKeys } from './records.ts';

const SECRET_BYTES = 32;

export interface Keys {
  readonly signingSecret: Uint8Array;
  readonly signingKey: Uint8Array;
  readonly channelSecret: Uint8Array;
  readonly channelKey: Uint8Array;
}

/** Makes keys. @returns them as they are to be stored */
export async function newStoredKeys(
  crypto: WalletCrypto,
  protection: KeyProtection | undefined,
): Promise<Uint8Array> {
  const keys = { signing: crypto.randomBytes(SECRET_BYTES), channel: crypto.randomBytes(SECRET_BYTES) };
  const plain = SecretKeys.encode(keys);
  try {
    return StoredKeys.encode(
      protection === undefined
        ? { kind: 'plain', keys }
        : { kind: 'protected', keys: await protection.protect(plain) },
    );
  } finally {
    for (const secret of [plain, keys.signing, keys.channel]) secret.fill(0);
  }
}

interface KeyBook {
  keys(): Promise<StoredKeys>;
}

export class Secrets {
  readonly #book: KeyBook;
  readonly #crypto: WalletCrypto;
  readonly #protection: KeyProtection | undefined;
  #keys: Promise<Keys> | undefined;

  constructor(book: KeyBook, crypto: WalletCrypto, protection: KeyProtection | undefined) {
    this.#book = book;
    this.#crypto = crypto;
    this.#protection = protection;
  }

  /** @throws WalletError passphrase_needed; what the protection throws for a wrong one */
  get(): Promise<Keys> {
    this.#keys ??= this.#read().catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async wipe(): Promise<void> {
    const keys = await this.#keys?.catch(() => undefined);
    this.#keys = undefined;
    keys?.signingSecret.fill(0);
    keys?.channelSecret.fill(0);
  }

  async #read(): Promise<Keys> {
    const stored = await this.#book.keys();
    if (stored.kind === 'plain') return this.#derive(stored.keys);
    if (this.#protection === undefined) {
      throw new WalletError(
        'passphrase_needed',
        'keys: expected a passphrase, as they are protected, got none',
      );
    }
    const plain = await this.#protection.reveal(stored.keys);
    try {
      return this.#derive(SecretKeys.decode(plain));
    } finally {
      plain.fill(0);
    }
  }

  #derive({ signing, channel }: SecretKeys): Keys {
    return {
      signingSecret: signing,
      signingKey: this.#crypto.signingPublicKey(signing),
      channelSecret: channel,
      channelKey: this.#crypto.channelPublicKey(channel),
    };
  }
}
