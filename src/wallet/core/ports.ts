// What a wallet needs of the world around it. Node brings it in src/wallet/node; a browser brings its own.

/** A record to be written; without a value it is removed. */
export interface Put {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Keys are texts of a to z, 0 to 9 and `/`, at most 64. */
export interface WalletStorage {
  read(key: string): Promise<Uint8Array | undefined>;
  /** All records whose keys begin so, in the order of their keys. */
  list(prefix: string): Promise<readonly StoredRecord[]>;
  /** All or nothing; what it resolves for outlives a crash at any moment after. */
  write(batch: readonly Put[]): Promise<void>;
}

/** Both ends of a Noise XX handshake, Noise_XX_25519_ChaChaPoly_SHA256. Each method throws for what is not authentic. */
export interface PeerHandshake {
  writeMessage(payload: Uint8Array): Uint8Array;
  readMessage(message: Uint8Array): Uint8Array;
  /** Of the other side, once it has proven it. */
  readonly remoteStaticKey: Uint8Array | undefined;
  /** After the third message. */
  transport(): {
    seal(plaintext: Uint8Array): Uint8Array;
    open(ciphertext: Uint8Array): Uint8Array;
    close(): void;
  };
  /** Wipes its secrets; what transport() has made lives on. */
  close(): void;
}

export interface WalletCrypto {
  /** Fit for secrets. */
  randomBytes(size: number): Uint8Array;
  sha256(message: Uint8Array): Uint8Array;
  signingPublicKey(secretKey: Uint8Array): Uint8Array;
  channelPublicKey(secretKey: Uint8Array): Uint8Array;
  /** Ed25519. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Strict about encodings: docs/cryptography.md. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** HPKE, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. */
  seal(item: {
    readonly publicKey: Uint8Array;
    readonly info: Uint8Array;
    readonly aad: Uint8Array;
    readonly plaintext: Uint8Array;
  }): { readonly encapsulatedKey: Uint8Array; readonly ciphertext: Uint8Array };
  /** A channel to another wallet. @param staticKey X25519, secret */
  handshake(options: {
    readonly role: 'initiator' | 'responder';
    readonly prologue: Uint8Array;
    readonly staticKey: Uint8Array;
  }): PeerHandshake;
}

export interface WalletClock {
  /** Nanoseconds since the Unix epoch. */
  now(): bigint;
  /** Runs something after a pause; the returned function calls it off. */
  setTimer(run: () => void, milliseconds: number): () => void;
}

/** How the secret keys are stored other than in the clear. */
export interface KeyProtection {
  protect(secret: Uint8Array): Promise<Uint8Array>;
  /** Rejects when the passphrase, or whatever it takes, is another one. */
  reveal(stored: Uint8Array): Promise<Uint8Array>;
}

export interface ConnectOptions {
  readonly as: 'unenrolled' | 'device';
  readonly channelSecretKey: Uint8Array;
  /** The encoded one; of a device. */
  readonly certificate: Uint8Array | undefined;
  /** Whom to expect at the other end. */
  readonly managementKey: Uint8Array;
  /** `ws://host:port/v1` */
  readonly address: string;
}

export interface WalletChannel {
  /**
   * One answer a message, in their order. The messages are idempotent: the channel may send them again after it has
   * reconnected. @throws TransportError
   */
  call(operation: number, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

export interface ConnectShopOptions {
  /** Of the shop's certificate: whom to expect at the other end. */
  readonly shopKey: Uint8Array;
  /** `ws://host:port/v1` */
  readonly address: string;
}

export interface WalletTransport {
  /** An authenticated channel to management. @throws TransportError */
  connect(options: ConnectOptions): Promise<WalletChannel>;
  /**
   * A channel to a shop, which proves its key, while the wallet stays unnamed (Noise NK): whose purchase it is, is for
   * management alone. @throws TransportError
   */
  connectShop(options: ConnectShopOptions): Promise<WalletChannel>;
}

/** `unreachable` may be otherwise in a while; `refused` will not, unless something is done about it. */
export type TransportErrorCode = 'unreachable' | 'refused';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;
  /** Why the other end refuses: `expired_certificate`, `revoked_certificate` … */
  readonly refusal: string | undefined;

  constructor(
    code: TransportErrorCode,
    message: string,
    { refusal, ...options }: ErrorOptions & { refusal?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    this.refusal = refusal;
  }
}
