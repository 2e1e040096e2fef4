import { Command } from 'commander';
import type { Client } from '../../channel/client.ts';
import {
  type AccountBalance,
  type AccountFilter,
  AccountFilterFlags,
  BATCH_RECORDS_MAX,
  type Transfer,
  TransferFlagsNames,
} from '../../layout/generated.ts';
import { withClient } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId, parseId, parseTimestamp } from '../files/fields.ts';
import { idsFrom, parts } from '../ids.ts';
import {
  argument,
  currenciesOf,
  type MoneyOptions,
  type ServerOption,
  wholeNumber,
  withMoney,
  withServer,
} from '../options.ts';
import { jsonText, type Output } from '../output.ts';
import { balancesTable, plainRecord, transfersTable } from '../show.ts';

interface Options extends ServerOption, MoneyOptions {
  readonly file?: string;
  readonly account?: bigint;
  readonly from?: bigint;
  readonly to?: bigint;
  readonly limit: number;
  readonly reversed?: boolean;
  readonly debits?: boolean;
  readonly credits?: boolean;
  readonly balances?: boolean;
  readonly json?: boolean;
  readonly strict?: boolean;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000_000;

export function transfersCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withMoney(withServer(new Command('transfers')))
    .description('Show transfers by their ids, or those of one account')
    .argument('[ids...]', 'ids: decimal, 0x and hex digits, or UUIDs')
    .option('--file <path>', 'read ids from a file, one a line (its first column); - is standard input')
    .option('--account <id>', 'transfers that this account sent or received', argument(parseId))
    .option('--from <time>', 'with --account: not before this time', argument(parseTimestamp))
    .option('--to <time>', 'with --account: not after this time', argument(parseTimestamp))
    .option('--limit <n>', 'with --account: at most this many', wholeNumber(1, LIMIT_MAX), LIMIT_DEFAULT)
    .option('--reversed', 'with --account: newest first')
    .option('--debits', 'with --account: only those that it sent')
    .option('--credits', 'with --account: only those that it received')
    .option('--balances', 'with --account: its balances after each one (accounts with the flag history)')
    .option('--json', 'print one JSON object')
    .option('--strict', 'exit with 2 when an id is not found')
    .addHelpText(
      'after',
      `
Times are nanoseconds since 1970, dates (2026-03-02) or ISO 8601 (2026-03-02T12:00:00Z).

Examples:
  $ specie transfers 0x019cabd867a1eed57903726280639cc2
  $ specie transfers --account 0x2a --from 2026-03-02 --reversed --limit 20
  $ specie transfers --account 0x2a --balances --json`,
    )
    .action(async (args: string[], options: Options) => {
      if (options.account !== undefined) {
        if (args.length > 0 || options.file !== undefined) {
          throw new CommandError('transfers: expected ids or --account, got both');
        }
        await showHistory(options.account, options, output);
        return;
      }
      if (options.balances) throw new CommandError('transfers: expected --account with --balances, got none');
      const ids = await idsFrom(args, options.file);
      if (ids.length === 0) throw new CommandError('transfers: expected ids, --file or --account, got none');
      const transfers = await withClient(options, output, async (client) => {
        const found: Transfer[] = [];
        for (const part of parts(ids, BATCH_RECORDS_MAX)) found.push(...(await client.lookupTransfers(part)));
        return found;
      });
      const known = new Set(transfers.map(({ id }) => id));
      const missing = ids.filter((id) => !known.has(id)).map(formatId);
      if (options.json) {
        output.write(
          jsonText({ transfers: transfers.map((t) => plainRecord(t, TransferFlagsNames)), missing }),
        );
      } else {
        if (transfers.length > 0) output.write(transfersTable(transfers, currenciesOf(options)));
        for (const id of missing) output.note(`${id}: no such transfer`);
      }
      if (options.strict && missing.length > 0) exit(ExitCode.refused);
    });
}

async function showHistory(accountId: bigint, options: Options, output: Output): Promise<void> {
  const both = options.debits === options.credits;
  const filter: Partial<AccountFilter> = {
    accountId,
    flags:
      (both || options.debits ? AccountFilterFlags.debits : 0) |
      (both || options.credits ? AccountFilterFlags.credits : 0) |
      (options.reversed ? AccountFilterFlags.reversed : 0),
    timestampMin: options.from ?? 0n,
    timestampMax: options.to ?? 0n,
  };
  const currencies = currenciesOf(options);
  await withClient(options, output, async (client) => {
    if (options.balances) {
      const [account] = await client.lookupAccounts([accountId]);
      const balances = await pages(filter, options.limit, (page) => client.getAccountBalances(page));
      if (options.json) output.write(jsonText({ balances: balances.map((b) => plainRecord(b)) }));
      else if (balances.length > 0) output.write(balancesTable(balances, account?.ledger ?? 0, currencies));
      else output.note(nothing(account === undefined, 'no balances: is the flag history set?'));
      return;
    }
    const transfers = await pages(filter, options.limit, (page) => client.getAccountTransfers(page));
    if (options.json) {
      output.write(jsonText({ transfers: transfers.map((t) => plainRecord(t, TransferFlagsNames)) }));
    } else if (transfers.length > 0) output.write(transfersTable(transfers, currencies));
    else output.note(nothing(await isUnknown(client, accountId), 'no transfers'));
  });
}

async function isUnknown(client: Client, id: bigint): Promise<boolean> {
  return (await client.lookupAccounts([id])).length === 0;
}

function nothing(unknown: boolean, otherwise: string): string {
  return unknown ? 'no such account' : otherwise;
}

/** Asks page after page; the next one starts behind the last timestamp, which no two events share. */
async function pages<T extends Transfer | AccountBalance>(
  filter: Partial<AccountFilter>,
  limit: number,
  ask: (filter: Partial<AccountFilter>) => Promise<T[]>,
): Promise<T[]> {
  const reversed = (filter.flags! & AccountFilterFlags.reversed) !== 0;
  const all: T[] = [];
  let next = filter;
  while (all.length < limit) {
    const size = Math.min(limit - all.length, BATCH_RECORDS_MAX);
    const page = await ask({ ...next, limit: size });
    all.push(...page);
    const last = page.at(-1);
    if (page.length < size || last === undefined) break;
    next = reversed
      ? { ...next, timestampMax: last.timestamp - 1n }
      : { ...next, timestampMin: last.timestamp + 1n };
    // Zero would mean no bound at all.
    if (reversed && next.timestampMax === 0n) break;
  }
  return all;
}
