// Options that several commands share, and how their texts are read.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Currencies, parseOperatorCurrency } from '../shared/currency.ts';
import type { AmountUnit } from './files/fields.ts';

export const PORT_DEFAULT = 7878;
export const URL_DEFAULT = `ws://127.0.0.1:${PORT_DEFAULT}`;

/** Turns a parser that throws into one whose error commander shows with the option's name. */
export function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return argument((text) => {
    const value = /^\d{1,15}$/.test(text.replaceAll('_', '')) ? Number(text.replaceAll('_', '')) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`expected a whole number from ${min} to ${max}`);
    return value;
  });
}

export function decimalNumber(min: number, max: number): (text: string) => number {
  return argument((text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`expected a number from ${min} to ${max}`);
    return value;
  });
}

export interface ServerOption {
  /** A ledger without keys. */
  readonly url?: string;
  readonly home?: string;
  readonly passphraseFile?: string;
}

export function withServer(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--home <folder>',
        "the system's home: its cash server, as its operator (default: specie-home, where there is one)",
      ).env('SPECIE_HOME'),
    )
    .option('--passphrase-file <path>', "a file with the passphrase of the operator's keys")
    .addOption(
      new Option(
        '--url <url>',
        `instead of a home: where a ledger without keys listens (default: ${URL_DEFAULT})`,
      ).env('SPECIE_URL'),
    );
}

export interface MoneyOptions {
  readonly currency?: readonly string[];
  readonly amounts: AmountUnit;
}

export function withMoney(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--amounts <unit>',
        'amounts without a currency are whole minor units (1234) or decimals (12.34)',
      )
        .choices(['minor', 'decimal'])
        .default('minor'),
    )
    .option(
      '--currency <definition>',
      "an operator's own currency, <ledger>[=<code>][:<decimal places>], such as 1000=TOK:0 (repeatable)",
      (text: string, list: readonly string[] = []) => [...list, text],
    );
}

/** @throws CurrencyError */
export function currenciesOf({ currency }: MoneyOptions): Currencies {
  return new Currencies(currency?.map(parseOperatorCurrency));
}
