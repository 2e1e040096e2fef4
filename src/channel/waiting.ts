// Requests that came while the engine was congested. A socket cannot be told to stop reading in this build of
// uWebSockets.js, so what arrives is kept here, in order, up to a number of bytes; beyond, it is refused as busy.
import type { EngineRequest } from '../wire/engine.ts';
import type { Connection, Flight } from './connection.ts';

export interface WaitingRequest {
  readonly connection: Connection;
  readonly flight: Flight;
  /** With a payload of its own. */
  readonly request: EngineRequest;
}

export class WaitingRequests {
  readonly #bytesMax: number;
  #queue: WaitingRequest[] = [];
  /** Index of the first one that still waits. */
  #first = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#queue.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the payload; false: no room. */
  push(connection: Connection, flight: Flight, request: EngineRequest): boolean {
    if (this.#bytes + flight.bytes > this.#bytesMax) return false;
    this.#queue.push({ connection, flight, request: { ...request, payload: request.payload.slice() } });
    this.#bytes += flight.bytes;
    return true;
  }

  shift(): WaitingRequest | undefined {
    const taken = this.#queue[this.#first];
    if (taken === undefined) return undefined;
    this.#first++;
    this.#bytes -= taken.flight.bytes;
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = 0;
    } else if (this.#first >= 1024) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    return taken;
  }

  /** Forgets the requests of a connection that has closed: its client sends them again, or never wanted them. */
  drop(connection: Connection): void {
    const left = this.#queue.slice(this.#first).filter((waiting) => waiting.connection !== connection);
    this.#bytes = left.reduce((bytes, waiting) => bytes + waiting.flight.bytes, 0);
    this.#queue = left;
    this.#first = 0;
  }
}
