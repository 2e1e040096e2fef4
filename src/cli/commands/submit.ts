import { Command, Option } from 'commander';
import { WRITES_IN_FLIGHT_MAX } from '../../wire/limits.ts';
import { withClient } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { ACCOUNTS, TRANSFERS } from '../files/columns.ts';
import type { FileFormat } from '../files/reader.ts';
import {
  currenciesOf,
  type MoneyOptions,
  type ServerOption,
  wholeNumber,
  withMoney,
  withServer,
} from '../options.ts';
import { grouped, jsonText, milliseconds, type Output } from '../output.ts';
import { startProgress } from '../progress.ts';
import { fileSize } from '../submit/batches.ts';
import { FailuresFile } from '../submit/failures-file.ts';
import {
  CODE_DEFAULT,
  type InitiationOptions,
  isInitiation,
  submitInitiationFile,
} from '../submit/pain001/command.ts';
import { type SubmitReport, submitFile } from '../submit/submit-file.ts';

interface Options extends InitiationOptions, ServerOption, MoneyOptions {
  readonly kind?: 'accounts' | 'transfers';
  readonly format?: FileFormat;
  readonly delimiter?: string;
  readonly ignoreUnknownColumns?: boolean;
  readonly results?: string;
  readonly inFlight: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly strict?: boolean;
}

export function submitCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withMoney(withServer(new Command('submit')))
    .description(
      'Submit a file of accounts or transfers (CSV or NDJSON), or of payments (ISO 20022 pain.001)',
    )
    .argument('<file>', 'the file; - is standard input')
    .addOption(
      new Option('--kind <kind>', 'what the records are; otherwise told by the columns').choices([
        'accounts',
        'transfers',
      ]),
    )
    .addOption(
      new Option('--format <format>', "otherwise told by the file's name, or its first character").choices([
        'csv',
        'ndjson',
      ]),
    )
    .option('--delimiter <character>', 'of CSV; otherwise comma, semicolon or tab as the header has it')
    .option('--ignore-unknown-columns', 'pass over columns that no record has, instead of refusing the file')
    .option('--results <path>', 'where failed lines and their reasons go (default: <file>.failed.csv)')
    .option('--in-flight <n>', 'batches under way at once', wholeNumber(1, WRITES_IN_FLIGHT_MAX), 8)
    .option(
      '--aliases <path>',
      "pain.001: the alias table, from accounts' numbers to the ledger's accounts (CSV)",
    )
    .option(
      '--answer <path>',
      'pain.001: where the answer goes, a pain.002 (default: <file>.pain002.xml); - is standard output',
    )
    .option(
      '--code <n>',
      `pain.001: code of the transfers (default: ${CODE_DEFAULT})`,
      wholeNumber(1, 0xffff),
    )
    .option('--any-date', 'pain.001: also book payments whose execution date has not come')
    .option('--json', 'print the report as one JSON object')
    .option('--quiet', 'no progress')
    .option('--strict', 'exit with 2 when a record was refused or a line could not be read')
    .addHelpText(
      'after',
      `
Columns are the fields of the records, in snake_case or camelCase, in any order; what is left out is zero:
  accounts    id, ledger, code, flags, balance_limit, user_data_128, user_data_64, user_data_32, timestamp
  transfers   id, debit_account_id, credit_account_id, amount, ledger, code, flags, pending_id, timeout,
              user_data_128, user_data_64, user_data_32, timestamp
Ids are decimal, 0x and hex digits, or UUIDs. Ledgers are ISO 4217 codes (EUR) or numbers. Flags are names joined
by |. Amounts are whole minor units (1234), or carry their currency (12.34 EUR); --amounts decimal reads bare
decimals (12.34). An amount of "max" posts all that is pending.

Submitting a file again is safe: ids make records unique for ever, so what was created answers "exists" and the rest
is created. Records without an id get one from the file's SHA-256 and their line. A file changed in any way is another
file: its records without ids would be created again.

A file whose root is a pain.001 (versions 03 to 12), whatever its name, is submitted as transfers of code ${CODE_DEFAULT}, one a
transaction, from the debtor's account to the creditor's. The alias table has a header line and the columns
  identifier (an IBAN or another number), account (of the ledger), currency (EUR; empty: any)
The answer is a pain.002: ACSC with the transfer's id, or RJCT with a reason, for each transaction. Ids come from the
message's, so submitting it again books nothing twice. docs/iso20022.md has the reasons.

Examples:
  $ specie submit day/accounts.csv && specie submit day/transfers.csv
  $ zcat transfers.ndjson.gz | specie submit - --format ndjson --strict
  $ specie submit payments.csv --amounts decimal --results failed.csv --json
  $ specie submit payroll.xml --aliases accounts.csv --answer payroll.answer.xml`,
    )
    .action(async (path: string, options: Options) => {
      const currencies = currenciesOf(options);
      if (options.format === undefined && (await isInitiation(path, options))) {
        refuseOptions(options, 'pain.001', ['kind', 'delimiter', 'ignoreUnknownColumns', 'results']);
        return submitInitiationFile(path, options, currencies, output, exit);
      }
      refuseOptions(options, 'CSV or NDJSON', ['aliases', 'answer', 'code', 'anyDate']);
      const size = await fileSize(path);
      const failures = new FailuresFile(
        options.results ?? (path === '-' ? 'stdin.failed.csv' : `${path}.failed.csv`),
      );
      const stop = new AbortController();
      const onInterrupt = () => stop.abort();
      process.once('SIGINT', onInterrupt);
      const progress = startProgress(
        output,
        'submitting',
        size,
        'records',
        options.quiet === true || path === '-',
      );
      let report: SubmitReport;
      try {
        report = await withClient(options, output, (client) =>
          submitFile(client, {
            path,
            format: options.format,
            kind: options.kind && (options.kind === 'accounts' ? ACCOUNTS : TRANSFERS),
            delimiter: options.delimiter,
            ignoreUnknownColumns: options.ignoreUnknownColumns === true,
            currencies,
            amountUnit: options.amounts,
            inFlightMax: options.inFlight,
            signal: stop.signal,
            onFailed: (failed) => failures.write(failed),
            onProgress: (bytes, records) => progress.update(bytes, records),
          }),
        );
      } finally {
        progress.stop();
        process.removeListener('SIGINT', onInterrupt);
        await failures.close();
      }
      const failedPath = failures.count === 0 ? null : failures.path;
      if (options.json) output.write(jsonText({ file: path, ...report, failed_lines: failedPath }));
      else output.write(reportText(path, report, failedPath));
      if (report.interrupted) exit(ExitCode.interrupted);
      else if (options.strict && failures.count > 0) exit(ExitCode.refused);
    });
}

/** An option that means nothing for a file is one that its user has misunderstood. @throws CommandError */
function refuseOptions(options: Options, kind: string, names: readonly (keyof Options)[]): void {
  const found = names.find((name) => options[name] !== undefined);
  if (found === undefined) return;
  const option = found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new CommandError(`--${option}: expected it with another kind of file, got a file of ${kind}`);
}

function reportText(path: string, report: SubmitReport, failedPath: string | null): string {
  const lines = [
    `${path}: ${grouped(report.answered)} ${report.kind} in ${milliseconds(report.seconds * 1000)}, ` +
      `${grouped(report.perSecond)} a second`,
    `  created    ${grouped(report.created)}`,
    `  existing   ${grouped(report.existing)}`,
    `  refused    ${grouped(report.refused)}`,
    `  unreadable ${grouped(report.unreadable)}`,
  ];
  for (const [answer, count] of Object.entries(report.answers)) {
    if (answer !== 'created' && answer !== 'exists') lines.push(`    ${answer} ${grouped(count)}`);
  }
  const { p50Ms, p99Ms, maxMs } = report.latency;
  lines.push(
    `  batches    ${grouped(report.batches)}, answered in ${milliseconds(p50Ms)} (median), ` +
      `${milliseconds(p99Ms)} (99 %), ${milliseconds(maxMs)} (longest)`,
  );
  if (failedPath !== null) lines.push(`  failed lines and their reasons: ${failedPath}`);
  if (report.interrupted) lines.push('  interrupted: submit the file again to go on');
  return `${lines.join('\n')}\n`;
}
