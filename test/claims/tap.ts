// A TCP relay between two parties that keeps every byte of each connection, and reads the WebSocket messages in them: what
// a client sends is masked (RFC 6455, 5.3), so that nothing could be found in it as it is.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Way = 'up' | 'down';

export class TappedConnection {
  readonly #pieces: { readonly [way in Way]: Buffer[] } = { up: [], down: [] };

  keep(way: Way, piece: Buffer): void {
    this.#pieces[way].push(Buffer.from(piece));
  }

  bytes(way: Way): Buffer {
    return Buffer.concat(this.#pieces[way]);
  }

  /** Payloads of binary messages, unmasked, in order; what has not come whole is left out. */
  messages(way: Way): Buffer[] {
    const bytes = this.bytes(way);
    const head = bytes.indexOf('\r\n\r\n');
    const messages: Buffer[] = [];
    let parts: Buffer[] = [];
    for (let at = head < 0 ? bytes.length : head + 4; at + 2 <= bytes.length; ) {
      const [first, second] = [bytes[at]!, bytes[at + 1]!];
      let size = second & 0x7f;
      at += 2;
      if (size === 126) {
        if (at + 2 > bytes.length) break;
        size = bytes.readUInt16BE(at);
        at += 2;
      } else if (size === 127) {
        if (at + 8 > bytes.length) break;
        size = Number(bytes.readBigUInt64BE(at));
        at += 8;
      }
      const mask = (second & 0x80) === 0 ? undefined : bytes.subarray(at, at + 4);
      at += mask === undefined ? 0 : 4;
      if (at + size > bytes.length) break;
      const payload = Buffer.from(bytes.subarray(at, at + size));
      if (mask !== undefined) for (let i = 0; i < size; i++) payload[i]! ^= mask[i & 3]!;
      at += size;
      if ((first & 0x0f) > 2) continue;
      parts.push(payload);
      if ((first & 0x80) === 0) continue;
      messages.push(Buffer.concat(parts));
      parts = [];
    }
    return messages;
  }
}

export class Tap {
  readonly connections: TappedConnection[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Port behind it. */
  target = 0;
  /** What goes on instead of a piece; it is recorded as it came. */
  meddle: ((way: Way, piece: Buffer) => Buffer) | undefined;

  private constructor() {
    this.#server = createServer((inner) => this.#relay(inner));
  }

  static async open(): Promise<Tap> {
    const tap = new Tap();
    await new Promise<void>((resolve, reject) => {
      tap.#server.once('error', reject);
      tap.#server.listen(0, '127.0.0.1', resolve);
    });
    return tap;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/v1`;
  }

  /** All that has passed: the bytes as they were, and the messages without their masks. */
  everything(): Buffer[] {
    return this.connections.flatMap((connection) => [
      connection.bytes('up'),
      connection.bytes('down'),
      ...connection.messages('up'),
    ]);
  }

  messages(way: Way): Buffer[] {
    return this.connections.flatMap((connection) => connection.messages(way));
  }

  /** Breaks what is open. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(inner: Socket): void {
    const outer = connect(this.target, '127.0.0.1');
    const connection = new TappedConnection();
    this.connections.push(connection);
    const pass = (way: Way, from: Socket, to: Socket): void => {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (piece) => {
        connection.keep(way, piece);
        to.write(this.meddle?.(way, piece) ?? piece);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass('up', inner, outer);
    pass('down', outer, inner);
  }
}
