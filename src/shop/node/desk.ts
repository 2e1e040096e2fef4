// The desk of a shop: what its operator asks of it on this machine, while it is open, and while it is not.
//
//     specie shop refund ─▶ shop.sock, if somebody listens ─▶ serveDesk ─┐
//                        ╰▶ the store itself, otherwise ─────────────────┴▶ atDesk ─▶ replies
//
// One JSON object a line: one command, then replies, the last of them `end` or `error`. Ids are 32 hex digits, amounts are
// whole minor units in a text. Whoever can open the socket can read the shop's keys: home and socket are their owner's.
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { amountOf, formatAmount } from '../../shared/amount.ts';
import type { NumberedEntry } from '../day-book.ts';
import { ShopError, type ShopErrorCode } from '../errors.ts';
import type { ShopLog } from '../interface.ts';
import { SALES_PAGE_MAX, TILL_BYTES_MAX } from '../limits.ts';
import type { DayTotals } from '../records.ts';
import type { Sale } from '../sale.ts';
import type { Charge, Settled } from '../till.ts';
import type { OpenShop } from './open-shop.ts';

const LINE_BYTES_MAX = 64 * 1024;
const CONNECTIONS_MAX = 16;
/** A command is one write of a program on this machine. */
const COMMAND_WITHIN_MS = 5_000;

const id = z.string().regex(/^[0-9a-f]{32}$/);
const amount = z.string().max(80);
const till = z.string().max(TILL_BYTES_MAX);
const purchase = { purchase: id, till };

const DeskCommand = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('charge'),
    till,
    lines: z
      .array(z.strictObject({ article: z.string().max(64), quantity: z.number(), price: amount.optional() }))
      .max(64),
    reserveSeconds: z.number().optional(),
    seconds: z.number().optional(),
  }),
  z.strictObject({
    do: z.literal('sell_notes'),
    quote: z.string().max(128),
    seconds: z.number().optional(),
  }),
  z.strictObject({ do: z.literal('refund'), ...purchase, amount: amount.optional() }),
  z.strictObject({ do: z.literal('capture'), ...purchase, amount: amount.optional() }),
  z.strictObject({ do: z.literal('void'), ...purchase }),
  z.strictObject({
    do: z.literal('book'),
    after: z.string().regex(/^\d{1,20}$/),
    limit: z.number().int().min(1).max(SALES_PAGE_MAX),
  }),
  z.strictObject({ do: z.literal('sale'), purchase: id }),
  z.strictObject({
    do: z.literal('totals'),
    at: z
      .string()
      .regex(/^\d{1,20}$/)
      .optional(),
  }),
  z.strictObject({ do: z.literal('catalogue') }),
]);
export type DeskCommand = z.input<typeof DeskCommand>;

export type DeskReply =
  | { readonly charge: Omit<Charge, 'paid' | 'cancel'> }
  | { readonly sale: Omit<Sale, 'receipt'> }
  | { readonly settled: Omit<Settled, 'receipt'> }
  | { readonly entries: readonly NumberedEntry[] }
  | { readonly totals: DayTotals }
  | { readonly articles: readonly { readonly id: string; readonly name: string; readonly price: string }[] };

/** Does what a command says; a charge replies twice. @throws ShopError */
export async function* atDesk(shop: OpenShop, command: DeskCommand): AsyncGenerator<DeskReply> {
  switch (command.do) {
    case 'charge': {
      const { lines, reserveSeconds, seconds } = command;
      yield* charged(
        shop.till(command.till).charge(
          lines.map(({ price, ...line }) => ({ ...line, ...(price !== undefined && { price }) })),
          {
            ...(reserveSeconds !== undefined && { reserveSeconds }),
            ...(seconds !== undefined && { seconds }),
          },
        ),
      );
      return;
    }
    case 'sell_notes': {
      const { quote, seconds } = command;
      yield* charged(await shop.counter.sell(quote, seconds === undefined ? {} : { seconds }));
      return;
    }
    case 'refund':
    case 'capture':
      yield settled(await shop.till(command.till)[command.do](idOf(command.purchase), command.amount));
      return;
    case 'void':
      yield settled(await shop.till(command.till).void(idOf(command.purchase)));
      return;
    case 'book':
      yield { entries: shop.dayBook({ after: BigInt(command.after), limit: command.limit }) };
      return;
    case 'sale': {
      const sale = shop.sale(idOf(command.purchase));
      if (sale === undefined) {
        throw new ShopError(
          'purchase_unknown',
          `purchase ${command.purchase}: expected one that was paid or reserved, got none`,
        );
      }
      yield { sale: saleReply(sale) };
      return;
    }
    case 'totals':
      yield { totals: shop.totals(command.at === undefined ? undefined : BigInt(command.at)) };
      return;
    case 'catalogue':
      shop.reloadCatalogue();
      yield {
        articles: shop.articles.map(({ id, name, price }) => ({
          ...{ id, name },
          price: formatAmount(amountOf(price), shop.currency),
        })),
      };
      return;
  }
}

async function* charged({ paid, cancel: _, ...charge }: Charge): AsyncGenerator<DeskReply> {
  yield { charge };
  yield { sale: saleReply(await paid) };
}

const idOf = (hex: string): bigint => BigInt(`0x${hex}`);
const saleReply = ({ receipt: _, ...sale }: Sale): Omit<Sale, 'receipt'> => sale;
const settled = ({ receipt: _, ...rest }: Settled): DeskReply => ({ settled: rest });

/** Bigints of a reply are texts on their way, told apart by a suffix that no text of the shop's can have. */
const MARK = '\u0000n';
const encode = (value: unknown): string =>
  `${JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}${MARK}` : item))}\n`;
const decode = (line: string): unknown =>
  JSON.parse(line, (_, item) =>
    typeof item === 'string' && item.endsWith(MARK) ? BigInt(item.slice(0, -MARK.length)) : item,
  );

export interface Desk {
  close(): Promise<void>;
}

/** Listens for commands at that path. @throws Error where sockets have no such paths: too long, or not on this system */
export async function serveDesk(shop: OpenShop, path: string, log: ShopLog): Promise<Desk> {
  // The store's lock says that nobody else listens: a socket that is there was left by a process that died.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Whoever hangs up gets no reply; what he asked for goes on.
    socket.on('error', () => socket.destroy());
    if (sockets.size > CONNECTIONS_MAX) socket.destroy();
    else void answer(shop, socket, log);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

async function answer(shop: OpenShop, socket: Socket, log: ShopLog): Promise<void> {
  try {
    const line = await firstLine(socket);
    const command = DeskCommand.safeParse(JSON.parse(line));
    if (!command.success) {
      const [issue] = command.error.issues;
      throw new ShopError('invalid_argument', `${issue?.path.join('.') || 'command'}: ${issue?.message}`);
    }
    for await (const reply of atDesk(shop, command.data)) socket.write(encode({ reply }));
    socket.end(encode({ end: true }));
  } catch (error) {
    if (socket.destroyed) return;
    if (error instanceof ShopError) {
      const { code, message, request } = error;
      socket.end(encode({ error: { code, message, request } }));
      return;
    }
    log.error({ err: error }, 'a command at the desk has failed');
    socket.end(encode({ error: { code: 'storage_failed', message: 'the shop has failed: see its log' } }));
  }
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (what: string): void => {
      reject(new ShopError('invalid_argument', `command: expected one line of JSON, got ${what}`));
    };
    socket.setTimeout(COMMAND_WITHIN_MS, () => fail('none in time'));
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) {
        socket.setTimeout(0);
        resolve(text.slice(0, end));
      } else if (text.length > LINE_BYTES_MAX) fail('a longer one');
    });
    socket.on('close', () => fail('none'));
  });
}

/** Replies of a shop that is open in another process; undefined: none is. @throws ShopError as at the desk itself */
export async function askDesk(
  path: string,
  command: DeskCommand,
): Promise<AsyncGenerator<DeskReply> | undefined> {
  const socket = await new Promise<Socket | undefined>((resolve, reject) => {
    const opening = createConnection(path);
    opening.once('connect', () => resolve(opening));
    opening.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? resolve(undefined) : reject(error),
    );
  });
  if (socket === undefined) return undefined;
  socket.setEncoding('utf8');
  socket.write(encode(command));
  return replies(socket);
}

async function* replies(socket: Socket): AsyncGenerator<DeskReply> {
  let text = '';
  try {
    for await (const piece of socket as AsyncIterable<string>) {
      text += piece;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const message = decode(text.slice(0, end)) as {
          readonly reply?: DeskReply;
          readonly end?: true;
          readonly error?: {
            readonly code: ShopErrorCode;
            readonly message: string;
            readonly request?: bigint;
          };
        };
        text = text.slice(end + 1);
        if (message.reply !== undefined) yield message.reply;
        else if (message.error !== undefined) {
          const { code, message: what, request } = message.error;
          throw new ShopError(code, what, request === undefined ? {} : { request });
        } else return;
      }
    }
  } finally {
    socket.destroy();
  }
  throw new ShopError('shop_closed', 'expected a reply of the shop, got none: it was closed');
}
