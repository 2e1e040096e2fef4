// Section 5.3: one side of a handshake.
//
//     writeMessage / readMessage in turns            transport()
//     ┌─────────┐  the last message   ┌──────────┐  once     ┌───────┐
//     │ running ├────────────────────►│ finished ├──────────►│ taken │
//     └────┬────┘                     └────┬─────┘           └───────┘
//          │ a message that is refused     │ close()
//          │ close()                       ▼
//          └────────────────────────► failed, closed: every further call is refused
//
// There is no fallback and no second try: the pattern is fixed when the handshake begins and is part of what both sides
// hash (section 5.2), so a message of another pattern is refused like a forged one.
import { CryptoError, expectBytes, expectFunction } from '../errors.ts';
import type { CipherState } from './cipher-state.ts';
import { KEY_BYTES, MESSAGE_BYTES_MAX, TAG_BYTES } from './limits.ts';
import {
  hasStaticKey,
  type NoisePattern,
  other,
  PATTERNS,
  type Pattern,
  type Role,
  type Secret,
  type Token,
  writerOf,
} from './patterns.ts';
import { dh, publicKey, SUITE } from './primitives.ts';
import { SymmetricState } from './symmetric-state.ts';
import { NoiseTransport } from './transport.ts';

export interface HandshakeKeys {
  readonly staticKey?: Uint8Array | undefined;
  readonly remoteStaticKey?: Uint8Array | undefined;
}

type State = 'running' | 'busy' | 'finished' | 'taken' | 'failed' | 'closed';

const EMPTY = new Uint8Array(0);
/** Of a pattern with modifiers, as in section 8. */
const NAME_LENGTH_MAX = 10;

export class NoiseHandshake {
  readonly pattern: NoisePattern;
  readonly #messages: Pattern['messages'];
  readonly #role: Role;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #symmetric: SymmetricState;
  #state: State = 'running';
  /** Number of the next message. */
  #next = 0;
  readonly #staticKey: Uint8Array;
  readonly #staticPublicKey: Uint8Array;
  #ephemeralKey: Uint8Array = EMPTY;
  #remoteEphemeralKey: Uint8Array = EMPTY;
  #remoteStaticKey: Uint8Array | undefined;
  #ciphers: [CipherState, CipherState] | undefined;

  constructor(
    name: NoisePattern,
    role: Role,
    prologue: Uint8Array,
    { staticKey, remoteStaticKey }: HandshakeKeys,
    randomBytes: (length: number) => Uint8Array,
  ) {
    const pattern = patternOf(name);
    expectBytes('prologue', prologue);
    expectKey('staticKey', staticKey, hasStaticKey(pattern, role), name, role);
    expectKey('remoteStaticKey', remoteStaticKey, pattern.known.includes(other(role)), name, role);
    expectFunction('randomBytes', randomBytes);
    this.pattern = name;
    this.#messages = pattern.messages;
    this.#role = role;
    this.#randomBytes = randomBytes;
    // Copies: slice() of a Buffer would share its bytes, and wiping would reach the caller's key.
    this.#staticKey = new Uint8Array(staticKey ?? EMPTY);
    this.#staticPublicKey = staticKey === undefined ? EMPTY : publicKey(staticKey);
    this.#remoteStaticKey = remoteStaticKey && new Uint8Array(remoteStaticKey);
    this.#symmetric = new SymmetricState(`Noise_${name}_${SUITE}`);
    this.#symmetric.mixHash(prologue);
    for (const known of pattern.known) {
      this.#symmetric.mixHash(known === role ? this.#staticPublicKey : this.#remoteStaticKey!);
    }
  }

  /** Whether the last message was written or read. */
  get finished(): boolean {
    return this.#state === 'finished' || this.#state === 'taken';
  }

  /** The peer's public key: what was given, or what an authentic message brought; undefined before, and with a client of NK. */
  get remoteStaticKey(): Uint8Array | undefined {
    return this.#remoteStaticKey?.slice();
  }

  /** Names this one session, the same on both sides (section 11.2, channel binding). Throws invalid_state before the end. */
  get handshakeHash(): Uint8Array {
    if (!this.finished) {
      throw new CryptoError('invalid_state', `expected a finished handshake, got one that is ${this.#state}`);
    }
    return this.#symmetric.handshakeHash;
  }

  /** The next message of this side. What may be confided to its payload is in src/crypto/noise/patterns.ts. */
  writeMessage(payload: Uint8Array = EMPTY): Uint8Array {
    const tokens = this.#expectTurn(this.#role);
    expectBytes('payload', payload);
    const overheadBytes = this.#overheadBytes(tokens);
    const bytes = overheadBytes + payload.length;
    if (bytes > MESSAGE_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected a payload of at most ${MESSAGE_BYTES_MAX - overheadBytes} bytes, got ${payload.length}`,
      );
    }
    return this.#step(() => {
      const message = new Uint8Array(bytes);
      let at = 0;
      const append = (part: Uint8Array): void => {
        message.set(part, at);
        at += part.length;
      };
      for (const token of tokens) {
        if (token === 'e') append(this.#makeEphemeralKey());
        else if (token === 's') append(this.#symmetric.encryptAndHash(this.#staticPublicKey));
        else this.#mixSecrets(token);
      }
      append(this.#symmetric.encryptAndHash(payload));
      return message;
    });
  }

  /**
   * The payload of the peer's next message. Throws authentication_failed, or invalid_public_key where the peer's key
   * leads to an all-zero secret; the handshake is over then.
   */
  readMessage(message: Uint8Array): Uint8Array {
    const tokens = this.#expectTurn(other(this.#role));
    expectBytes('message', message);
    return this.#step(() => {
      const overheadBytes = this.#overheadBytes(tokens);
      if (message.length < overheadBytes || message.length > MESSAGE_BYTES_MAX) {
        throw new CryptoError(
          'authentication_failed',
          `expected a message of ${overheadBytes} to ${MESSAGE_BYTES_MAX} bytes, got ${message.length}`,
        );
      }
      let at = 0;
      for (const token of tokens) {
        if (token === 'e') {
          this.#remoteEphemeralKey = new Uint8Array(message.subarray(at, at + KEY_BYTES));
          this.#symmetric.mixHash(this.#remoteEphemeralKey);
          at += KEY_BYTES;
        } else if (token === 's') {
          const end = at + KEY_BYTES + this.#symmetric.overheadBytes;
          this.#remoteStaticKey = this.#symmetric.decryptAndHash(message.subarray(at, end));
          at = end;
        } else {
          this.#mixSecrets(token);
        }
      }
      return this.#symmetric.decryptAndHash(message.subarray(at));
    });
  }

  /** What the handshake was for; once, after the last message. */
  transport(): NoiseTransport {
    if (this.#state !== 'finished') {
      throw new CryptoError('invalid_state', `expected a finished handshake, got one that is ${this.#state}`);
    }
    const [initiator, responder] = this.#ciphers!;
    this.#ciphers = undefined;
    this.#state = 'taken';
    return this.#role === 'initiator'
      ? new NoiseTransport(initiator, responder)
      : new NoiseTransport(responder, initiator);
  }

  /** Gives the handshake up and wipes its secrets. A transport that was taken lives on. */
  close(): void {
    if (this.#state === 'taken') return;
    if (this.#state === 'busy')
      throw new CryptoError(
        'invalid_state',
        'expected a handshake between two messages, got one that is busy',
      );
    this.#end('closed');
  }

  /** The tokens of the next message, which must be `writer`'s. */
  #expectTurn(writer: Role): readonly Token[] {
    if (this.#state !== 'running') {
      throw new CryptoError('invalid_state', `expected a running handshake, got one that is ${this.#state}`);
    }
    if (writerOf(this.#next) !== writer) {
      const [expected, got] = writer === this.#role ? ['read', 'written'] : ['written', 'read'];
      throw new CryptoError(
        'invalid_state',
        `expected message ${this.#next + 1} of ${this.pattern} to be ${expected}, got one to be ${got}`,
      );
    }
    return this.#messages[this.#next]!;
  }

  /** Takes one message through; a failure ends the handshake. Meanwhile randomBytes, which is the caller's, cannot begin another. */
  #step(message: () => Uint8Array): Uint8Array {
    this.#state = 'busy';
    let result: Uint8Array;
    try {
      result = message();
    } catch (error) {
      this.#end('failed');
      throw error;
    }
    this.#next++;
    if (this.#next < this.#messages.length) {
      this.#state = 'running';
    } else {
      this.#ciphers = this.#symmetric.split();
      this.#wipe();
      this.#state = 'finished';
    }
    return result;
  }

  /** Bytes of the next message before and around its payload. */
  #overheadBytes(tokens: readonly Token[]): number {
    let tagBytes = this.#symmetric.overheadBytes;
    let bytes = 0;
    for (const token of tokens) {
      if (token === 'e') bytes += KEY_BYTES;
      else if (token === 's') bytes += KEY_BYTES + tagBytes;
      else tagBytes = TAG_BYTES;
    }
    return bytes + tagBytes;
  }

  #makeEphemeralKey(): Uint8Array {
    const key = this.#randomBytes(KEY_BYTES);
    expectBytes('the ephemeral key that randomBytes makes', key, KEY_BYTES);
    this.#ephemeralKey = key;
    const sent = publicKey(key);
    this.#symmetric.mixHash(sent);
    return sent;
  }

  #mixSecrets(names: readonly Secret[]): void {
    const [own, remote] = this.#role === 'initiator' ? [0, 1] : [1, 0];
    const secrets = dh(
      names.map((name) => ({
        privateKey: name[own] === 'e' ? this.#ephemeralKey : this.#staticKey,
        publicKey: name[remote] === 'e' ? this.#remoteEphemeralKey : this.#remoteStaticKey!,
      })),
    );
    for (const secret of secrets) this.#symmetric.mixKey(secret);
  }

  #end(state: 'failed' | 'closed'): void {
    this.#state = state;
    this.#remoteStaticKey = undefined;
    for (const cipher of this.#ciphers ?? []) cipher.wipe();
    this.#ciphers = undefined;
    this.#wipe();
  }

  #wipe(): void {
    this.#staticKey.fill(0);
    this.#ephemeralKey.fill(0);
    this.#symmetric.wipe();
  }
}

function patternOf(name: string): Pattern {
  if (typeof name !== 'string' || !Object.hasOwn(PATTERNS, name)) {
    // What is longer than a pattern's name may be a key in the wrong place.
    const got = typeof name === 'string' && name.length <= NAME_LENGTH_MAX ? name : typeof name;
    throw new CryptoError(
      'invalid_argument',
      `expected pattern ${Object.keys(PATTERNS).join(', ')}, got ${got}`,
    );
  }
  return PATTERNS[name as NoisePattern];
}

function expectKey(
  name: string,
  key: Uint8Array | undefined,
  needed: boolean,
  pattern: NoisePattern,
  role: Role,
): void {
  if ((key !== undefined) !== needed) {
    throw new CryptoError(
      'invalid_argument',
      needed
        ? `expected ${name} for the ${role} of ${pattern}, got none`
        : `expected no ${name} for the ${role} of ${pattern}, got one`,
    );
  }
  if (key !== undefined) expectBytes(name, key, KEY_BYTES);
}
