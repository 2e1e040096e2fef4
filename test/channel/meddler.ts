// A man in the middle of WebSocket messages: relays them, and changes what it is told to.
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';
import { afterwards } from './support.ts';

export type Way = 'up' | 'down';

/** What goes on instead of message `index` of that way of connection `connection`, both counted from 0. */
export type Meddling = (way: Way, index: number, message: Buffer, connection: number) => (Buffer | string)[];

export const relay: Meddling = (_way, _index, message) => [message];

export class Meddler {
  readonly #server: WebSocketServer;
  readonly #http = createHttpServer();
  readonly #meddle: Meddling;
  readonly #target: () => string;
  readonly #clients = new Set<WebSocket>();
  connections = 0;
  /** All that went up, in order, as it came. */
  readonly recorded: Buffer[] = [];

  private constructor(target: () => string, meddle: Meddling) {
    this.#target = target;
    this.#meddle = meddle;
    this.#server = new WebSocketServer({ server: this.#http, path: '/v1', perMessageDeflate: false });
    this.#server.on('connection', (inner) => this.#relay(inner, this.connections++));
  }

  static async open(target: { url: string }, meddle: Meddling = relay): Promise<Meddler> {
    const meddler = new Meddler(() => target.url, meddle);
    await new Promise<void>((resolve) => meddler.#http.listen(0, '127.0.0.1', resolve));
    afterwards(async () => {
      for (const socket of meddler.#clients) socket.terminate();
      meddler.#server.close();
      await new Promise((resolve) => meddler.#http.close(resolve));
    });
    return meddler;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/v1`;
  }

  /** Closes the clients' connections, as if the server had. */
  closeClients(code: number, reason: string): void {
    for (const socket of this.#clients) socket.close(code, reason);
  }

  #relay(inner: WebSocket, connection: number): void {
    const outer = new WebSocket(this.#target(), { perMessageDeflate: false });
    this.#clients.add(inner);
    const early: (() => void)[] = [];
    const pass = (way: Way, to: WebSocket) => {
      let index = 0;
      return (data: Buffer) => {
        if (way === 'up') this.recorded.push(Buffer.from(data));
        const messages = this.#meddle(way, index++, Buffer.from(data), connection);
        const send = (): void => {
          for (const message of messages) if (to.readyState === WebSocket.OPEN) to.send(message);
        };
        if (to.readyState === WebSocket.CONNECTING) early.push(send);
        else send();
      };
    };
    outer.on('open', () => {
      for (const send of early.splice(0)) send();
    });
    inner.on('message', pass('up', outer));
    outer.on('message', pass('down', inner));
    const close = (to: WebSocket) => (code: number, reason: Buffer) => {
      if (code >= 1000 && ![1004, 1005, 1006, 1015].includes(code)) to.close(code, reason);
      else to.terminate();
    };
    inner.on('close', close(outer));
    outer.on('close', close(inner));
    for (const socket of [inner, outer]) socket.on('error', () => socket.terminate());
  }
}
