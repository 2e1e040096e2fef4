// What the channel's tests share: a server and clients that are closed after each test, a bare socket, waiting.
import { afterEach } from 'vitest';
import WebSocket from 'ws';
import type { Client, ClientOptions } from '../../src/channel/client.ts';
import { connect } from '../../src/channel/client.ts';
import type { ServerOptions } from '../../src/channel/server.ts';
import { Server } from '../../src/channel/server.ts';
import type { ReplyFrame } from '../../src/wire/frame.ts';
import { encodeRequest, parseReply, refusalText } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { requestStatusName } from '../../src/wire/status.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export function afterwards(close: () => Promise<void>): void {
  closing.push(close);
}

export async function serve(options: ServerOptions): Promise<Server> {
  const server = await Server.listen(options);
  afterwards(() => server.close(200));
  return server;
}

export async function client(server: { url: string }, options: Partial<ClientOptions> = {}): Promise<Client> {
  const connected = await connect({ url: server.url, ...options });
  afterwards(() => connected.close(200));
  return connected;
}

export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`expected ${condition} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A socket that sends what it is told and keeps what it gets. */
export class Bare {
  readonly socket: WebSocket;
  readonly replies: ReplyFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  #wake = (): void => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const reply = parseReply(new Uint8Array(data));
      if (reply.kind === 'refusal') throw new Error(`expected a well-formed reply, got ${reply.message}`);
      this.replies.push(reply);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    socket.on('error', () => {});
  }

  static async open(server: { url: string }, options: WebSocket.ClientOptions = {}): Promise<Bare> {
    const socket = new WebSocket(server.url, { perMessageDeflate: false, ...options });
    const bare = new Bare(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    afterwards(async () => socket.terminate());
    return bare;
  }

  send(operation: number, request: bigint, count: number, body: Uint8Array): void {
    this.socket.send(encodeRequest(operation, request, count, body));
  }

  /** Resolves with the next reply that has not been taken yet. */
  async take(): Promise<ReplyFrame> {
    await this.#when(() => this.replies.length > 0, 'a reply');
    return this.replies.shift()!;
  }

  async hello(session: bigint, acknowledged = 0n): Promise<ReplyFrame> {
    this.send(RequestOperation.hello, 0n, 1, encodeHello({ session, acknowledged }));
    return this.take();
  }

  async end(): Promise<{ code: number; reason: string }> {
    await this.#when(() => this.closed !== undefined, 'the end');
    return this.closed!;
  }

  /** As until(), without the latency of a poll. */
  async #when(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`expected ${what} within 10 s, got none`)), 10_000);
      this.#wake = () => {
        if (!condition()) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** "status: text" of a refusal, "ok" of an answer. */
export function told(reply: ReplyFrame): string {
  return reply.status === 0 ? 'ok' : `${requestStatusName(reply.status)}: ${refusalText(reply)}`;
}
