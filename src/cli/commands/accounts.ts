import { Command } from 'commander';
import { type Account, AccountFlagsNames, BATCH_RECORDS_MAX } from '../../layout/generated.ts';
import { withClient } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId } from '../files/fields.ts';
import { idsFrom, parts } from '../ids.ts';
import { currenciesOf, type MoneyOptions, type ServerOption, withMoney, withServer } from '../options.ts';
import { jsonText, type Output } from '../output.ts';
import { accountsTable, plainRecord } from '../show.ts';

interface Options extends ServerOption, MoneyOptions {
  readonly file?: string;
  readonly json?: boolean;
  readonly strict?: boolean;
}

export function accountsCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withMoney(withServer(new Command('accounts')))
    .description('Show accounts and their balances')
    .argument('[ids...]', 'ids: decimal, 0x and hex digits, or UUIDs')
    .option('--file <path>', 'read ids from a file, one a line (its first column); - is standard input')
    .option('--json', 'print one JSON object: accounts, and the ids that were not found')
    .option('--strict', 'exit with 2 when an id is not found')
    .addHelpText(
      'after',
      `
Examples:
  $ specie accounts 0x2a
  $ specie accounts --file day/accounts.csv --json | jq '.accounts[].credits_posted'`,
    )
    .action(async (args: string[], options: Options) => {
      const ids = await idsFrom(args, options.file);
      if (ids.length === 0) throw new CommandError('accounts: expected ids or --file, got none');
      const accounts = await withClient(options, output, async (client) => {
        const found: Account[] = [];
        for (const part of parts(ids, BATCH_RECORDS_MAX)) found.push(...(await client.lookupAccounts(part)));
        return found;
      });
      const known = new Set(accounts.map(({ id }) => id));
      const missing = ids.filter((id) => !known.has(id)).map(formatId);
      if (options.json) {
        output.write(jsonText({ accounts: accounts.map((a) => plainRecord(a, AccountFlagsNames)), missing }));
      } else {
        if (accounts.length > 0) output.write(accountsTable(accounts, currenciesOf(options)));
        for (const id of missing) output.note(`${id}: no such account`);
      }
      if (options.strict && missing.length > 0) exit(ExitCode.refused);
    });
}
