// The simulator's operator interface: HTTP on loopback. Account numbers are masked in all that it shows.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { loopbackAddress } from '../../channel/loopback.ts';
import { maskAccountNumber } from '../account-number.ts';
import { referenceText } from '../dialect.ts';
import type { Account, Entry } from './books.ts';
import { DialError, parseDials } from './faults.ts';
import type { SimulatedInstitution } from './simulated-institution.ts';

const BODY_MAX_BYTES = 256 * 1024;
const PAGE_ROWS = 1_000;
const JSON_TYPE = 'application/json; charset=utf-8';
const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8';

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface AdminOptions {
  readonly institution: SimulatedInstitution;
  /** A loopback address. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export class AdminServer {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** @throws Error for a host that is not this machine, and what listening throws */
  static listen({ institution, host = '127.0.0.1', port }: AdminOptions): Promise<AdminServer> {
    const address = loopbackAddress(host);
    const server = createServer((request, response) => {
      serve(institution, request, response).catch((error: unknown) => fail(response, error));
    });
    server.maxConnections = 64;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        const bound = server.address() as { port: number };
        const name = address.includes(':') ? `[${address}]` : address;
        resolve(new AdminServer(server, `http://${name}:${bound.port}`));
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function serve(
  institution: SimulatedInstitution,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const route = `${request.method} ${url.pathname}`;
  switch (route) {
    case 'GET /healthz': {
      const { accounts, currency } = institution.origin;
      const { counters, port } = institution;
      respondJson(response, { status: 'ok', port, accounts, currency, counters });
      return;
    }
    case 'GET /statement':
      await respondRows(response, statementRows(institution, fromSequence(url)));
      return;
    case 'GET /accounts':
      await respondRows(response, accountRows(institution));
      return;
    case 'GET /faults':
      respondJson(response, institution.dials.view());
      return;
    case 'PUT /faults':
      institution.dials.set(parseDials(await readJson(request)));
      respondJson(response, institution.dials.view());
      return;
    case 'POST /faults':
      institution.dials.add(parseDials(await readJson(request)));
      respondJson(response, institution.dials.view());
      return;
    default:
      throw new Refusal(404, 'expected GET /healthz, /statement, /accounts, or GET, PUT, POST /faults');
  }
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    // Cut off, so that half a statement is not taken for all of it.
    response.destroy();
    return;
  }
  const status = error instanceof Refusal ? error.status : error instanceof DialError ? 400 : 500;
  const message = status === 500 ? 'the request failed' : (error as Error).message;
  response.writeHead(status, { 'content-type': JSON_TYPE, connection: 'close' });
  response.end(`${JSON.stringify({ error: message })}\n`);
}

function fromSequence(url: URL): bigint {
  const text = url.searchParams.get('from') ?? '1';
  if (!/^\d{1,18}$/.test(text)) throw new Refusal(400, 'from: expected a sequence number, got another text');
  return BigInt(text);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  // Browsers ask first before they send this type to another site.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'expected content-type application/json');
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_MAX_BYTES)
      throw new Refusal(413, `body: expected at most ${BODY_MAX_BYTES} bytes, got more`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new Refusal(400, 'body: expected JSON');
  }
}

function respondJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': JSON_TYPE, 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}

/** NDJSON, a page at a time, no faster than it is read. */
async function respondRows(response: ServerResponse, pages: Iterable<string>): Promise<void> {
  response.writeHead(200, { 'content-type': NDJSON_TYPE, 'cache-control': 'no-store' });
  for (const page of pages) {
    if (response.destroyed) return;
    if (response.write(page)) {
      // Between pages the institution goes on with its work.
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go);
          response.off('close', go);
          resolve();
        };
        response.on('drain', go);
        response.on('close', go);
      });
    }
  }
  response.end();
}

function* statementRows({ books }: SimulatedInstitution, from: bigint): Generator<string> {
  for (let next = from; ; ) {
    const entries = books.statement(next, PAGE_ROWS);
    if (entries.length === 0) return;
    yield entries.map(entryLine).join('');
    next = entries.at(-1)!.sequence + 1n;
  }
}

function* accountRows({ books }: SimulatedInstitution): Generator<string> {
  for (let after = ''; ; ) {
    const accounts = books.accounts(after, PAGE_ROWS);
    if (accounts.length === 0) return;
    yield accounts.map(accountLine).join('');
    after = accounts.at(-1)!.accountNumber;
  }
}

/** Amounts as decimal strings of minor units, the reference in hexadecimal as in DE 48. */
function entryLine(entry: Entry): string {
  const { sequence, kind, reference, amount, currency, maskedAccountNumber, time } = entry;
  const approvalCode = entry.approvalCode.trim();
  return `${JSON.stringify({
    sequence: sequence.toString(),
    kind,
    reference: referenceText(reference),
    amount: amount.toString(),
    currency,
    account: maskedAccountNumber,
    time: time.toString(),
    ...(approvalCode === '' ? {} : { institution_reference: approvalCode }),
    ...(kind === 'decline' ? { response_code: entry.responseCode } : {}),
  })}\n`;
}

function accountLine({
  accountNumber,
  state,
  currency,
  initial,
  available,
  held,
  captured,
}: Account): string {
  return `${JSON.stringify({
    account: maskAccountNumber(accountNumber),
    state,
    currency,
    initial: initial.toString(),
    available: available.toString(),
    held: held.toString(),
    captured: captured.toString(),
  })}\n`;
}
