// A medium between two wallets on Node: WebSocket, one piece a binary message. What goes over it is encrypted and proven by the
// channel inside, so this needs no keys; it only keeps strangers from costing more than a moment.
//
//     payee   PeerListener.open ─▶ next() ═════ one peer at a time ═════ dialPeer   payer
//                                    ╰─ everybody else meanwhile: 503
//
// Both ends are `ws`, as the channel's client is: a wallet listens for a minute and has one peer, which is no work for a server's
// native library.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { WebSocketServer } from 'ws';
import { PeerError } from '../peer/errors.ts';
import { PIECE_BYTES_MAX, WAITING_BYTES_MAX } from '../peer/limits.ts';
import type { PeerLink } from '../peer/link.ts';

/** Where a payee listens; the number is that of the pieces' form. */
export const PEER_PATH = '/peer/v1';

const CONNECT_TIMEOUT_MS = 10_000;
/** From the connection to the end of the upgrade's request. */
const REQUEST_TIMEOUT_MS = 5_000;
const HEADER_BYTES_MAX = 4 * 1024;
/** Connections of any kind, those that are turned away among them. Beyond: dropped unread. */
const CONNECTIONS_MAX = 16;
/** How long an end waits for the other's goodbye. */
const CLOSE_MS = 1_000;
/** What a piece that waits costs beside its bytes, about. */
const PIECE_COST_BYTES = 64;

const SOCKET_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: PIECE_BYTES_MAX,
  skipUTF8Validation: true,
} as const;

class SocketLink implements PeerLink {
  readonly pieceBytesMax = PIECE_BYTES_MAX;
  readonly #socket: WebSocket;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #waiting: ((piece: Uint8Array | undefined) => void) | undefined;
  #isClosing = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#arrived(data as Buffer, isBinary));
    // 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#wake(undefined));
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.#socket.readyState === WebSocket.OPEN;
  }

  send(piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(piece, { binary: true }, (error) => (error ? reject(error) : resolve()));
    });
  }

  async receive(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length + PIECE_COST_BYTES;
      return piece;
    }
    if (this.#isClosing || this.#socket.readyState === WebSocket.CLOSED) return undefined;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#wake(undefined);
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.close(1000);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }

  #arrived(data: Buffer, isBinary: boolean): void {
    if (this.#isClosing) return;
    const cost = data.length + PIECE_COST_BYTES;
    if (!isBinary || this.#bytes + cost > WAITING_BYTES_MAX) {
      this.#socket.terminate();
      return;
    }
    const piece = Uint8Array.from(data);
    if (this.#waiting !== undefined) {
      this.#wake(piece);
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += cost;
  }

  #wake(piece: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(piece);
  }
}

export interface PeerListenerOptions {
  /** 127.0.0.1 unless told otherwise: only wallets on this machine. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port?: number;
}

/** A payee's end. Takes in a peer only while somebody waits for one, and no page of a browser (those say their origin). */
export class PeerListener {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, clientTracking: false, ...SOCKET_OPTIONS });
  #waiting:
    | { readonly resolve: (link: PeerLink) => void; readonly reject: (error: Error) => void }
    | undefined;
  #current: SocketLink | undefined;
  #isClosed = false;

  /** @throws PeerError link_broken: the port cannot be had */
  static async open({ host = '127.0.0.1', port = 0 }: PeerListenerOptions = {}): Promise<PeerListener> {
    const server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 4,
    });
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const what = `port: expected one that is free on ${host}, got ${port} (${cause.code})`;
        reject(new PeerError('link_broken', what, { cause }));
      });
      server.listen({ host, port }, resolve);
    });
    return new PeerListener(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (_, response) => {
      response.writeHead(426, { connection: 'close' }).end();
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('error', () => {});
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `host:port`, for an address. */
  get place(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** The next peer that comes. One call at a time, once the link of the one before is closed. @throws PeerError link_broken */
  async next(): Promise<PeerLink> {
    if (this.#waiting !== undefined || this.#current?.isOpen === true) {
      throw new Error('listener: expected one peer at a time, got a call for another');
    }
    if (this.#isClosed) throw closedError();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting?.reject(closedError());
    this.#waiting = undefined;
    this.#current?.close();
    await this.#current?.ended();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const waiting = this.#waiting;
    if (request.url !== PEER_PATH) turnAway(socket, '404 Not Found');
    else if (request.headers.origin !== undefined) turnAway(socket, '403 Forbidden');
    else if (waiting === undefined) turnAway(socket, '503 Service Unavailable');
    if (waiting === undefined || socket.writableEnded) return;
    // What is no WebSocket is answered by ws, and leaves the place free.
    this.#sockets.handleUpgrade(request, socket as Socket, head, (upgraded) => {
      this.#waiting = undefined;
      this.#current = new SocketLink(upgraded);
      waiting.resolve(this.#current);
    });
  }
}

function turnAway(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

const closedError = (): PeerError =>
  new PeerError('link_broken', 'listener: expected it open, got one that was closed');

/**
 * A payer's end.
 * @param place `host:port`, of an address that was checked
 * @throws PeerError busy, link_broken
 */
export async function dialPeer(
  place: string,
  { connectTimeoutMs = CONNECT_TIMEOUT_MS }: { readonly connectTimeoutMs?: number } = {},
): Promise<PeerLink> {
  const socket = new WebSocket(`ws://${place}${PEER_PATH}`, {
    ...SOCKET_OPTIONS,
    handshakeTimeout: connectTimeoutMs,
  });
  const link = new SocketLink(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_, response: IncomingMessage) => {
      response.resume();
      const code = response.statusCode === 503 ? 'busy' : 'link_broken';
      const what = `${place}: expected a payee that waits, got HTTP status ${response.statusCode}`;
      reject(new PeerError(code, what));
      socket.terminate();
    });
    socket.once('error', (cause) => {
      reject(new PeerError('link_broken', `${place}: expected a payee, got ${cause.message}`, { cause }));
    });
  });
  return link;
}
