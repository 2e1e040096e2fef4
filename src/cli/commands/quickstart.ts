import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { WRITES_IN_FLIGHT_MAX } from '../../wire/limits.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { wholeNumber } from '../options.ts';
import { jsonText, type Output } from '../output.ts';
import { reportText } from '../quickstart/report.ts';
import { type DayOptions, dayOf, withDay } from './generate.ts';

interface Options extends DayOptions {
  readonly path?: string;
  readonly keep?: boolean;
  readonly wallets: number;
  readonly loads: number;
  readonly purchases: number;
  readonly atOnce: number;
  readonly people: number;
  readonly inFlight: number;
  readonly crash: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const WALLETS_DEFAULT = 1_000;
const WALLETS_MAX = 100_000;
const LOADS_DEFAULT = 1;
const PURCHASES_DEFAULT = 2;
const PEOPLE_DEFAULT = 24;
/** Each has two terminals, whose stores are open. */
const PEOPLE_MAX = 200;
const AT_ONCE_DEFAULT = 64;
/** Fewer than the connections that a server takes. */
const AT_ONCE_MAX = 128;

export function quickstartCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withDay(new Command('quickstart'))
    .description(
      'Run a whole system with a thousand wallets and a settlement day, and prove that nothing was lost',
    )
    .option('--wallets <n>', 'how many enrol, load and buy', wholeNumber(1, WALLETS_MAX), WALLETS_DEFAULT)
    .option('--loads <n>', 'of each wallet, before things go wrong', wholeNumber(1, 1_000), LOADS_DEFAULT)
    .option(
      '--purchases <n>',
      'of each wallet, before things go wrong',
      wholeNumber(1, 1_000),
      PURCHASES_DEFAULT,
    )
    .option('--at-once <n>', 'wallets that load or buy at once', wholeNumber(1, AT_ONCE_MAX), AT_ONCE_DEFAULT)
    .option(
      '--people <n>',
      'who carry notes into an organisation and out of it, at most one a wallet',
      wholeNumber(1, PEOPLE_MAX),
      PEOPLE_DEFAULT,
    )
    .option('--in-flight <n>', "the day's batches under way at once", wholeNumber(1, WRITES_IN_FLIGHT_MAX), 8)
    .option('--no-crash', 'stop cash and settlement in good order before they are started again')
    .option(
      '--path <folder>',
      'where home, stores, logs and files go, kept afterwards (default: a temporary folder)',
    )
    .option('--keep', 'keep the temporary folder; it is kept where something failed')
    .option('--json', 'print the report as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
Management, settlement, cash, issuer, receiver, the institution's simulator, three shops and a gateway run as processes of their own, on free ports.
Wallets enrol and load, half with the account number given, half with the one on file; some cards are declined, some
balances get full. Then the institution withholds answers; wallets buy, some without enough money, some have an amount
reserved; a sample day is submitted to cash. Cash and settlement are killed with kill -9 while loads are under way,
management, cash and a shop while purchases are, and started again. Shops give back, take what is reserved, release it.
People buy notes, carry them through the gateway, which is killed meanwhile, hand them on inside and carry them out; a settlement
window is closed, and the bank pays the shops out. In the end all parties' books are compared, and everything is read back and compared with books that quickstart kept itself.

Examples:
  $ specie quickstart
  $ specie quickstart --wallets 5000 --transfers 2000000 --devices 200000 --path try-out
  $ specie quickstart --json | jq .loads.perSecond`,
    )
    .action(async (options: Options) => {
      const { parameters, currencies } = dayOf(options);
      const { Quickstart } = await import('../quickstart/run.ts');
      const folder = await workFolder(options.path);
      const quickstart = new Quickstart(
        {
          folder,
          wallets: options.wallets,
          loads: options.loads,
          purchases: options.purchases,
          walletsAtOnce: options.atOnce,
          people: options.people,
          parameters,
          files: { currencies, amountUnit: options.amounts },
          inFlight: options.inFlight,
          crash: options.crash,
          quiet: options.quiet === true,
        },
        output,
      );
      const isTemporary = options.path === undefined && options.keep !== true;
      const remove = () => rm(folder, { recursive: true, force: true });
      let interrupted: Promise<never> | undefined;
      const onInterrupt = (): void => {
        interrupted ??= quickstart
          .close()
          .then(isTemporary ? remove : undefined)
          .then(() => process.exit(ExitCode.interrupted));
      };
      const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of interrupts) process.on(signal, onInterrupt);
      let hasPassed = false;
      try {
        const report = await quickstart.run();
        hasPassed = report.passed;
        output.write(
          options.json ? jsonText(report) : reportText(report, quickstart.currency, parameters.currency),
        );
        if (!report.passed) exit(ExitCode.check_failed);
      } finally {
        // What breaks off then is no failure of its own.
        await interrupted;
        await quickstart.close();
        for (const signal of interrupts) process.removeListener(signal, onInterrupt);
        if (isTemporary && hasPassed) await remove();
        else output.note(`kept: ${folder}`);
      }
    });
}

async function workFolder(path: string | undefined): Promise<string> {
  if (path === undefined) return mkdtemp(join(tmpdir(), 'specie-quickstart-'));
  const folder = resolve(path);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CommandError(`--path: expected a new or an empty folder, got ${folder} with files in it`);
  }
  await mkdir(folder, { recursive: true });
  return folder;
}
