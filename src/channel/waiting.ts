// Requests that came while the engine was congested. A socket cannot be told to stop reading in this build of
// uWebSockets.js, so what arrives is kept here, in order, up to a number of bytes; beyond, it is refused as busy.
import type { EngineRequest } from '../wire/engine.ts';
import type { Connection, Flight } from './connection.ts';

/** What a request costs in memory beside its bytes, about. */
const REQUEST_BYTES = 512;

export interface WaitingRequest {
  readonly connection: Connection;
  readonly flight: Flight;
  /** With a payload of its own. */
  readonly request: EngineRequest;
}

interface Place extends WaitingRequest {
  /** Its connection has closed. */
  dropped: boolean;
}

export class WaitingRequests {
  readonly #bytesMax: number;
  #queue: Place[] = [];
  /** Index of the first one that still waits. */
  #first = 0;
  /** Those of a connection that wait, the oldest first: a connection that closes must not cost a walk through the queue. */
  readonly #own = new Map<Connection, Place[]>();
  #length = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies the payload; false: no room. */
  push(connection: Connection, flight: Flight, request: EngineRequest): boolean {
    const bytes = flight.bytes + REQUEST_BYTES;
    if (this.#bytes + bytes > this.#bytesMax) return false;
    const copy = { ...request, payload: request.payload.slice() };
    const place: Place = { connection, flight, request: copy, dropped: false };
    this.#queue.push(place);
    const own = this.#own.get(connection);
    if (own === undefined) this.#own.set(connection, [place]);
    else own.push(place);
    this.#length++;
    this.#bytes += bytes;
    return true;
  }

  shift(): WaitingRequest | undefined {
    for (;;) {
      const place = this.#take();
      if (place === undefined) return undefined;
      if (place.dropped) continue;
      const own = this.#own.get(place.connection)!;
      own.shift();
      if (own.length === 0) this.#own.delete(place.connection);
      this.#forget(place);
      return place;
    }
  }

  /** Forgets the requests of a connection that has closed: its client sends them again, or never wanted them. */
  drop(connection: Connection): void {
    for (const place of this.#own.get(connection) ?? []) {
      place.dropped = true;
      this.#forget(place);
    }
    this.#own.delete(connection);
    if (this.#length === 0) {
      this.#queue = [];
      this.#first = 0;
    }
  }

  #take(): Place | undefined {
    const place = this.#queue[this.#first];
    if (place === undefined) return undefined;
    this.#first++;
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = 0;
    } else if (this.#first >= 1024) {
      this.#queue.splice(0, this.#first);
      this.#first = 0;
    }
    return place;
  }

  #forget({ flight }: Place): void {
    this.#length--;
    this.#bytes -= flight.bytes + REQUEST_BYTES;
  }
}
