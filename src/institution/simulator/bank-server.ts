// The simulated bank's line: HTTP on loopback, ISO 20022 documents.
//
//     POST /payments            pain.001 ▶ pain.002
//     GET  /payments/MSGID      pain.002, or 404
//     GET  /statements?after=N  camt.053 of the entries after that one; Specie-Next: the last of them; 204: none
//     GET  /notifications?…     the same as camt.054
//     GET, PUT /dials           what goes wrong (bank-dials.ts)
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { loopbackAddress } from '../../channel/loopback.ts';
import { Random } from '../../shared/random.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { RoleStore } from '../../store/store.ts';
import { Bank, type BankHooks } from './bank.ts';
import { BankDialError, type BankFault, BankFaults, type BankRoute } from './bank-dials.ts';

const XML_TYPE = 'application/xml; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/** 128 payments take about 120 KB; a bank that takes more at a time is no simulator. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

export interface BankServerOptions {
  /** Of the institution's books; the bank's are in a folder there. */
  readonly path: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** A loopback address. */
  readonly host?: string;
  readonly account?: string | undefined;
  readonly currency?: number | undefined;
  readonly seed?: bigint | undefined;
  readonly dials?: unknown;
  /** Nanoseconds. */
  readonly clock?: () => bigint;
  /** Called where a fault makes the institution die; where it returns, every connection is cut and nothing is answered. */
  readonly die?: () => void;
}

class Died extends Error {
  override readonly name = 'Died';
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const systemClock = (): bigint => BigInt(Date.now()) * 1_000_000n;

export class BankServer {
  readonly faults: BankFaults;
  readonly #server: Server;
  readonly #store: RoleStore;
  readonly #bank: Bank;
  readonly #die: () => void;
  #isOver = false;

  private constructor(
    store: RoleStore,
    { seed = 1n, dials, account, currency, clock, die }: BankServerOptions,
  ) {
    this.faults = new BankFaults(new Random(seed), dials);
    this.#store = store;
    this.#die = die ?? (() => {});
    this.#bank = new Bank({ store, faults: this.faults, account, currency, clock: clock ?? systemClock });
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => this.#fail(response, error));
    });
    this.#server.maxConnections = 64;
  }

  /** @throws BankDialError, StoreError, Error for a host that is not this machine, and what listening throws */
  static async listen(options: BankServerOptions): Promise<BankServer> {
    const address = loopbackAddress(options.host ?? '127.0.0.1');
    const store = await openRoleStore({ path: join(options.path, 'bank') });
    try {
      const bank = new BankServer(store, options);
      await new Promise<void>((resolve, reject) => {
        bank.#server.once('error', reject);
        bank.#server.listen(options.port, address, resolve);
      });
      return bank;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    await this.#store.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isOver) {
      request.destroy();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const route = `${request.method} ${url.pathname}`;
    if (route === 'POST /payments') {
      await this.#answer('payments', response, async (hooks) => {
        const document = await body(request);
        return { status: 200, body: await this.#bank.submit(document, hooks) };
      });
    } else if (request.method === 'GET' && /^\/payments\/[\w-]{1,35}$/.test(url.pathname)) {
      await this.#answer('status', response, async () => {
        const stored = this.#bank.status(url.pathname.slice('/payments/'.length));
        return stored === undefined ? { status: 404, body: '' } : { status: 200, body: Buffer.from(stored) };
      });
    } else if (route === 'GET /statements' || route === 'GET /notifications') {
      const kind = url.pathname === '/statements' ? 'statement' : 'notification';
      const after = url.searchParams.get('after') ?? '0';
      if (!/^\d{1,18}$/.test(after))
        throw new Refusal(400, 'after: expected the number of an entry, got another text');
      await this.#answer('statements', response, async (hooks) => {
        const { document, next } = await this.#bank.statement(BigInt(after), kind, hooks);
        return { status: document === undefined ? 204 : 200, body: document ?? '', next };
      });
    } else if (route === 'GET /dials') {
      this.#json(response);
    } else if (route === 'PUT /dials') {
      this.faults.set(JSON.parse((await body(request)).toString('utf8')));
      this.#json(response);
    } else {
      throw new Refusal(
        404,
        'expected POST /payments, GET /payments/MSGID, /statements, /notifications, or /dials',
      );
    }
  }

  #json(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': JSON_TYPE }).end(`${JSON.stringify(this.faults.view)}\n`);
  }

  async #answer(
    route: BankRoute,
    response: ServerResponse,
    run: (hooks: BankHooks) => Promise<{ status: number; body: string | Uint8Array; next?: bigint }>,
  ): Promise<void> {
    const fault: BankFault | undefined = this.faults.next(route);
    if (fault?.do === 'drop_request') {
      response.destroy();
      return;
    }
    const hooks = fault?.do === 'die_before' ? { beforeCommit: () => this.#dieNow() } : {};
    const answer = await run(hooks);
    if (fault?.do === 'die_before' || fault?.do === 'die_after') this.#dieNow();
    if (fault?.do === 'late') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    if (fault?.do === 'drop_answer') {
      response.destroy();
      return;
    }
    const headers = {
      'content-type': XML_TYPE,
      ...(answer.next !== undefined && { 'specie-next': String(answer.next) }),
    };
    response.writeHead(answer.status, headers).end(fault?.do === 'garbage' ? '<Document' : answer.body);
  }

  #dieNow(): never {
    this.#isOver = true;
    this.#die();
    this.#server.closeAllConnections();
    throw new Died();
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (error instanceof Died || response.headersSent) {
      response.destroy();
      return;
    }
    const isKnown =
      error instanceof Refusal || error instanceof BankDialError || error instanceof SyntaxError;
    const status = error instanceof Refusal ? error.status : isKnown ? 400 : 500;
    const message = isKnown ? (error as Error).message : 'the request failed';
    response.writeHead(status, { 'content-type': JSON_TYPE, connection: 'close' });
    response.end(`${JSON.stringify({ error: message })}\n`);
  }
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_BYTES_MAX)
      throw new Refusal(413, `body: expected at most ${BODY_BYTES_MAX} bytes, got more`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
