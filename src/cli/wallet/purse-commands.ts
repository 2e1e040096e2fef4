// `specie wallet reserve, receive, send, report, release`: money from device to device. docs/wallet.md.
import { Command } from 'commander';
import { amountOf, parseAmount } from '../../shared/amount.ts';
import {
  type AskReport,
  decodePurseAddress,
  dialPeer,
  encodePurseAddress,
  type PayReport,
  PeerError,
  PeerListener,
  type Wallet,
} from '../../wallet/index.ts';
import { handoverOf } from '../../wallet/peer/records.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId } from '../files/fields.ts';
import { argument, wholeNumber } from '../options.ts';
import { jsonText, type Output } from '../output.ts';
import { qrText } from '../qr/terminal.ts';
import { inSession, type SessionOptions, type WaitingOptions, withPatience, withWallet } from './session.ts';
import { outcomeRecord, outcomeText } from './show.ts';
import {
  newlyReceived,
  peerEventText,
  purseRecord,
  purseText,
  receivedText,
  reportText,
  transferRecords,
} from './show-purse.ts';
import { money } from './text.ts';

type Exit = (code: ExitCode) => void;

const WAIT_SECONDS_DEFAULT = 300;
const WAIT_SECONDS_MAX = 86_400;

export function purseCommands(output: Output, exit: Exit): Command[] {
  return [
    reserveCommand(output, exit),
    receiveCommand(output),
    sendCommand(output),
    reportCommand(output),
    releaseCommand(output, exit),
  ];
}

/** What is in the purse now, after what was done. */
async function show(wallet: Wallet, options: SessionOptions, output: Output, text: string, record: object) {
  const purse = await wallet.purse();
  const whole = { ...record, ...(purse && { purse: purseRecord(purse) }) };
  const shown = purse === undefined ? '' : purseText(purse, wallet.currency);
  output.write(options.json ? jsonText(whole) : `${text}${shown}`);
}

function reserveCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('reserve')))
    .description(
      'Reserve an amount that can be paid to other wallets without a server; a purse that is open is closed first',
    )
    .argument('<amount>', 'such as 25.00; 0: only to be paid')
    .action((text: string, options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const amount = parseAmount(text, wallet.currency);
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const outcome = await wallet.reserve({ amount, ...wait });
        await show(wallet, options, output, outcomeText(outcome, wallet.currency), outcomeRecord(outcome));
        if (outcome.state.kind !== 'opened') exit(ExitCode.refused);
      }),
    );
}

function reportCommand(output: Output): Command {
  return withPatience(withWallet(new Command('report')))
    .description('Report what was sent and received without a server; may be repeated')
    .action((options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const result = await wallet.reportTransfers(wait);
        const record = { transfers: transferRecords(result.transfers), frauds: result.frauds };
        await show(wallet, options, output, reportText(result, wallet.currency), record);
      }),
    );
}

function releaseCommand(output: Output, exit: Exit): Command {
  return withPatience(withWallet(new Command('release')))
    .description('Report everything, close the purse, and take back what is left of it')
    .action((options: WaitingOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const wait = { patienceMs: options.patience * 1000, signal: session.signal };
        const outcome = await wallet.closePurse(wait);
        output.write(options.json ? jsonText(outcomeRecord(outcome)) : outcomeText(outcome, wallet.currency));
        if (outcome.state.kind !== 'closed') exit(ExitCode.refused);
      }),
    );
}

// ── without a server ───────────────────────────────────────────────────────────────────────────────────────────────────

interface Listen {
  readonly host: string;
  readonly port: number;
}

const listenArgument = argument((text: string): Listen => {
  const [, name, bracketed, port = ''] = /^(?:([^:[\]]+)|\[([^[\]]+)\]):(\d{1,5})$/.exec(text) ?? [];
  const host = name ?? bracketed;
  if (host === undefined || Number(port) > 65_535) throw new Error('expected host:port');
  if (host === '0.0.0.0' || host === '::')
    throw new Error('expected the address at which payers reach this machine, got all of them');
  return { host, port: Number(port) };
});

interface ReceiveCommandOptions extends SessionOptions {
  readonly memo?: string;
  readonly listen?: Listen;
  readonly wait: number;
}

function receiveCommand(output: Output): Command {
  return withWallet(new Command('receive'))
    .description('Be paid by another wallet, without a server: shows the address that it has to pay to')
    .argument('[amount]', 'such as 5.00; left out: as much as the payer wants to give')
    .option('--memo <text>', 'what it is for, up to 64 bytes')
    .option(
      '--listen <host:port>',
      'where payers reach this machine (default: 127.0.0.1 and a free port, for wallets on this one)',
      listenArgument,
    )
    .option(
      '--wait <seconds>',
      'how long to wait for a payer (0: for ever)',
      wholeNumber(0, WAIT_SECONDS_MAX),
      WAIT_SECONDS_DEFAULT,
    )
    .action((text: string | undefined, options: ReceiveCommandOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const { currency } = wallet;
        const amount = text === undefined ? undefined : parseAmount(text, currency);
        const purse = await wallet.purseAddressKey();
        const listener = await PeerListener.open(options.listen ?? {});
        let hasWaited = false;
        const stop = (): void => void listener.close();
        const timer =
          options.wait === 0
            ? undefined
            : setTimeout(() => {
                hasWaited = true;
                stop();
              }, options.wait * 1000);
        session.signal.addEventListener('abort', stop, { once: true });
        try {
          const address = encodePurseAddress({
            ...{ place: listener.place, channelKey: purse, currency: currency.ledger },
            ...{ amount, memo: options.memo ?? '' },
          });
          if (options.json) output.note(address);
          else output.write(`${qrText(address)}\n${address}\n`);
          for (;;) {
            const link = await listener.next();
            const report = await wallet
              .receive(link, {
                ...{ amount, memo: options.memo },
                onEvent: (event) => {
                  const line = peerEventText(event, currency);
                  if (line !== undefined) output.note(line);
                },
              })
              .catch((error: unknown) => {
                if (!(error instanceof PeerError)) throw error;
                output.note(`${error.message} (${error.code}); waiting for the next one`);
              });
            if (report === undefined) continue;
            const sum = newlyReceived(report.received);
            const isAll = sum > 0n && (amount === undefined || sum >= amount);
            if (report.received.length > 0) await shown(wallet, report, options, output);
            if (isAll) return;
            output.note('waiting for the next one');
          }
        } catch (error) {
          if (hasWaited)
            throw new CommandError(
              `expected a payer within ${options.wait} s, got none`,
              ExitCode.unreachable,
            );
          if (session.signal.aborted) throw new CommandError('interrupted', ExitCode.interrupted);
          throw error;
        } finally {
          clearTimeout(timer);
          session.signal.removeEventListener('abort', stop);
          await listener.close();
        }
      }),
    );
}

async function shown(wallet: Wallet, { received }: AskReport, options: SessionOptions, output: Output) {
  const { currency } = wallet;
  const record = received.map(({ payment: { message }, again, isAsked }) => {
    const { amount, request, payer } = handoverOf(message);
    return { request: formatId(request), payer: formatId(payer), amount, memo: message.memo, again, isAsked };
  });
  await show(wallet, options, output, receivedText(received, currency), { received: record });
}

interface SendCommandOptions extends SessionOptions {
  readonly memo?: string;
}

function sendCommand(output: Output): Command {
  return withWallet(new Command('send'))
    .description('Pay another wallet, without a server; what is in doubt with it is brought first')
    .argument('<address>', 'specie-purse:…, as the payee shows it')
    .argument('[amount]', 'such as 5.00 (default: what the address says)')
    .option('--memo <text>', 'what it is for, where the payee does not say')
    .action((line: string, text: string | undefined, options: SendCommandOptions) =>
      inSession(options, output, false, async (session) => {
        const wallet = await session.open();
        const { currency } = wallet;
        const { place, channelKey, currency: asked, amount: named } = decodePurseAddress(line);
        if (asked !== currency.ledger)
          throw new CommandError(
            `address: expected currency ${currency.ledger}, got ${asked}`,
            ExitCode.refused,
          );
        const amount = text === undefined ? named : parseAmount(text, currency);
        if (amount === undefined)
          throw new CommandError('expected an amount, as the address says none, got none');
        if (named !== undefined && named !== amount)
          throw new CommandError(`expected ${money(named, currency)}, as the address says`, ExitCode.refused);
        await wallet.purseAddressKey();
        const link = await dialPeer(place);
        const stop = (): void => link.close();
        session.signal.addEventListener('abort', stop, { once: true });
        try {
          const report = await wallet.send(link, {
            ...{ payee: { channelKey }, amount: amountOf(amount), memo: options.memo },
            onEvent: (event) => {
              const line = peerEventText(event, currency);
              if (line !== undefined) output.note(line);
            },
          });
          await sent(wallet, report, options, output);
        } finally {
          session.signal.removeEventListener('abort', stop);
        }
      }),
    );
}

async function sent(wallet: Wallet, { paid, resumed }: PayReport, options: SessionOptions, output: Output) {
  const { currency } = wallet;
  const lines: string[] = [];
  const records: object[] = [];
  const add = (what: string, state: string, order: Uint8Array): void => {
    const { amount, request, payee } = handoverOf({ order });
    lines.push(`${what} ${money(amount, currency)}\nrequest  ${formatId(request)}\n`);
    records.push({ request: formatId(request), payee: formatId(payee), amount, state });
  };
  for (const { payment, receipt } of resumed) {
    if (receipt !== undefined) add('was in doubt, and is paid now:', 'paid', payment.message.order);
    else add('still in doubt:', 'in_doubt', payment.message.order);
  }
  if (paid !== undefined) add('paid    ', 'paid', paid.payment.message.order);
  else lines.push('nothing more was paid; send it again if it was another payment\n');
  await show(wallet, options, output, lines.join(''), { payments: records });
}
