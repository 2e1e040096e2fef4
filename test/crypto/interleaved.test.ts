// All primitives at once in one kernel: streams, sealers, contexts and handshakes that are half done go on between other
// calls, good and refused, and each answer is what @noble, node:crypto or a twin says. No call disturbs another, keeps
// room of the workspace, or leaves a secret in the kernel's memory.
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  hkdfSync,
  sign as nodeSign,
} from 'node:crypto';
import { x25519 as nobleX25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CryptoError,
  type CryptoErrorCode,
  chacha20poly1305,
  ed25519,
  type HashStream,
  hkdfSha256,
  hkdfSha512,
  hmacSha256,
  hmacSha512,
  hpke,
  type NoiseHandshake,
  type NoisePattern,
  type NoiseTransport,
  noise,
  type Opener,
  type PreparedKey,
  type RecipientContext,
  type Sealer,
  type SenderContext,
  type SigningKey,
  sha256,
  sha512,
  x25519,
} from '../../src/crypto/index.ts';
import { type CryptoKernel, IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { chacha20Block } from '../../src/reference/chacha20.ts';
import type { ReferenceContext } from '../../src/reference/hpke.ts';
import { type CipherStateTwin, NoiseTwin } from '../../src/reference/noise.ts';
import { Random } from '../../src/shared/random.ts';
import { runsOf } from '../property/seed.ts';
import { eachBuild } from './builds.ts';
import { twin as hpkeTwin } from './hpke-support.ts';
import { NOBLE_SHA256 } from './noise-support.ts';
import { Residue } from './residue.ts';
import { toHex } from './vectors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const hashes = {
  sha256: { hash: sha256, hmac: hmacSha256, hkdf: hkdfSha256 },
  sha512: { hash: sha512, hmac: hmacSha512, hkdf: hkdfSha512 },
};
const NAMES = ['sha256', 'sha512'] as const;
const PATTERNS: NoisePattern[] = ['IK', 'KK', 'XX', 'NK'];

/** Calls between two looks at the whole memory. */
const CALLS_PER_LOOK = 12;

const signedByNode = (secretKey: Uint8Array, message: Uint8Array): string =>
  nodeSign(
    null,
    message,
    createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secretKey]),
      format: 'der',
      type: 'pkcs8',
    }),
  ).toString('hex');

function sealedByNode(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): Bytes {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: text.length });
  return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

/** Something that is half done. */
type Live =
  | {
      readonly kind: 'stream';
      readonly stream: HashStream;
      readonly native: { update(b: Uint8Array): unknown; digest(e: 'hex'): string };
    }
  | {
      readonly kind: 'sealer';
      readonly sealer: Sealer;
      readonly wanted: Bytes;
      readonly text: Bytes;
      at: number;
    }
  | {
      readonly kind: 'opener';
      readonly opener: Opener;
      readonly sealed: Bytes;
      readonly text: Bytes;
      at: number;
    }
  | { readonly kind: 'signing key'; readonly key: SigningKey; readonly secretKey: Bytes }
  | { readonly kind: 'prepared key'; readonly key: PreparedKey; readonly secretKey: Bytes }
  | {
      readonly kind: 'hpke';
      readonly sender: SenderContext;
      readonly recipient: RecipientContext;
      readonly twin: ReferenceContext;
    }
  | {
      readonly kind: 'handshake';
      readonly sides: readonly [NoiseHandshake, NoiseHandshake];
      readonly twins: readonly [NoiseTwin, NoiseTwin];
      next: number;
    }
  | {
      readonly kind: 'transport';
      readonly sides: readonly [NoiseTransport, NoiseTransport];
      /** Of what each side sends. */
      readonly twins: readonly [CipherStateTwin, CipherStateTwin];
    };

class Session {
  readonly #residue: Residue;
  readonly #kernel: CryptoKernel;
  readonly #room: number;
  #random = new Random(0n);
  #live: Live[] = [];
  #calls = 0;

  constructor(kernel: CryptoKernel) {
    this.#kernel = kernel;
    this.#residue = new Residue(kernel);
    this.#room = kernel.exports.workspaceRoom();
  }

  play(steps: readonly (readonly [number, number])[]): void {
    for (const [choice, seed] of steps) {
      this.#random = new Random(BigInt(seed));
      const going = this.#live.length > 0 && choice % 2 === 0;
      const name = going ? 'goOn' : NEW[(choice >> 1) % NEW.length]!;
      this[name]();
      expect(this.#kernel.exports.workspaceRoom(), `room of the workspace after ${name}`).toBe(this.#room);
      expect(this.#residue.foundAtOnce(), `after ${name}`).toEqual([]);
      if (++this.#calls % CALLS_PER_LOOK === 0) this.look();
    }
    for (const live of this.#live.splice(0)) this.#end(live);
    this.look();
  }

  look(): void {
    expect(this.#residue.found()).toEqual([]);
  }

  // ── Random things ───────────────────────────────────────────────────────────────────────────────────────────────────

  #below(limit: number): number {
    return this.#random.uint32() % limit;
  }

  #bytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    // Long ones repeat themselves: only their beginning is looked for.
    for (let i = 0; i < Math.min(length, 4096); i++) bytes[i] = this.#random.uint32();
    for (let at = 4096; at < length; at *= 2) bytes.copyWithin(at, 0, Math.min(at, length - at));
    return bytes;
  }

  /** Mostly short, around blocks, sometimes longer than what goes to the kernel at once, once in a while than io. */
  #length(): number {
    const kind = this.#below(60);
    if (kind === 0) return IO_BYTES + this.#below(1000);
    if (kind < 4) return (64 << 10) * (1 + this.#below(4)) + this.#below(5) - 2;
    if (kind < 20) return 64 * this.#below(20) + this.#below(3);
    return this.#below(200);
  }

  #secret(name: string, length: number): Bytes {
    return this.#known(name, this.#bytes(length));
  }

  #known<T extends Uint8Array>(name: string, bytes: T): T {
    this.#residue.add(name, bytes);
    return bytes;
  }

  #signer(): Bytes {
    const secretKey = this.#secret('secret key', 32);
    const expanded = createHash('sha512').update(secretKey).digest();
    this.#known('scalar', expanded.subarray(1, 31));
    this.#known('prefix', expanded.subarray(32));
    return secretKey;
  }

  #sealing(): { key: Bytes; nonce: Bytes; aad: Bytes; text: Bytes; sealed: Bytes } {
    const [key, nonce, aad] = [this.#secret('key', 32), this.#bytes(12), this.#bytes(this.#below(40))];
    this.#known('one-time key', chacha20Block(key, 0, nonce).subarray(0, 32));
    const text = this.#secret('plaintext', this.#length());
    return { key, nonce, aad, text, sealed: sealedByNode(key, nonce, aad, text) };
  }

  /** With one bit changed. */
  #tampered(bytes: Uint8Array): Bytes {
    const changed = Uint8Array.from(bytes);
    changed[this.#below(changed.length)]! ^= 1 << this.#below(8);
    return changed;
  }

  // ── What begins, or is done at once ─────────────────────────────────────────────────────────────────────────────────

  hash(): void {
    const name = NAMES[this.#below(2)]!;
    const { hash, hmac } = hashes[name];
    if (this.#below(2) === 0) {
      const message = this.#secret('message', this.#length());
      same(hash(message), createHash(name).update(message).digest());
      this.#live.push({ kind: 'stream', stream: hash.create(), native: createHash(name) });
      return;
    }
    const key = this.#secret('key of HMAC', this.#below(200));
    const message = this.#secret('message', this.#length());
    same(hmac(key, message), createHmac(name, key).update(message).digest());
    this.#live.push({ kind: 'stream', stream: hmac.create(key), native: createHmac(name, key) });
  }

  hashBatch(): void {
    const name = NAMES[this.#below(2)]!;
    const messages = Array.from({ length: this.#below(20) }, () => this.#secret('message', this.#below(300)));
    const wanted = messages.map((message) => createHash(name).update(message).digest('hex'));
    expect(hashes[name].hash.batch(messages).map(toHex)).toEqual(wanted);
  }

  derive(): void {
    const name = NAMES[this.#below(2)]!;
    const { hkdf } = hashes[name];
    const [ikm, salt] = [this.#secret('ikm', this.#below(100)), this.#bytes(this.#below(100))];
    const [info, length] = [this.#bytes(this.#below(100)), 1 + this.#below(300)];
    const wanted = this.#known('derived', new Uint8Array(hkdfSync(name, ikm, salt, info, length)));
    same(hkdf(ikm, salt, info, length), wanted);
    const prk = this.#known('prk', hkdf.extract(salt, ikm));
    same(hkdf.expand(prk, info, length), wanted);
  }

  seal(): void {
    const { key, nonce, aad, text, sealed } = this.#sealing();
    same(chacha20poly1305.seal(key, nonce, text, aad), sealed);
    same(chacha20poly1305.open(key, nonce, sealed, aad), text);
    refused('authentication_failed', () => chacha20poly1305.open(key, nonce, this.#tampered(sealed), aad));
    refused('authentication_failed', () => chacha20poly1305.open(this.#tampered(key), nonce, sealed, aad));
    refused('invalid_argument', () => chacha20poly1305.open(key, this.#bytes(24), sealed, aad));
  }

  sealBatch(): void {
    const items = Array.from({ length: 1 + this.#below(6) }, () => this.#sealing());
    const sealed = chacha20poly1305.sealBatch(
      items.map(({ text, ...item }) => ({ ...item, plaintext: text })),
    );
    expect(sealed.map(toHex)).toEqual(items.map(({ sealed }) => toHex(sealed)));
    const bad = this.#below(items.length);
    const opened = chacha20poly1305.openBatch(
      items.map(({ sealed, ...item }, i) => ({
        ...item,
        ciphertext: i === bad ? this.#tampered(sealed) : sealed,
      })),
    );
    expect(opened.map((text) => (text instanceof CryptoError ? text.code : toHex(text)))).toEqual(
      items.map(({ text }, i) => (i === bad ? 'authentication_failed' : toHex(text))),
    );
  }

  sealer(): void {
    const { key, nonce, aad, text, sealed } = this.#sealing();
    const sealer = chacha20poly1305.createSealer(key, nonce, aad);
    this.#live.push({ kind: 'sealer', sealer, wanted: sealed, text, at: 0 });
  }

  opener(): void {
    const { key, nonce, aad, text, sealed } = this.#sealing();
    const opener = chacha20poly1305.createOpener(key, nonce, aad);
    this.#live.push({ kind: 'opener', opener, sealed, text, at: 0 });
  }

  sign(): void {
    const secretKey = this.#signer();
    const message = this.#secret('signed message', this.#length());
    expect(toHex(ed25519.sign(secretKey, message))).toBe(signedByNode(secretKey, message));
    if (this.#below(2) === 0) {
      this.#live.push({ kind: 'signing key', key: ed25519.signingKey(secretKey), secretKey });
    } else {
      const key = ed25519.prepare(ed25519.publicKey(secretKey));
      this.#live.push({ kind: 'prepared key', key, secretKey });
    }
    refused('invalid_argument', () => ed25519.sign(this.#bytes(33), message));
    refused('invalid_public_key', () => ed25519.prepare(new Uint8Array(32)));
  }

  verifyBatch(): void {
    const prepared = this.#live.filter((live) => live.kind === 'prepared key');
    const items = Array.from({ length: this.#below(12) }, () => {
      const known = this.#below(3) === 0 ? prepared[this.#below(prepared.length || 1)] : undefined;
      const secretKey = known?.secretKey ?? this.#signer();
      const message = this.#bytes(this.#below(6) === 0 ? this.#length() : this.#below(200));
      const signature = ed25519.sign(secretKey, message);
      return { publicKey: known?.key ?? ed25519.publicKey(secretKey), message, signature, good: true };
    });
    for (const item of items) {
      if (this.#below(4) > 0) continue;
      item.good = false;
      item.signature = this.#below(3) === 0 ? this.#bytes(this.#below(70)) : this.#tampered(item.signature);
    }
    expect(ed25519.verifyBatch(items)).toEqual(items.map(({ good }) => good));
    const one = items[0];
    if (one) expect(ed25519.verify(one.publicKey, one.message, one.signature)).toBe(one.good);
  }

  agree(): void {
    const items = Array.from({ length: 1 + this.#below(7) }, () => ({
      privateKey: this.#secret('private key', 32),
      publicKey: nobleX25519.getPublicKey(this.#bytes(32)),
    }));
    const bad = this.#below(items.length * 2);
    const secrets = items.map(({ privateKey, publicKey }) =>
      toHex(this.#known('shared secret', nobleX25519.getSharedSecret(privateKey, publicKey))),
    );
    const { privateKey, publicKey } = items[0]!;
    expect(toHex(x25519.sharedSecret(privateKey, publicKey))).toBe(secrets[0]);
    same(x25519.publicKey(privateKey), nobleX25519.getPublicKey(privateKey));
    if (items[bad]) items[bad].publicKey = new Uint8Array(32);
    const answers = x25519.sharedSecretBatch(items);
    expect(answers.map((answer) => (answer instanceof CryptoError ? answer.code : toHex(answer)))).toEqual(
      secrets.map((secret, i) => (i === bad ? 'invalid_public_key' : secret)),
    );
    refused('invalid_public_key', () => x25519.sharedSecret(privateKey, new Uint8Array(32)));
    refused('invalid_argument', () => x25519.sharedSecret(privateKey, this.#bytes(31)));
  }

  hpkeBatch(): void {
    const info = this.#bytes(this.#below(50));
    const recipient = this.#keyPair();
    const ephemerals = this.#secret('ephemeral keys', 32 * (1 + this.#below(5)));
    const items = Array.from({ length: ephemerals.length / 32 }, () => ({
      aad: this.#bytes(this.#below(30)),
      plaintext: this.#secret('plaintext', this.#length()),
    }));
    const options = {
      recipientPublicKey: recipient.publicKey,
      info,
      items,
      randomBytes: () => ephemerals.slice(),
    };
    const sealed = hpke.sealBatch(options);
    sealed.forEach(({ enc, ciphertext }, i) => {
      const privateKey = this.#known('ephemeral key', ephemerals.slice(32 * i, 32 * i + 32));
      const wanted = this.#hpkeTwin(recipient.publicKey, info, privateKey);
      same(enc, wanted.enc);
      same(ciphertext, wanted.context.seal(items[i]!.plaintext, items[i]!.aad));
    });
    const bad = this.#below(items.length);
    const opened = hpke.openBatch({
      recipientPrivateKey: recipient.privateKey,
      info,
      items: sealed.map(({ enc, ciphertext }, i) => ({
        enc: i === bad && this.#below(2) === 0 ? new Uint8Array(32) : enc,
        ciphertext: i === bad ? this.#tampered(ciphertext) : ciphertext,
        aad: items[i]!.aad,
      })),
    });
    opened.forEach((answer, i) => {
      if (i === bad) expect(answer).toBeInstanceOf(CryptoError);
      else same(answer as Uint8Array, items[i]!.plaintext);
    });
  }

  hpkeContext(): void {
    const info = this.#bytes(this.#below(50));
    const recipientKeys = this.#keyPair();
    const ephemeral = this.#secret('ephemeral key', 32);
    const { enc, context: sender } = hpke.createSender({
      recipientPublicKey: recipientKeys.publicKey,
      info,
      randomBytes: () => ephemeral.slice(),
    });
    const recipient = hpke.createRecipient({ recipientPrivateKey: recipientKeys.privateKey, info, enc });
    const { context: twin } = this.#hpkeTwin(recipientKeys.publicKey, info, ephemeral);
    this.#live.push({ kind: 'hpke', sender, recipient, twin });
    refused('invalid_public_key', () =>
      hpke.createRecipient({ recipientPrivateKey: recipientKeys.privateKey, info, enc: new Uint8Array(32) }),
    );
  }

  handshake(): void {
    const pattern = PATTERNS[this.#below(4)]!;
    const prologue = this.#bytes(this.#below(20));
    const statics = [this.#keyPair(), this.#keyPair()] as const;
    const ephemerals = [this.#secret('ephemeral key', 32), this.#secret('ephemeral key', 32)] as const;
    const optionsOf = (side: 0 | 1) => ({
      pattern,
      prologue,
      staticKey: side === 0 && pattern === 'NK' ? undefined : statics[side].privateKey,
      remoteStaticKey:
        pattern === 'KK' || (side === 0 && pattern !== 'XX') ? statics[1 - side]!.publicKey : undefined,
      randomBytes: () => ephemerals[side].slice(),
    });
    const [first, second] = [optionsOf(0), optionsOf(1)];
    this.#live.push({
      kind: 'handshake',
      sides: [noise.initiate(first), noise.respond(second)],
      twins: [
        new NoiseTwin(NOBLE_SHA256, { ...first, initiator: true, ephemeralKey: ephemerals[0] }),
        new NoiseTwin(NOBLE_SHA256, { ...second, initiator: false, ephemeralKey: ephemerals[1] }),
      ],
      next: 0,
    });
  }

  #keyPair(): { privateKey: Bytes; publicKey: Bytes } {
    const privateKey = this.#secret('private key', 32);
    return { privateKey, publicKey: x25519.publicKey(privateKey) };
  }

  #hpkeTwin(recipientPublicKey: Uint8Array, info: Uint8Array, privateKey: Uint8Array) {
    const ephemeral = { privateKey, publicKey: nobleX25519.getPublicKey(privateKey) };
    const made = hpkeTwin.createSender({ recipientPublicKey, info, ephemeral });
    const { sharedSecret, secret, key, baseNonce, exporterSecret } = made.context.secrets;
    this.#known('shared secret of the KEM', sharedSecret);
    this.#known('secret of the key schedule', secret);
    this.#known('key of a context', key!);
    this.#known('base nonce', baseNonce!);
    this.#known('exporter secret', exporterSecret);
    this.#known('shared secret', nobleX25519.getSharedSecret(privateKey, recipientPublicKey));
    return made;
  }

  // ── What goes on ────────────────────────────────────────────────────────────────────────────────────────────────────

  goOn(): void {
    const live = this.#live[this.#below(this.#live.length)]!;
    if (!this.#advance(live)) this.#live.splice(this.#live.indexOf(live), 1);
  }

  /** Answers whether it is to go on. */
  #advance(live: Live): boolean {
    switch (live.kind) {
      case 'stream': {
        const piece = this.#secret('piece', this.#length());
        live.stream.update(piece);
        live.native.update(piece);
        if (this.#below(4) > 0) return true;
        expect(toHex(live.stream.digest())).toBe(live.native.digest('hex'));
        refused('invalid_state', () => live.stream.update(piece));
        return false;
      }
      case 'sealer': {
        const { sealer, text, wanted, at } = live;
        live.at += Math.min(this.#length(), text.length - at);
        same(sealer.update(text.subarray(at, live.at)), wanted.subarray(at, live.at));
        if (live.at < text.length) return true;
        same(sealer.finish(), wanted.subarray(text.length));
        refused('invalid_state', () => sealer.finish());
        return false;
      }
      case 'opener': {
        const { opener, text, sealed, at } = live;
        live.at += Math.min(this.#length(), text.length - at);
        opener.update(sealed.subarray(at, live.at));
        if (live.at < text.length) return true;
        const tag = sealed.subarray(text.length);
        if (this.#below(3) === 0) refused('authentication_failed', () => opener.finish(this.#tampered(tag)));
        else same(opener.finish(tag), text);
        return false;
      }
      case 'signing key': {
        const message = this.#secret('signed message', this.#length());
        expect(toHex(live.key.sign(message))).toBe(signedByNode(live.secretKey, message));
        return this.#below(4) > 0;
      }
      case 'prepared key': {
        const message = this.#bytes(this.#length());
        const signature = ed25519.sign(live.secretKey, message);
        expect(ed25519.verify(live.key, message, signature)).toBe(true);
        expect(ed25519.verify(live.key, message, this.#tampered(signature))).toBe(false);
        return this.#below(4) > 0;
      }
      case 'hpke': {
        const { sender, recipient, twin } = live;
        const [aad, text] = [this.#bytes(this.#below(30)), this.#secret('plaintext', this.#length())];
        const sealed = sender.seal(text, aad);
        same(sealed, twin.seal(text, aad));
        refused('authentication_failed', () => recipient.open(this.#tampered(sealed), aad));
        same(recipient.open(sealed, aad), text);
        const wanted = this.#known('exported secret', twin.export(aad, 40));
        same(sender.export(aad, 40), wanted);
        same(recipient.export(aad, 40), wanted);
        return this.#below(4) > 0;
      }
      case 'handshake':
        return this.#shake(live);
      case 'transport': {
        const from = this.#below(2);
        const [sender, receiver, twin] = [live.sides[from]!, live.sides[1 - from]!, live.twins[from]!];
        const text = this.#secret('plaintext', Math.min(this.#length(), 65_519));
        const sealed = sender.seal(text);
        same(sealed, twin.encryptWithAd(new Uint8Array(), text));
        refused('authentication_failed', () => receiver.open(this.#tampered(sealed)));
        same(receiver.open(sealed), text);
        if (this.#below(3) === 0) {
          sender.rekeySend();
          receiver.rekeyReceive();
          twin.rekey();
          this.#known('key of a transport', twin.k!);
        }
        return this.#below(6) > 0;
      }
    }
  }

  #shake(live: Extract<Live, { kind: 'handshake' }>): boolean {
    const from = live.next++ % 2;
    const [writer, reader] = [live.sides[from]!, live.sides[1 - from]!];
    const payload = this.#bytes(this.#below(60));
    const message = writer.writeMessage(payload);
    same(message, live.twins[from]!.writeMessage(payload));
    if (this.#below(8) === 0 && live.next > 1) {
      refused('authentication_failed', () => reader.readMessage(this.#tampered(message)));
      writer.close();
      return false;
    }
    same(reader.readMessage(message), payload);
    live.twins[1 - from]!.readMessage(message);
    if (!writer.finished) return true;
    const twins = live.twins[0].split();
    for (const { k } of twins) this.#known('key of a transport', k!);
    same(reader.handshakeHash, live.twins[0].handshakeHash);
    const sides = [live.sides[0].transport(), live.sides[1].transport()] as const;
    this.#live.push({ kind: 'transport', sides, twins });
    return false;
  }

  #end(live: Live): void {
    if (live.kind === 'stream') expect(toHex(live.stream.digest())).toBe(live.native.digest('hex'));
    else if (live.kind === 'sealer') live.sealer.close();
    else if (live.kind === 'opener') live.opener.close();
    else if (live.kind === 'signing key') live.key.close();
    else if (live.kind === 'handshake' || live.kind === 'transport')
      for (const side of live.sides) side.close();
  }
}

const NEW = [
  'hash',
  'hashBatch',
  'derive',
  'seal',
  'sealBatch',
  'sealer',
  'opener',
  'sign',
  'verifyBatch',
  'agree',
  'hpkeBatch',
  'hpkeContext',
  'handshake',
] as const;

function same(got: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(got, wanted) !== 0) expect(toHex(got)).toBe(toHex(wanted));
}

function refused(code: CryptoErrorCode, call: () => unknown): void {
  expect(call).toThrow(expect.objectContaining({ name: 'CryptoError', code }));
}

eachBuild('interleaved calls', (kernel) => {
  test('each answers as if it were alone, and leaves nothing behind', () => {
    const steps = fc.array(fc.tuple(fc.nat(1 << 16), fc.noShrink(fc.noBias(fc.nat()))), {
      minLength: 40,
      maxLength: 120,
    });
    fc.assert(
      fc.property(steps, (steps) => new Session(kernel).play(steps)),
      { numRuns: runsOf(20) },
    );
  });

  test('a secret that is left behind would be found', () => {
    const residue = new Residue(kernel);
    const secret = Uint8Array.from({ length: 32 }, (_, i) => (i * 89 + 17) & 0xff);
    residue.add('key', secret);
    expect(residue.found()).toEqual([]);
    for (const at of [0, 1001, IO_BYTES - 32]) {
      kernel.bytes.set(secret.subarray(16, 24), kernel.io + at);
      expect(residue.found().join()).toContain(`io + ${at}`);
      kernel.bytes.fill(0, kernel.io + at, kernel.io + at + 8);
    }
    kernel.bytes.set(secret.subarray(0, 4).reverse(), kernel.io - 99);
    kernel.bytes.set(secret.slice(4, 8).reverse(), kernel.io - 95);
    expect(residue.found()).toHaveLength(1);
    kernel.bytes.fill(0, kernel.io - 99, kernel.io - 91);
    expect(residue.found()).toEqual([]);
  });
});
