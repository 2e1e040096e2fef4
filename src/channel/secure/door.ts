// Where connections of a secured server come in: from an opened socket to a peer that has proven who it is.
//
//     opened ──▶ silent ──message 1──▶ queued ──its turn──▶ answered ──first frame opens──▶ proven: a Connection with a peer
//                  │                     │                     │
//                  └─────────────────────┴─────────────────────┴──▶ closed: refused, unreadable, too slow, pushed out
//
// A first message may be a recording, so nothing is done for its sender before a frame under the new key has opened; until
// then it is half open. Half-open connections are few. One too many pushes out the oldest that is silent, or else answered:
// an honest one is either for one round trip. Those queued stay, as their turn comes anyway; where all are, the newcomer
// goes. Their cryptography takes turns with everything else: one handshake a turn of the event loop.
import type { Admission, Initiator, ServerIdentity } from '../../wire/channel-identity.ts';
import type { ChannelRefusal } from '../../wire/channel-refusal.ts';
import { CONNECTIONS_RESERVED, HANDSHAKE_BYTES_MAX } from '../../wire/limits.ts';
import type { Peer } from '../../wire/peer.ts';
import { CloseCode, type CloseCodeName } from '../../wire/status.ts';
import type { Connection } from '../connection.ts';
import type { ChannelMetrics } from '../metrics.ts';
import type { ServerLimits } from '../server-limits.ts';
import { type Preamble, parsePreamble } from './preamble.ts';
import { RecordError, type SecureChannel } from './records.ts';
import { respond } from './responder.ts';

export interface DoorOptions {
  readonly identity: ServerIdentity;
  readonly limits: ServerLimits;
  readonly metrics: ChannelMetrics;
  /** Connections that have proven themselves. */
  readonly proven: () => number;
  /** The server takes nobody in any more. */
  readonly stopping: () => boolean;
  /** Nanoseconds since the Unix epoch. */
  readonly clock: () => bigint;
  readonly onFault: (error: unknown) => void;
}

interface Visitor {
  readonly since: number;
  state: 'silent' | 'queued' | 'answered';
  channel?: SecureChannel;
  admission?: Admission;
}

interface Turn {
  readonly connection: Connection;
  readonly visitor: Visitor;
  readonly preamble: Preamble;
  readonly message: Uint8Array;
}

export class Door {
  readonly #options: DoorOptions;
  /** In the order of their coming. */
  readonly #visitors = new Map<Connection, Visitor>();
  readonly #turns: Turn[] = [];
  /** Proven, and without a certificate; in the order of their coming. */
  readonly #strangers = new Set<Connection>();
  /** Proven, and not to be known by name: likewise. */
  readonly #unnamed = new Set<Connection>();
  #turn: NodeJS.Immediate | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  get halfOpen(): number {
    return this.#visitors.size;
  }

  opened(connection: Connection): void {
    this.#visitors.set(connection, { since: performance.now(), state: 'silent' });
    if (this.#visitors.size <= this.#options.limits.halfOpenMax) return;
    const leaving = this.#oldest('silent', connection) ?? this.#oldest('answered', connection) ?? connection;
    this.#end(leaving, 'try_later', 'more connections in their handshake than there is room for');
  }

  /** The connection is gone. */
  closed(connection: Connection): void {
    const visitor = this.#visitors.get(connection);
    if (visitor === undefined) {
      this.#strangers.delete(connection);
      this.#unnamed.delete(connection);
      return;
    }
    visitor.channel?.close();
    this.#visitors.delete(connection);
  }

  /** The frame in a message, if it is one of a peer that has proven itself; closes the connection where it must not be. */
  receive(connection: Connection, message: Uint8Array): Uint8Array | undefined {
    const visitor = this.#visitors.get(connection);
    if (visitor === undefined) {
      const { channel } = connection;
      return channel && this.#open(connection, channel, message);
    }
    if (visitor.state === 'silent') this.#greet(connection, visitor, message);
    else if (visitor.state === 'answered') return this.#prove(connection, visitor, message);
    else this.#end(connection, 'handshake_unreadable', 'expected nothing before the answer, got a message');
    return undefined;
  }

  /** Ends those who were let in and have lost their authority before their first frame. */
  disconnect(lost: (peer: Peer) => boolean): void {
    for (const [connection, { admission }] of this.#visitors) {
      if (admission !== undefined && lost(admission.peer)) {
        this.#end(connection, 'authority_ended', 'the authority of this peer has ended');
      }
    }
  }

  /** Closes what has taken too long. */
  sweep(now: number): void {
    const { handshakeTimeoutMs } = this.#options.limits;
    for (const [connection, { since }] of this.#visitors) {
      if (now - since < handshakeTimeoutMs) return;
      this.#end(connection, 'handshake_timeout', `expected a handshake within ${handshakeTimeoutMs} ms`);
    }
  }

  close(): void {
    clearImmediate(this.#turn);
    this.#turns.length = 0;
  }

  #oldest(state: Visitor['state'], but: Connection): Connection | undefined {
    for (const [connection, visitor] of this.#visitors) {
      if (visitor.state === state && connection !== but) return connection;
    }
    return undefined;
  }

  #greet(connection: Connection, visitor: Visitor, message: Uint8Array): void {
    if (message.length > HANDSHAKE_BYTES_MAX) {
      const text = `first message: expected at most ${HANDSHAKE_BYTES_MAX} bytes, got ${message.length}`;
      this.#end(connection, 'handshake_unreadable', text);
      return;
    }
    const preamble = parsePreamble(message);
    if ('close' in preamble) {
      this.#end(connection, preamble.close, preamble.message);
      return;
    }
    visitor.state = 'queued';
    this.#turns.push({ connection, visitor, preamble, message: message.slice() });
    this.#turn ??= setImmediate(() => this.#next());
  }

  #next(): void {
    this.#turn = undefined;
    // Those that have gone meanwhile take no turn.
    let turn = this.#turns.shift();
    while (turn !== undefined && !turn.connection.open) turn = this.#turns.shift();
    if (this.#turns.length > 0) this.#turn = setImmediate(() => this.#next());
    if (turn !== undefined) this.#answer(turn);
  }

  #answer({ connection, visitor, preamble, message }: Turn): void {
    const { identity, metrics, onFault } = this.#options;
    try {
      const responded = respond(identity, preamble, message, (initiator) => this.#decide(initiator));
      if ('close' in responded) {
        this.#end(connection, responded.close, responded.message);
        return;
      }
      const { answer, channel, decision } = responded;
      connection.sendAnswer(answer);
      if ('refused' in decision) {
        metrics.handshakeEnded(decision.refused);
        connection.close(CloseCode.handshake_refused, 'the answer to the handshake says why');
        return;
      }
      visitor.state = 'answered';
      visitor.channel = channel!;
      visitor.admission = decision;
    } catch (error) {
      onFault(error);
      this.#end(connection, 'try_later', 'the server has failed on this handshake');
    }
  }

  #decide(initiator: Initiator): Admission | ChannelRefusal {
    const { identity, limits, proven, stopping, clock, onFault } = this.#options;
    if (stopping()) return { refused: 'stopping', message: 'the server is stopping' };
    try {
      const decision = identity.authorise(initiator);
      if (!('refused' in decision) && proven() >= placesFor(decision.peer, limits)) {
        return {
          refused: 'busy',
          message: `expected at most ${limits.connectionsMax} connections: try again later`,
        };
      }
      if ('refused' in decision || decision.until === undefined || decision.until > clock()) return decision;
      return {
        refused: 'expired_certificate',
        message: 'expected a certificate that is valid, got an older one',
      };
    } catch (error) {
      onFault(error);
      return { refused: 'internal_error', message: 'the server has failed on this handshake: see its log' };
    }
  }

  #prove(connection: Connection, visitor: Visitor, message: Uint8Array): Uint8Array | undefined {
    const { limits, metrics, proven } = this.#options;
    const channel = visitor.channel!;
    const frame = this.#open(connection, channel, message);
    if (frame === undefined) return undefined;
    const { peer } = visitor.admission!;
    if (proven() >= placesFor(peer, limits)) {
      this.#end(connection, 'try_later', `expected at most ${limits.connectionsMax} connections`);
      return undefined;
    }
    if (peer.kind === 'unnamed' && !this.#makesRoom()) {
      this.#end(connection, 'try_later', `expected at most ${limits.unnamedMax} unnamed connections`);
      return undefined;
    }
    this.#visitors.delete(connection);
    connection.proven(channel, visitor.admission!);
    if (peer.kind === 'unenrolled') this.#takeIn(connection);
    else if (peer.kind === 'unnamed') this.#unnamed.add(connection);
    metrics.handshakeEnded('welcome');
    return frame;
  }

  /** An honest stranger stays for as long as it takes to enrol, so the oldest of a crowd is the one that wants something else. */
  #takeIn(stranger: Connection): void {
    this.#strangers.add(stranger);
    if (this.#strangers.size <= this.#options.limits.strangersMax) return;
    const [oldest] = this.#strangers;
    this.#strangers.delete(oldest!);
    oldest!.close(CloseCode.try_later, 'more connections without a certificate than there is room for');
  }

  /**
   * For one more that stays unnamed. Whoever has asked for something gets his answer, however many come; of the others the
   * oldest goes, and may come back.
   */
  #makesRoom(): boolean {
    if (this.#unnamed.size < this.#options.limits.unnamedMax) return true;
    for (const connection of this.#unnamed) {
      if (connection.inFlight > 0 || !connection.flushed) continue;
      this.#unnamed.delete(connection);
      connection.close(CloseCode.try_later, 'more unnamed connections than there is room for');
      return true;
    }
    return false;
  }

  #open(connection: Connection, channel: SecureChannel, message: Uint8Array): Uint8Array | undefined {
    try {
      return channel.open(message);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#end(connection, 'record_damaged', error.message);
      return undefined;
    }
  }

  #end(connection: Connection, code: CloseCodeName, message: string): void {
    if (this.#visitors.has(connection)) this.#options.metrics.handshakeEnded(code);
    connection.close(CloseCode[code], message);
  }
}

function placesFor({ kind }: Peer, { connectionsMax }: ServerLimits): number {
  return kind === 'role' || kind === 'operator' ? connectionsMax + CONNECTIONS_RESERVED : connectionsMax;
}
