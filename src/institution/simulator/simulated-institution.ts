// A payment institution that speaks ISO 8583 over TCP, keeps real books, and fails as it is told to.
//
//     connections          one turn of the event loop                              answers
//     ┌ messages ┐   ┌ fault for each ─▶ books: one flushed transaction ┐   ┌ at once, late, twice,  ┐
//     │          │ ─▶│   decline, drop, close, die before … die after   │ ─▶│ garbage, or none       │
//     └──────────┘   └──────────────────────────────────────────────────┘   └────────────────────────┘
//
// An answer leaves only after its transaction has been flushed. What comes while one is flushed makes the next.
import { createServer, type Server, type Socket } from 'node:net';
import { checkUint } from '../../shared/bytes.ts';
import { Random } from '../../shared/random.ts';
import { type Answer, answerTo, isRequestType, readRequest } from '../dialect.ts';
import { frame } from '../iso8583/frames.ts';
import { encodeMessage, type Message } from '../iso8583/message.ts';
import { ResponseCode } from '../response-codes.ts';
import { type Clock, systemClock, systemTimers, type Timers } from '../timers.ts';
import { type BookRequest, Books, type BooksOptions, type BooksOrigin, NoRoomError } from './books.ts';
import { Connection } from './connection.ts';
import { type Dials, type Fault, FaultDials } from './faults.ts';

export interface SimulatedInstitutionOptions extends BooksOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  readonly dials?: Dials;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** Of faults and latency; the books' seed unless given. */
  readonly random?: Random;
  /**
   * Called where a fault makes the institution die; the process's own end. Where it returns, or is not given, everything
   * stops as it would then: sockets reset, nothing answered, an open transaction undone.
   */
  readonly die?: () => void;
  readonly connectionsMax?: number;
  /** A connection that is silent for so long is closed. */
  readonly idleMs?: number;
  /** Notes for a log; never an account number. */
  readonly log?: (event: string, detail: Record<string, unknown>) => void;
}

export interface SimulatorCounters {
  /** Messages taken in. */
  messages: number;
  /** Answers sent. */
  answers: number;
  transactions: number;
  connections: number;
  connectionsRefused: number;
}

interface Arrival {
  readonly connection: Connection;
  readonly message: Message;
  /** It has been held back by a fault, and meets no other. */
  readonly isLate?: boolean;
}

interface Work {
  readonly arrival: Arrival;
  readonly fault: Fault | undefined;
  readonly booking: BookRequest;
}

const BATCH_MAX = 4_096;
/** DE 39 where the books cannot be written. */
const MALFUNCTION = '96';

class Died extends Error {
  override readonly name = 'Died';
}

export class SimulatedInstitution {
  readonly dials: FaultDials;
  readonly counters: SimulatorCounters = {
    messages: 0,
    answers: 0,
    transactions: 0,
    connections: 0,
    connectionsRefused: 0,
  };
  /** How it ended. */
  readonly ended: Promise<'closed' | 'died'>;
  readonly #books: Books;
  readonly #options: SimulatedInstitutionOptions;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #connections = new Set<Connection>();
  readonly #lateTimers = new Set<unknown>();
  #server: Server | undefined;
  #arrivals: Arrival[] = [];
  #isScheduled = false;
  #isOver = false;
  #settleEnded!: (how: 'closed' | 'died') => void;

  private constructor(options: SimulatedInstitutionOptions, books: Books) {
    this.#options = options;
    this.#books = books;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.dials = new FaultDials(options.random ?? new Random(books.origin.seed), options.dials);
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
  }

  /** Resolves when it listens. @throws BooksError, DialError, NoRoomError, RangeError, and what listening throws */
  static async start(options: SimulatedInstitutionOptions): Promise<SimulatedInstitution> {
    checkUint(options.port, 65_535, 'port');
    const books = Books.open(options);
    try {
      const institution = new SimulatedInstitution(options, books);
      await institution.#listen();
      return institution;
    } catch (error) {
      await books.close();
      throw error;
    }
  }

  #listen(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port, this.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  /** Where the books are. */
  get path(): string {
    return this.#options.path;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  get origin(): BooksOrigin {
    return this.#books.origin;
  }

  /** What the admin interface reads; its account numbers are in the clear. */
  get books(): Pick<Books, 'statement' | 'accounts' | 'account'> {
    return this.#books;
  }

  /** What has come is worked on and answered, except where an answer waits for its time. */
  async close(): Promise<void> {
    if (this.#isOver) {
      await this.ended;
      return;
    }
    this.#work();
    if (!this.#isOver) await this.#end('closed');
  }

  /** Stops like a process that is killed. */
  async crash(): Promise<void> {
    if (!this.#isOver) void this.#end('died');
    await this.ended;
  }

  async #end(how: 'closed' | 'died'): Promise<void> {
    this.#isOver = true;
    this.#arrivals = [];
    for (const timer of this.#lateTimers) this.#timers.clear(timer);
    this.#lateTimers.clear();
    const closed = new Promise<void>((resolve) => {
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.destroy();
    await closed;
    await this.#books.close();
    this.#settleEnded(how);
  }

  #accept(socket: Socket): void {
    const { connectionsMax = 64, idleMs = 300_000 } = this.#options;
    if (this.#isOver || this.#connections.size >= connectionsMax || this.dials.refusesConnection()) {
      this.counters.connectionsRefused++;
      socket.on('error', () => {});
      socket.resetAndDestroy();
      return;
    }
    this.counters.connections++;
    const connection = new Connection(
      socket,
      idleMs,
      (message) => this.#take({ connection, message }),
      (error) => {
        this.#connections.delete(connection);
        if (error !== undefined) this.#options.log?.('connection failed', { reason: error.message });
      },
    );
    this.#connections.add(connection);
  }

  #take(arrival: Arrival): void {
    if (this.#isOver) return;
    this.counters.messages++;
    arrival.connection.opened();
    this.#arrivals.push(arrival);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isOver) this.#work();
    });
  }

  #work(): void {
    const arrivals = this.#arrivals.splice(0, BATCH_MAX);
    if (this.#arrivals.length > 0) this.#schedule();
    const works: Work[] = [];
    for (const arrival of arrivals) {
      const work = this.#sort(arrival);
      if (work !== undefined) works.push(work);
      if (this.#isOver) return;
    }
    if (works.length > 0) this.#book(works);
    for (const connection of new Set(arrivals.map((arrival) => arrival.connection))) connection.flush();
  }

  /** Answers what needs no books; returns the work that does. */
  #sort(arrival: Arrival): Work | undefined {
    const { connection, message } = arrival;
    const request = readRequest(message);
    if (request === undefined) {
      if (connection.hasSignedOn && isRequestType(message.type)) {
        this.#answer(arrival, undefined, { responseCode: ResponseCode.format_error });
      } else {
        connection.settled();
        connection.destroy();
      }
      return undefined;
    }
    const isCard = 'reference' in request;
    const accountNumber = isCard ? request.accountNumber : undefined;
    const fault = arrival.isLate ? undefined : this.dials.forMessage(request.kind, accountNumber);
    const isUnknownHere = request.kind !== 'sign_on' && !connection.hasSignedOn;
    if (fault?.do === 'drop_request' || fault?.do === 'close_before' || isUnknownHere) {
      connection.settled();
      if (fault?.do !== 'drop_request') connection.destroy();
      return undefined;
    }
    if (fault?.do === 'late_request') {
      this.#later(fault.ms ?? 0, () => {
        this.#arrivals.push({ ...arrival, isLate: true });
        this.#schedule();
      });
      return undefined;
    }
    const declineCode = fault?.code;
    if (isCard) {
      const beforeCommit = fault?.do === 'die_before' ? () => this.#dieWithin() : undefined;
      return { arrival, fault, booking: { request, declineCode, beforeCommit } };
    }
    if (fault?.do === 'die_before' || fault?.do === 'die_after') {
      this.#die();
      return undefined;
    }
    if (request.kind === 'sign_on' && declineCode === undefined) connection.hasSignedOn = true;
    this.#answer(arrival, fault, { responseCode: declineCode ?? ResponseCode.approved });
    return undefined;
  }

  #book(works: readonly Work[]): void {
    let answers: readonly Answer[];
    try {
      answers = this.#books.book(
        works.map(({ booking }) => booking),
        this.#clock,
      );
      this.counters.transactions++;
    } catch (error) {
      if (error instanceof Died) {
        void this.#end('died');
        return;
      }
      this.#options.log?.('books failed', { reason: (error as Error).message });
      if (!(error instanceof NoRoomError)) {
        // What the disk has is not known: nothing more is answered.
        void this.#end('died');
        return;
      }
      answers = works.map(() => ({ responseCode: MALFUNCTION }));
    }
    if (works.some(({ fault }) => fault?.do === 'die_after')) {
      this.#die();
      return;
    }
    works.forEach(({ arrival, fault }, i) => {
      this.#answer(arrival, fault, answers[i]!);
    });
  }

  /** In the midst of a transaction. */
  #dieWithin(): never {
    this.#options.die?.();
    throw new Died();
  }

  #die(): void {
    this.#options.die?.();
    void this.#end('died');
  }

  #answer({ connection, message }: Arrival, fault: Fault | undefined, answer: Answer): void {
    if (fault?.do === 'close_after') connection.destroy();
    if (fault?.do === 'close_after' || fault?.do === 'drop_answer') {
      connection.settled();
      return;
    }
    const isGarbage = fault?.do === 'garbage';
    const bytes = frame(isGarbage ? this.dials.garbage() : encodeMessage(answerTo(message, answer)));
    const send = (): void => {
      this.counters.answers++;
      connection.send(bytes);
      if (fault?.do === 'twice') connection.send(bytes);
      connection.settled();
    };
    const pauseMs = this.dials.latencyMs() + (fault?.ms ?? 0);
    if (pauseMs <= 0) {
      send();
      return;
    }
    this.#later(pauseMs, () => {
      send();
      connection.flush();
    });
  }

  #later(ms: number, callback: () => void): void {
    const timer = this.#timers.set(() => {
      this.#lateTimers.delete(timer);
      callback();
    }, ms);
    this.#lateTimers.add(timer);
  }
}
