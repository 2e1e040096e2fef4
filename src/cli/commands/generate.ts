import { Command, Option } from 'commander';
import { parseAmount } from '../../shared/amount.ts';
import type { Currencies, Currency } from '../../shared/currency.ts';
import { CommandError } from '../exit-codes.ts';
import { parseInteger64, parseTimestamp } from '../files/fields.ts';
import type { FileFormat } from '../files/reader.ts';
import {
  type DayParameters,
  DEVICES_DEFAULT,
  dayParameters,
  SEED_DEFAULT,
  SHOPS_DEFAULT,
  TRANSFERS_DEFAULT,
} from '../generate/parameters.ts';
import { type WrittenDay, writeDay } from '../generate/write-day.ts';
import {
  argument,
  currenciesOf,
  decimalNumber,
  type MoneyOptions,
  wholeNumber,
  withMoney,
} from '../options.ts';
import { grouped, jsonText, type Output } from '../output.ts';
import { startProgress } from '../progress.ts';

export interface DayOptions extends MoneyOptions {
  readonly seed: bigint;
  readonly transfers: number;
  readonly devices: number;
  readonly shops: number;
  readonly date?: bigint;
  readonly ledger: string;
  readonly medianPrice?: string;
  readonly priceSigma?: number;
  readonly deviceLimit?: string;
  readonly shopSkew?: number;
  readonly deviceSkew?: number;
}

interface Options extends DayOptions {
  readonly out: string;
  readonly format: FileFormat;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Options that shape a day, for `generate` and `quickstart`. */
export function withDay(command: Command): Command {
  return withMoney(command)
    .addOption(
      new Option('--seed <n>', 'the same seed and options give the same day')
        .argParser(argument(parseInteger64))
        .default(SEED_DEFAULT, String(SEED_DEFAULT)),
    )
    .option('--transfers <n>', 'how many', wholeNumber(1, 1_000_000_000), TRANSFERS_DEFAULT)
    .option('--devices <n>', 'how many', wholeNumber(1, 20_000_000), DEVICES_DEFAULT)
    .option('--shops <n>', 'how many', wholeNumber(1, 20_000_000), SHOPS_DEFAULT)
    .option('--date <date>', 'the day (default: 2026-03-02)', argument(parseTimestamp))
    .option('--ledger <currency>', 'ISO 4217 code or ledger number', 'EUR')
    .option('--median-price <amount>', 'of a purchase, a decimal (default: 8.50)')
    .option('--price-sigma <n>', "deviation of a price's logarithm (default: 0.9)", decimalNumber(0, 3))
    .option('--device-limit <amount>', 'most that a device may hold, a decimal (default: 150.00)')
    .option('--shop-skew <n>', "exponent of Zipf's law over shops (default: 1)", decimalNumber(0, 5))
    .option('--device-skew <n>', "exponent of Zipf's law over devices (default: 0.6)", decimalNumber(0, 5));
}

/** @throws CommandError, RangeError */
export function dayOf(options: DayOptions): { parameters: DayParameters; currencies: Currencies } {
  const currencies = currenciesOf(options);
  const currency = currencies.parse(options.ledger);
  const day = options.date === undefined ? undefined : Number(options.date / 1_000_000n);
  if (day !== undefined && day % 86_400_000 !== 0) {
    throw new CommandError('--date: expected a whole day such as 2026-03-02, got a time within one');
  }
  const given = {
    currency,
    seed: options.seed,
    transfers: options.transfers,
    devices: options.devices,
    shops: options.shops,
    dayStartMs: day,
    medianPrice: price(options.medianPrice, currency),
    deviceLimit: price(options.deviceLimit, currency),
    priceSigma: options.priceSigma,
    shopSkew: options.shopSkew,
    deviceSkew: options.deviceSkew,
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { parameters: dayParameters(known as Partial<DayParameters>), currencies };
}

function price(text: string | undefined, currency: Currency) {
  return text === undefined ? undefined : parseAmount(text, currency);
}

export function generateCommand(output: Output): Command {
  return withDay(new Command('generate'))
    .description('Write a settlement day of retail payments, as made up as it is lifelike')
    .option('--out <folder>', 'where accounts and transfers are written', 'day')
    .addOption(new Option('--format <format>', 'of the files').choices(['csv', 'ndjson']).default('csv'))
    .option('--force', 'replace files that are there')
    .option('--json', 'print what was written as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
Shops and devices differ in size as real ones do (Zipf), prices are log-normal, lunch and evening are busy, devices
are loaded before they spend, some purchases are held first and settled later, a few are refunded, and some transfers
must be refused. docs/sample-day.md describes all of it.

Examples:
  $ specie generate --out day
  $ specie generate --transfers 5000000 --devices 400000 --shops 8000 --seed 42 --format ndjson
  $ specie generate --ledger JPY --median-price 900 --device-limit 20000`,
    )
    .action(async (options: Options) => {
      const { parameters, currencies } = dayOf(options);
      const progress = startProgress(output, 'generating', parameters.transfers, 'transfers', options.quiet);
      let written: WrittenDay;
      try {
        written = await writeDay(parameters, {
          directory: options.out,
          format: options.format,
          amountUnit: options.amounts,
          currencies,
          overwrite: options.force === true,
          onProgress: (count) => progress.update(count, count),
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        throw new CommandError(
          `${(error as NodeJS.ErrnoException).path}: is there already; --force replaces it`,
        );
      } finally {
        progress.stop();
      }
      if (options.json) {
        output.write(jsonText({ ...written, seed: parameters.seed, currency: parameters.currency.code }));
        return;
      }
      const refused = parameters.transfers - (written.expected.created ?? 0);
      output.write(
        `${written.accountsPath}: ${grouped(written.accounts)} accounts\n` +
          `${written.transfersPath}: ${grouped(written.transfers)} transfers, ` +
          `${grouped(refused)} of them not to be created (seed ${parameters.seed})\n`,
      );
    });
}
