// The encrypted channel written from docs/protocol.md and the Noise specification (revision 34) alone, with node:crypto
// and nothing of src: a client in another language would look like this one.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
} from 'node:crypto';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { MemoryEngine } from './memory-engine.ts';
import { System } from './secure-support.ts';
import { afterwards, serve } from './support.ts';

const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key: Buffer, ...parts: Buffer[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

// Raw keys of X25519 behind the fixed heads of their DER forms (RFC 8410).
const privateHead = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicHead = Buffer.from('302a300506032b656e032100', 'hex');
const privateKey = (raw: Buffer) =>
  createPrivateKey({ key: Buffer.concat([privateHead, raw]), format: 'der', type: 'pkcs8' });
const publicOf = (raw: Buffer): Buffer =>
  createPublicKey(privateKey(raw)).export({ format: 'der', type: 'spki' }).subarray(-32);
const dh = (own: Buffer, other: Buffer): Buffer =>
  diffieHellman({
    privateKey: privateKey(own),
    publicKey: createPublicKey({ key: Buffer.concat([publicHead, other]), format: 'der', type: 'spki' }),
  });

/** A key and a counter (Noise 5.1, 12.3). */
class Cipher {
  key: Buffer;
  n = 0n;
  constructor(key: Buffer) {
    this.key = key;
  }
  #nonce(n: bigint): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(n, 4);
    return nonce;
  }
  seal(text: Buffer, aad: Buffer = Buffer.alloc(0), n = this.n++): Buffer {
    const cipher = createCipheriv('chacha20-poly1305', this.key, this.#nonce(n), { authTagLength: 16 });
    cipher.setAAD(aad, { plaintextLength: text.length });
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }
  open(sealed: Buffer, aad: Buffer = Buffer.alloc(0)): Buffer {
    const decipher = createDecipheriv('chacha20-poly1305', this.key, this.#nonce(this.n++), {
      authTagLength: 16,
    });
    decipher.setAuthTag(sealed.subarray(-16));
    decipher.setAAD(aad, { plaintextLength: sealed.length - 16 });
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  }
  rekey(): void {
    this.key = this.seal(Buffer.alloc(32), Buffer.alloc(0), 2n ** 64n - 1n).subarray(0, 32);
  }
}

/** What both sides have agreed upon (Noise 5.2). */
class Symmetric {
  h: Buffer;
  ck: Buffer;
  cipher: Cipher | undefined;
  constructor(name: string) {
    this.h = Buffer.alloc(32);
    this.h.write(name);
    this.ck = this.h;
  }
  mixHash(data: Buffer): void {
    this.h = sha256(this.h, data);
  }
  #hkdf(input: Buffer): [Buffer, Buffer] {
    const temp = hmac(this.ck, input);
    const first = hmac(temp, Buffer.of(1));
    return [first, hmac(temp, first, Buffer.of(2))];
  }
  mixKey(input: Buffer): void {
    const [ck, key] = this.#hkdf(input);
    this.ck = ck;
    this.cipher = new Cipher(key);
  }
  encrypt(text: Buffer): Buffer {
    const sealed = this.cipher!.seal(text, this.h);
    this.mixHash(sealed);
    return sealed;
  }
  decrypt(sealed: Buffer): Buffer {
    const text = this.cipher!.open(sealed, this.h);
    this.mixHash(sealed);
    return text;
  }
  split(): [Cipher, Cipher] {
    const [first, second] = this.#hkdf(Buffer.alloc(0));
    return [new Cipher(first), new Cipher(second)];
  }
}

class TinyChannel {
  readonly #socket: WebSocket;
  readonly #got: Buffer[] = [];
  #wake = (): void => {};
  #send!: Cipher;
  #receive!: Cipher;
  #sent = 0;
  #received = 0;

  constructor(url: string) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('message', (data: Buffer) => {
      this.#got.push(data);
      this.#wake();
    });
    afterwards(async () => this.#socket.terminate());
  }

  async #take(): Promise<Buffer> {
    while (this.#got.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#got.shift()!;
  }

  /** IK: `<- s … -> e, es, s, ss  <- e, ee, se`. Returns the result of the answer. */
  async handshake(ownKey: Buffer, serverKey: Buffer, certificate: Buffer): Promise<number> {
    await new Promise((resolve) => this.#socket.once('open', resolve));
    const preamble = Buffer.alloc(24);
    preamble.write('SPCH');
    preamble[4] = 1;
    preamble[5] = 1;
    sha256(serverKey).copy(preamble, 8, 0, 8);
    const state = new Symmetric('Noise_IK_25519_ChaChaPoly_SHA256');
    state.mixHash(Buffer.concat([Buffer.from('specie channel v1\0'), preamble]));
    state.mixHash(serverKey);
    const e = randomBytes(32);
    state.mixHash(publicOf(e));
    state.mixKey(dh(e, serverKey));
    const s = state.encrypt(publicOf(ownKey));
    state.mixKey(dh(ownKey, serverKey));
    this.#socket.send(Buffer.concat([preamble, publicOf(e), s, state.encrypt(certificate)]));

    const answer = await this.#take();
    const remote = answer.subarray(0, 32);
    state.mixHash(remote);
    state.mixKey(dh(e, remote));
    state.mixKey(dh(ownKey, remote));
    const result = state.decrypt(answer.subarray(32)).readUInt16LE(0);
    [this.#send, this.#receive] = state.split();
    return result;
  }

  send(frame: Buffer): void {
    const pieces: Buffer[] = [];
    for (let at = 0; at < frame.length; at += 65_519) {
      pieces.push(this.#send.seal(frame.subarray(at, at + 65_519)));
      if (++this.#sent % 1024 === 0) this.#send.rekey();
    }
    this.#socket.send(Buffer.concat(pieces));
  }

  async receive(): Promise<Buffer> {
    const message = await this.#take();
    const pieces: Buffer[] = [];
    for (let at = 0; at < message.length; at += 65_535) {
      pieces.push(this.#receive.open(message.subarray(at, at + 65_535)));
      if (++this.#received % 1024 === 0) this.#receive.rekey();
    }
    const frame = Buffer.concat(pieces);
    expect(32 + frame.readUInt32LE(12)).toBe(frame.length);
    return frame;
  }
}

function frame(operation: number, request: bigint, count: number, body: Buffer): Buffer {
  const header = Buffer.alloc(32);
  header.write('SPCE');
  header[4] = 1;
  header[5] = operation;
  header.writeUInt32LE(count, 8);
  header.writeUInt32LE(body.length, 12);
  header.writeBigUInt64LE(request, 16);
  return Buffer.concat([header, body]);
}

test('handshake, a session, long frames, and more messages than one key lasts', async () => {
  const system = new System();
  const server = await serve({ engine: new MemoryEngine(), identity: system });
  const channel = new TinyChannel(server.url);
  const serverKey = Buffer.from(system.keys[0]!.publicKey);
  expect(await channel.handshake(randomBytes(32), serverKey, Buffer.from('device 5'))).toBe(0);

  const hello = Buffer.alloc(32);
  hello.writeBigUInt64LE(77n, 0);
  channel.send(frame(128, 0n, 1, hello));
  expect((await channel.receive()).readUInt16LE(6)).toBe(0);

  // Eight pieces there, and 47,000 bytes back.
  const accounts = Buffer.alloc(3000 * 128);
  for (let i = 0; i < 3000; i++) {
    accounts.writeBigUInt64LE(BigInt(i + 1), i * 128);
    accounts.writeUInt32LE(978, i * 128 + 112);
    accounts.writeUInt16LE(1, i * 128 + 116);
  }
  channel.send(frame(1, 1n, 3000, accounts));
  const created = await channel.receive();
  expect([created.readUInt16LE(6), created.readUInt32LE(8), created.length]).toEqual([0, 3000, 32 + 48_000]);
  for (let i = 0; i < 3000; i++) expect(created.readUInt32LE(32 + i * 16 + 8)).toBe(0xffff_ffff);

  const id = Buffer.alloc(16);
  for (let i = 1; i <= 2_500; i++) {
    id.writeBigUInt64LE(BigInt(i), 0);
    channel.send(frame(16, BigInt(i), 1, id));
    const reply = await channel.receive();
    expect([reply.readBigUInt64LE(16), reply.readBigUInt64LE(32)]).toEqual([BigInt(i), BigInt(i)]);
  }
});

test('a refusal is read from the answer', async () => {
  const system = new System();
  const server = await serve({ engine: new MemoryEngine(), identity: system });
  const channel = new TinyChannel(server.url);
  const serverKey = Buffer.from(system.keys[0]!.publicKey);
  expect(await channel.handshake(randomBytes(32), serverKey, Buffer.from('wallet'))).toBe(5);
});
