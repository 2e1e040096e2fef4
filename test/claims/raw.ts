// A socket that says what it is told, and keeps what it gets.
import WebSocket from 'ws';
import { Initiator } from '../../src/channel/secure/initiator.ts';
import { encodePreamble, keyIdOf, prologueOf } from '../../src/channel/secure/preamble.ts';
import { SecureChannel, sealedBytes } from '../../src/channel/secure/records.ts';
import { noise } from '../../src/crypto/noise/noise.ts';
import type { ChannelPattern, ClientIdentity } from '../../src/wire/channel-identity.ts';
import { encodeRequest } from '../../src/wire/frame.ts';
import { encodeMessages } from '../../src/wire/messages.ts';

export class Raw {
  readonly socket: WebSocket;
  readonly got: Buffer[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  #wake = (): void => {};

  private constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('message', (data: Buffer) => {
      this.got.push(data);
      this.#wake();
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    this.socket.on('error', () => {});
  }

  static async open(url: string): Promise<Raw> {
    const raw = new Raw(url);
    await new Promise<void>((resolve, reject) => {
      raw.socket.once('open', resolve);
      raw.socket.once('error', reject);
    });
    return raw;
  }

  async take(): Promise<Buffer> {
    await this.#when(() => this.got.length > 0 || this.closed !== undefined);
    const message = this.got.shift();
    if (message === undefined) throw new Error(`expected a message, got the end: ${this.closed!.code}`);
    return message;
  }

  /** The code with which the server closes. */
  async end(): Promise<number> {
    await this.#when(() => this.closed !== undefined);
    return this.closed!.code;
  }

  /** Up to but without the first frame. */
  async handshake(identity: ClientIdentity): Promise<SecureChannel> {
    const initiator = new Initiator(identity);
    this.socket.send(initiator.message);
    const finished = initiator.finish(new Uint8Array(await this.take()));
    if (finished instanceof SecureChannel) return finished;
    throw new Error(`expected a channel, got ${JSON.stringify(finished)}`);
  }

  async #when(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`expected ${condition} within 10 s`)), 10_000);
      this.#wake = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What the server closes a connection with that begins with these bytes. */
export async function closedWith(url: string, ...messages: readonly Uint8Array[]): Promise<number> {
  const raw = await Raw.open(url);
  for (const message of messages) raw.socket.send(message);
  return raw.end();
}

export function sealed(channel: SecureChannel, frame: Uint8Array): Uint8Array {
  return channel.seal(frame, new Uint8Array(sealedBytes(frame.length))).slice();
}

/** A request of messages, as it is before it is sealed. */
export function messageFrame(
  operation: number,
  request: bigint,
  messages: readonly Uint8Array[],
): Uint8Array {
  return encodeRequest(operation, request, messages.length, encodeMessages(messages));
}

/** A first message whose preamble may claim anything. */
export function firstMessage(options: {
  readonly pattern: ChannelPattern;
  readonly staticKey?: Uint8Array;
  readonly remoteStaticKey: Uint8Array;
  /** Public key that the preamble names as the initiator's. */
  readonly claimed?: Uint8Array;
}): Uint8Array {
  const { pattern, staticKey, remoteStaticKey, claimed } = options;
  const preamble = encodePreamble({
    pattern,
    recipient: keyIdOf(remoteStaticKey),
    initiator: claimed && keyIdOf(claimed),
  });
  const handshake = noise.initiate({
    pattern,
    prologue: prologueOf(preamble),
    staticKey,
    remoteStaticKey,
  });
  return Buffer.concat([preamble, handshake.writeMessage()]);
}
