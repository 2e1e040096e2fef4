// The desk of a gateway: what its operator asks of it on this machine, while it is open, and while it is not.
//
//     specie gateway status ─▶ gateway.sock, if somebody listens ─▶ serveDesk ─┐
//                           ╰▶ the store itself, otherwise ────────────────────┴▶ atDesk ─▶ reply
//
// One JSON object a line: one command, then one reply. Keys and ids are hex, amounts whole minor units in a text. Whoever can
// open the socket can read the gateway's keys: home and socket are their owner's.
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { toHex } from '../../identity/binary-text.ts';
import { GatewayError, type GatewayErrorCode } from '../errors.ts';
import type { ExchangeReport, FundsReport } from '../gateway.ts';
import type { GatewayLog } from '../interface.ts';
import type { Terminal } from '../terminals.ts';
import type { OpenGateway } from './open-gateway.ts';

const LINE_BYTES_MAX = 4 * 1024;
const REPLY_BYTES_MAX = 16 * 1024 * 1024;
const CONNECTIONS_MAX = 16;
/** A command is one write of a program on this machine. */
const COMMAND_WITHIN_MS = 5_000;
const PAGE_MAX = 1_024;

const keyStart = z.string().regex(/^[0-9a-f]{4,64}$/);
const id = z.string().regex(/^[0-9a-f]{32}$/);
const limit = z.number().int().min(1).max(PAGE_MAX);

const DeskCommand = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('status') }),
  z.strictObject({
    do: z.literal('terminals'),
    after: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    limit,
  }),
  z.strictObject({ do: z.literal('admit'), terminal: keyStart }),
  z.strictObject({ do: z.literal('block'), terminal: keyStart }),
  z.strictObject({
    do: z.literal('exchanges'),
    after: id.optional(),
    limit,
  }),
  z.strictObject({ do: z.literal('funds'), after: id.optional(), limit }),
  z.strictObject({
    do: z.literal('move_funds'),
    action: z.enum(['fund', 'withdraw']),
    amount: z.string().regex(/^\d{1,20}$/),
  }),
  z.strictObject({ do: z.literal('exchange'), request: id }),
]);
export type DeskCommand = z.input<typeof DeskCommand>;

const idText = (id: bigint): string => id.toString(16).padStart(32, '0');
const terminalText = ({ channelKey, sealingKey: _, ...rest }: Terminal) => ({
  terminal: toHex(channelKey),
  ...rest,
  registeredAt: String(rest.registeredAt),
  usedAt: String(rest.usedAt),
});
const fundsText = ({ request, amount, history, ...rest }: FundsReport) => ({
  request: idText(request),
  ...rest,
  amount: String(amount),
  history: history.map(({ stateName, at }) => ({ step: stateName, at: String(at) })),
});
export type FundsText = ReturnType<typeof fundsText>;
const exchangeText = ({ request, amount, fee, sender, destination, history, ...rest }: ExchangeReport) => ({
  exchange: idText(request),
  ...rest,
  amount: amount === undefined ? undefined : String(amount),
  fee: fee === undefined ? undefined : String(fee),
  sender: sender && toHex(sender),
  destination: destination && toHex(destination),
  history: history.map(({ stateName, at }) => ({ step: stateName, at: String(at) })),
});
export type TerminalText = ReturnType<typeof terminalText>;
export type ExchangeText = ReturnType<typeof exchangeText>;
export type StatusText = ReturnType<typeof statusText>;

function statusText(gateway: OpenGateway) {
  const { terms, local, counters, backing, own, ...rest } = gateway.status();
  const texts = (values: Readonly<Record<string, bigint>>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  return {
    organisation: terms.organisation,
    currency: gateway.currency.code,
    key: gateway.key,
    urls: gateway.urls,
    ...rest,
    local: texts({ ...local }) as { [Name in keyof typeof local]: string },
    counters: texts(counters) as { [Name in keyof typeof counters]: string },
    backing: String(backing),
    own: String(own),
  };
}

export type DeskReply =
  | { readonly status: StatusText }
  | { readonly terminals: readonly TerminalText[] }
  | { readonly terminal: TerminalText }
  | { readonly exchanges: readonly ExchangeText[] }
  | { readonly funds: readonly FundsText[] }
  | { readonly moved: { readonly request: string; readonly state: string; readonly reason: string } };

/** Does what a command says. @throws GatewayError */
export async function atDesk(gateway: OpenGateway, command: DeskCommand): Promise<DeskReply> {
  switch (command.do) {
    case 'status':
      return { status: statusText(gateway) };
    case 'terminals': {
      const after =
        command.after === undefined ? undefined : Uint8Array.from(Buffer.from(command.after, 'hex'));
      const page = { ...(after !== undefined && { after }), limit: command.limit };
      return { terminals: gateway.terminals(page).map(terminalText) };
    }
    case 'admit':
    case 'block': {
      const { channelKey } = gateway.terminal(command.terminal);
      return { terminal: terminalText(await gateway[command.do](channelKey)) };
    }
    case 'exchanges': {
      const page = { ...(command.after !== undefined && { after: BigInt(`0x${command.after}`) }) };
      return { exchanges: gateway.exchanges({ ...page, limit: command.limit }).map(exchangeText) };
    }
    case 'funds': {
      const page = { ...(command.after !== undefined && { after: BigInt(`0x${command.after}`) }) };
      return { funds: gateway.funds({ ...page, limit: command.limit }).map(fundsText) };
    }
    case 'move_funds': {
      const { request, state, reason } = await gateway.moveFunds(command.action, BigInt(command.amount));
      return { moved: { request: idText(request), state, reason } };
    }
    case 'exchange': {
      const found = gateway.exchange(BigInt(`0x${command.request}`));
      return { exchanges: found === undefined ? [] : [exchangeText(found)] };
    }
  }
}

export interface GatewayDesk {
  close(): Promise<void>;
}

/** Listens for commands at that path. @throws Error where sockets have no such paths: too long, or not on this system */
export async function serveDesk(gateway: OpenGateway, path: string, log: GatewayLog): Promise<GatewayDesk> {
  // The store's lock says that nobody else listens: a socket that is there was left by a process that died.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Whoever hangs up gets no reply; what he asked for is done.
    socket.on('error', () => socket.destroy());
    if (sockets.size > CONNECTIONS_MAX) socket.destroy();
    else void answer(gateway, socket, log);
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

async function answer(gateway: OpenGateway, socket: Socket, log: GatewayLog): Promise<void> {
  const send = (reply: object): void => void socket.end(`${JSON.stringify(reply)}\n`);
  try {
    const command = DeskCommand.safeParse(JSON.parse(await line(socket, LINE_BYTES_MAX, COMMAND_WITHIN_MS)));
    if (!command.success) {
      const [issue] = command.error.issues;
      throw new GatewayError('invalid_argument', `${issue?.path.join('.') || 'command'}: ${issue?.message}`);
    }
    send({ reply: await atDesk(gateway, command.data) });
  } catch (error) {
    if (socket.destroyed) return;
    if (error instanceof GatewayError || error instanceof SyntaxError) {
      const code = error instanceof GatewayError ? error.code : 'invalid_argument';
      send({ error: { code, message: error.message } });
      return;
    }
    log.error({ err: error }, 'a command at the desk has failed');
    send({ error: { code: 'storage_failed', message: 'the gateway has failed: see its log' } });
  }
}

/** The first line that comes. @throws GatewayError gateway_closed */
function line(socket: Socket, bytesMax: number, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (what: string): void => {
      reject(new GatewayError('gateway_closed', `expected one line of JSON, got ${what}`));
    };
    socket.setTimeout(withinMs, () => {
      fail('none in time');
      socket.destroy();
    });
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) {
        socket.setTimeout(0);
        resolve(text.slice(0, end));
      } else if (text.length > bytesMax) {
        fail('a longer one');
        socket.destroy();
      }
    });
    socket.on('close', () => fail('none'));
  });
}

const REPLY_WITHIN_MS = 60_000;

/** The reply of a gateway that is open in another process; undefined: none is. @throws GatewayError as at the desk itself */
export async function askDesk(path: string, command: DeskCommand): Promise<DeskReply | undefined> {
  const socket = await new Promise<Socket | undefined>((resolve, reject) => {
    const opening = createConnection(path);
    opening.once('connect', () => resolve(opening));
    opening.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? resolve(undefined) : reject(error),
    );
  });
  if (socket === undefined) return undefined;
  try {
    socket.write(`${JSON.stringify(command)}\n`);
    const message = JSON.parse(await line(socket, REPLY_BYTES_MAX, REPLY_WITHIN_MS)) as {
      readonly reply?: DeskReply;
      readonly error?: { readonly code: GatewayErrorCode; readonly message: string };
    };
    if (message.reply !== undefined) return message.reply;
    const { code, message: what } = message.error!;
    throw new GatewayError(code, what);
  } finally {
    socket.destroy();
  }
}
