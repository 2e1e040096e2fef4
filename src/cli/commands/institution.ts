// `specie institution`: the payment institution's simulator, and its operator's questions to it.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { SPECIAL_ACCOUNTS, TEST_ACCOUNTS_MAX, testAccountNumbers } from '../../institution/account-number.ts';
import { OPERATOR_ACCOUNT } from '../../institution/operator-account.ts';
import { amountOf, formatAmount, parseMinorUnits } from '../../shared/amount.ts';
import { Currencies } from '../../shared/currency.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatTimestamp } from '../files/fields.ts';
import { argument, wholeNumber } from '../options.ts';
import { jsonText, type Output, processOutput, tableText } from '../output.ts';

const PORT_DEFAULT = 8583;
const ADMIN_PORT_DEFAULT = 8584;
const PAYMENTS_PORT_DEFAULT = 8585;
const ADMIN_URL_DEFAULT = `http://127.0.0.1:${ADMIN_PORT_DEFAULT}`;
const STORE_DEFAULT = 'institution';
const TIMEOUT_MS = 30_000;

export function institutionCommand(exit: (code: ExitCode) => void, output: Output = processOutput): Command {
  const command = new Command('institution')
    .description('Simulate a payment institution: cards over ISO 8583 (docs/institution.md)')
    .addHelpText(
      'after',
      `
Examples:
  $ specie institution start
  $ specie institution numbers --count 3
  $ specie institution faults --add "drop_answer on=authorise nth=3"`,
    );
  const parts = [
    startCommand(exit),
    faultsCommand(output),
    statementCommand(output),
    accountsCommand(output),
    numbersCommand(output),
  ];
  for (const part of parts) {
    command.addCommand(part);
    part.exitOverride().configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => output.note(text.trimEnd()),
    });
  }
  return command;
}

// ── start ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface StartOptions {
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly paymentsPort?: number;
  readonly paymentsAccount: string;
  readonly accounts?: number;
  readonly seed?: bigint;
  readonly balance?: bigint;
  readonly currency?: number;
  readonly faults?: string;
  readonly logLevel: string;
}

const seed = argument((text: string): bigint => {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 2n ** 64n) throw new Error('expected a whole number from 0 to 2^64-1');
  return value;
});

function startCommand(exit: (code: ExitCode) => void): Command {
  return new Command('start')
    .description('Start the simulator on its books, which are made when missing')
    .option('--path <folder>', 'the books', STORE_DEFAULT)
    .option('--host <address>', 'where acquirers connect', '127.0.0.1')
    .option('--port <n>', 'TCP port; 0 takes a free one and logs it', wholeNumber(0, 65_535), PORT_DEFAULT)
    .option(
      '--admin-port <n>',
      'HTTP on 127.0.0.1; 0 takes a free one and logs it',
      wholeNumber(0, 65_535),
      ADMIN_PORT_DEFAULT,
    )
    .option(
      '--payments-port <n>',
      'the bank that pays shops: HTTP on 127.0.0.1 (default: 8585; a free one where --admin-port is 0)',
      wholeNumber(0, 65_535),
    )
    .option('--payments-account <iban>', "the operator's account there", OPERATOR_ACCOUNT)
    .option('--accounts <n>', 'of new books (default: 1000)', wholeNumber(0, TEST_ACCOUNTS_MAX))
    .option('--seed <n>', "of new books: the accounts' numbers (default: 1)", seed)
    .option(
      '--balance <minor units>',
      'of new books: what each account has (default: 10000000)',
      argument(parseMinorUnits),
    )
    .option(
      '--currency <code>',
      'of new books: ISO 4217 (default: EUR)',
      argument((text: string) => new Currencies().parse(text).ledger),
    )
    .option('--faults <file>', 'faults and latency to begin with, JSON as for faults --file')
    .addOption(
      new Option('--log-level <level>', 'least important that is logged')
        .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .addHelpText(
      'after',
      `
Logs are JSON lines on standard output. Once "listening" is logged, it takes connections. The protocol has neither
encryption nor authentication: keep --host to a network that you trust. What it has acknowledged survives kill -9.

Examples:
  $ specie institution start --path bank --accounts 1000 --seed 7
  $ specie institution numbers --seed 7 --count 3`,
    )
    .action(async (options: StartOptions) => {
      const [
        { pino },
        { SimulatedInstitution },
        { AdminServer },
        { BankServer },
        { DialError, parseDials },
        { BooksError },
      ] = await Promise.all([
        import('pino'),
        import('../../institution/simulator/simulated-institution.ts'),
        import('../../institution/simulator/admin.ts'),
        import('../../institution/simulator/bank-server.ts'),
        import('../../institution/simulator/faults.ts'),
        import('../../institution/simulator/books.ts'),
      ]);
      const log = pino({
        level: options.logLevel,
        base: { name: 'specie-institution' },
        timestamp: pino.stdTimeFunctions.isoTime,
      });
      const { path, host, port, accounts, seed, balance, currency } = options;
      let institution: Awaited<ReturnType<typeof SimulatedInstitution.start>>;
      try {
        const dials = options.faults === undefined ? {} : parseDials(jsonFile(options.faults));
        institution = await SimulatedInstitution.start({
          path,
          host,
          port,
          accounts,
          seed,
          balance,
          currency,
          dials,
          die: dieAtOnce,
          log: (event, detail) => log.warn(detail, event),
        });
      } catch (error) {
        throw error instanceof DialError || error instanceof BooksError
          ? new CommandError(error.message)
          : error;
      }
      let admin: Awaited<ReturnType<typeof AdminServer.listen>>;
      try {
        admin = await AdminServer.listen({ institution, port: options.adminPort });
      } catch (error) {
        await institution.close();
        throw error;
      }
      let bank: Awaited<ReturnType<typeof BankServer.listen>>;
      try {
        const { paymentsPort = options.adminPort === 0 ? 0 : PAYMENTS_PORT_DEFAULT, paymentsAccount } =
          options;
        const { currency, seed } = institution.origin;
        bank = await BankServer.listen({
          ...{ path, port: paymentsPort, account: paymentsAccount, currency, seed },
          die: dieAtOnce,
        });
      } catch (error) {
        await admin.close();
        await institution.close();
        throw error;
      }
      const stop = (signal: string): void => {
        log.info({ signal }, 'stopping');
        void institution.close();
      };
      process.on('SIGTERM', stop);
      process.on('SIGINT', stop);
      log.info(
        {
          host,
          port: institution.port,
          admin: admin.url,
          payments: bank.port,
          path,
          accounts: institution.origin.accounts,
        },
        'listening',
      );
      const how = await institution.ended;
      await admin.close();
      await bank.close();
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      log.info({ how }, 'stopped');
      exit(how === 'closed' ? ExitCode.ok : ExitCode.failed);
    });
}

/** As if from outside; nothing of this process runs on. */
function dieAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

// ── faults ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface AdminOptions {
  readonly admin: string;
}

interface FaultsOptions extends AdminOptions {
  readonly clear?: boolean;
  readonly file?: string;
  readonly add?: readonly object[];
  readonly latency?: object;
}

function withAdmin(command: Command): Command {
  return command.addOption(
    new Option('--admin <url>', "the simulator's admin interface")
      .default(ADMIN_URL_DEFAULT)
      .env('SPECIE_INSTITUTION_ADMIN'),
  );
}

function faultsCommand(output: Output): Command {
  return withAdmin(new Command('faults'))
    .description('Show what is dialled to go wrong, or dial it')
    .option('--clear', 'take away all faults and the latency')
    .option('--file <path>', 'replace all by those of a JSON file: {"latency": {…}, "faults": [{…}]}')
    .option(
      '--add <fault>',
      'add one: its name, then on=, nth=, probability=, account=, ms=, code= (repeatable)',
      (text: string, list: readonly object[] = []) => [...list, argument(faultOf)(text)],
    )
    .option(
      '--latency <ms>',
      'of every answer: 20, or 20:0.5 (log-normal: median, sigma)',
      argument(latencyOf),
    )
    .addHelpText(
      'after',
      `
Faults: drop_request, drop_answer, late, late_request, twice, garbage, close_before, close_after, die_before, die_after,
decline, refuse; docs/institution.md says what each does.

Examples:
  $ specie institution faults --add "drop_answer on=authorise nth=3"
  $ specie institution faults --add "decline code=05 probability=0.1" --latency 20:0.5
  $ specie institution faults --clear`,
    )
    .action(async (options: FaultsOptions) => {
      const { admin, clear, file, add = [], latency } = options;
      if (clear || file !== undefined) {
        await ask(admin, '/faults', 'PUT', file === undefined ? {} : jsonFile(file));
      }
      if (add.length > 0 || latency !== undefined) {
        await ask(admin, '/faults', 'POST', { faults: add, ...(latency === undefined ? {} : { latency }) });
      }
      output.write(jsonText(await (await ask(admin, '/faults')).json()));
    });
}

const NUMBER_FIELDS = new Set(['nth', 'probability', 'ms']);

/** `drop_answer on=authorise nth=3`; the simulator checks what the fields hold. */
function faultOf(text: string): object {
  const [name, ...fields] = text.trim().split(/\s+/);
  const fault: Record<string, string | number> = { do: name ?? '' };
  for (const field of fields) {
    const [key = '', value = ''] = field.split('=', 2);
    if (key === '' || value === '') throw new Error('expected fields such as nth=3');
    fault[key] = NUMBER_FIELDS.has(key) ? Number(value) : value;
  }
  return fault;
}

function latencyOf(text: string): object {
  const [first, sigma] = text.split(':').map(Number);
  return sigma === undefined ? { ms: first } : { medianMs: first, sigma };
}

// ── statement, accounts ────────────────────────────────────────────────────────────────────────────────────────────────

interface RowsOptions extends AdminOptions {
  readonly json?: boolean;
  readonly from?: number;
}

type Row = Readonly<Record<string, string>> & { readonly currency: number };

function statementCommand(output: Output): Command {
  return withAdmin(new Command('statement'))
    .description('Print all that the institution has booked')
    .option('--from <n>', 'sequence number to begin with', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'print NDJSON')
    .action(async ({ admin, json, from = 1 }: RowsOptions) => {
      const response = await ask(admin, `/statement?from=${from}`);
      await writeRows(
        output,
        response,
        json,
        ['>sequence', 'time', 'kind', 'reference', '>amount', 'currency', 'account'],
        (row, money, code) => [
          row.sequence!,
          formatTimestamp(BigInt(row.time!)),
          row.kind!,
          row.reference!,
          money(row.amount!),
          code,
          row.account!,
        ],
      );
    });
}

function accountsCommand(output: Output): Command {
  return withAdmin(new Command('accounts'))
    .description('Print the accounts, with what is available, held and captured')
    .option('--json', 'print NDJSON')
    .action(async ({ admin, json }: RowsOptions) => {
      await writeRows(
        output,
        await ask(admin, '/accounts'),
        json,
        ['account', 'state', 'currency', '>initial', '>available', '>held', '>captured'],
        (row, money, code) => [
          row.account!,
          row.state!,
          code,
          money(row.initial!),
          money(row.available!),
          money(row.held!),
          money(row.captured!),
        ],
      );
    });
}

async function writeRows(
  output: Output,
  response: Response,
  asJson: boolean | undefined,
  headers: readonly string[],
  cells: (row: Row, money: (minorUnits: string) => string, code: string) => string[],
): Promise<void> {
  const decoder = new TextDecoder();
  const currencies = new Currencies();
  const rows: string[][] = [];
  let rest = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    const text = decoder.decode(chunk, { stream: true });
    if (asJson) {
      output.write(text);
      continue;
    }
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const row = JSON.parse(line) as Row;
      const currency = currencies.ofLedger(row.currency);
      rows.push(cells(row, (amount) => formatAmount(amountOf(BigInt(amount)), currency), currency.code));
    }
  }
  if (!asJson) output.write(tableText(headers, rows));
}

// ── numbers ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function numbersCommand(output: Output): Command {
  return new Command('numbers')
    .description("Print the test account numbers of a seed, one a line: no card's, but a simulator's")
    .addOption(new Option('--seed <n>', 'as given to start').argParser(seed).default(1n, '1'))
    .option('--count <n>', 'how many', wholeNumber(1, TEST_ACCOUNTS_MAX), 10)
    .option('--special', 'print those that are always declined, with the reason')
    .action((options: { seed: bigint; count: number; special?: boolean }) => {
      if (options.special) {
        for (const [name, number] of Object.entries(SPECIAL_ACCOUNTS)) output.write(`${number}  ${name}\n`);
        return;
      }
      const numberOf = testAccountNumbers(options.seed);
      let lines = '';
      for (let i = 0; i < options.count; i++) lines += `${numberOf(i)}\n`;
      output.write(lines);
    });
}

// ── the admin interface ────────────────────────────────────────────────────────────────────────────────────────────────

async function ask(admin: string, path: string, method = 'GET', body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, admin), {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch (error) {
    const cause =
      (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error);
    throw new CommandError(
      `${admin}: expected a simulated institution's admin interface, got: ${cause.message}`,
      ExitCode.unreachable,
    );
  }
  if (response.ok) return response;
  const text = await response.text();
  let reason = `status ${response.status}`;
  try {
    reason = (JSON.parse(text) as { error?: string }).error ?? reason;
  } catch {
    // Not this interface; the status says enough.
  }
  throw new CommandError(`${admin}: ${reason}`);
}

function jsonFile(path: string): unknown {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which may hold account numbers.
    throw new CommandError(`${path}: expected JSON`);
  }
}
