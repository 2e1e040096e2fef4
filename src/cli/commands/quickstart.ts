import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { WRITES_IN_FLIGHT_MAX } from '../../wire/limits.ts';
import { withClient } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { SettlementDay } from '../generate/day.ts';
import type { DayParameters } from '../generate/parameters.ts';
import type { Answer } from '../generate/wallets.ts';
import { writeDay } from '../generate/write-day.ts';
import { wholeNumber } from '../options.ts';
import { grouped, jsonText, milliseconds, type Output } from '../output.ts';
import { startProgress } from '../progress.ts';
import { type Audit, audit, Check } from '../quickstart/audit.ts';
import { EngineProcess } from '../quickstart/engine-process.ts';
import { plainCheck, type QuickstartReport, reportText } from '../quickstart/report.ts';
import { AnswerList, type DayAnswers, submitDay } from '../quickstart/submit-day.ts';
import type { BatchOptions } from '../submit/batches.ts';
import { type DayOptions, dayOf, withDay } from './generate.ts';
import { verifyWithProgress } from './verify.ts';

interface Options extends DayOptions {
  readonly path?: string;
  readonly keep?: boolean;
  readonly port: number;
  readonly inFlight: number;
  readonly crash: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function quickstartCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withDay(new Command('quickstart'))
    .description('Start an engine, put a sample settlement day through it, and prove that nothing was lost')
    .option(
      '--path <folder>',
      'where the store and the files go, kept afterwards (default: a temporary folder)',
    )
    .option('--keep', 'keep the temporary folder')
    .option('--port <n>', 'TCP port; 0 takes a free one', wholeNumber(0, 65_535), 0)
    .option('--in-flight <n>', 'batches under way at once', wholeNumber(1, WRITES_IN_FLIGHT_MAX), 8)
    .option('--no-crash', 'stop the engine before the checks in good order, not with kill -9')
    .option('--json', 'print the report as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
The engine runs as a process of its own. After the last answer it is killed with kill -9 and started again; then
everything is read back and compared with books that quickstart kept itself.

Examples:
  $ specie quickstart
  $ specie quickstart --transfers 2000000 --devices 200000 --path try-out
  $ specie quickstart --json | jq .transfersPerSecond`,
    )
    .action(async (options: Options) => {
      const { parameters, currencies } = dayOf(options);
      const folder = await workFolder(options.path);
      const temporary = options.path === undefined;
      const tidy = async (): Promise<void> => {
        if (temporary && options.keep !== true) await rm(folder, { recursive: true, force: true });
        else output.note(`kept: ${folder}`);
      };
      let engine: EngineProcess | undefined;
      const onInterrupt = (): void => {
        const ended = engine?.crash() ?? Promise.resolve();
        ended.then(tidy).finally(() => process.exit(ExitCode.interrupted));
      };
      process.once('SIGINT', onInterrupt);
      try {
        const files = { currencies, amountUnit: options.amounts };
        const report = await quickstart(folder, parameters, files, options, output, (started) => {
          engine = started;
        });
        output.write(options.json ? jsonText(report) : reportText(report, parameters.currency));
        if (!report.passed) exit(ExitCode.check_failed);
      } finally {
        process.removeListener('SIGINT', onInterrupt);
        await tidy();
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

async function quickstart(
  folder: string,
  parameters: DayParameters,
  files: Pick<BatchOptions, 'currencies' | 'amountUnit'>,
  options: Options,
  output: Output,
  onEngine: (engine: EngineProcess) => void,
): Promise<QuickstartReport> {
  const say = (line: string): void => {
    if (options.quiet !== true) output.note(line);
  };
  const expected = new AnswerList();
  let started = performance.now();
  const writing = startProgress(
    output,
    'writing the day   ',
    parameters.transfers,
    'transfers',
    options.quiet,
  );
  const day = await writeDay(parameters, {
    directory: join(folder, 'day'),
    format: 'csv',
    ...files,
    onExpected: (answer: Answer) => expected.push(answer),
    onProgress: (count) => writing.update(count, count),
  });
  writing.stop();
  const generateSeconds = (performance.now() - started) / 1000;

  const store = join(folder, 'store');
  const log = join(folder, 'engine.log');
  let engine = await EngineProcess.start(store, options.port, log);
  onEngine(engine);
  try {
    say(`engine ${engine.url}, process ${engine.pid}, store ${store}`);
    const transfersFile: BatchOptions = { path: day.transfersPath, ...files };
    const sent = await withClient({ url: engine.url }, output, async (client) => {
      started = performance.now();
      const opened = await submitDay(
        client,
        { path: day.accountsPath, ...files },
        options.inFlight,
        () => {},
      );
      say(`${grouped(opened.records)} accounts opened in ${milliseconds(opened.sendingSeconds * 1000)}`);
      const sending = startProgress(output, 'sending transfers ', day.transfers, 'transfers', options.quiet);
      const transfers = await submitDay(client, transfersFile, options.inFlight, (n) => sending.update(n, n));
      sending.stop();
      return { opened, transfers };
    });

    if (options.crash) await engine.crash();
    else await engine.stop();
    engine = await EngineProcess.start(store, options.port, log);
    onEngine(engine);
    say(
      `engine ${options.crash ? 'killed' : 'stopped'} and started again, process ${engine.pid}; reading everything back`,
    );
    const accountIds = [...new SettlementDay(parameters).accounts()].map(({ id }) => id);
    const audited: Audit = await withClient({ url: engine.url }, output, (client) =>
      audit(client, accountIds, transfersFile, sent.transfers.answers),
    );
    const { recovery } = engine;
    await engine.stop();
    const verified = await verifyWithProgress(store, output, options.quiet === true);
    const whole = new Check(
      'specie verify proves the whole store: hash chain, replay, books, checkpoint, index',
    );
    whole.compared = verified.replayedRecords;
    for (const { step, what } of verified.findings) whole.fail(`${step}: ${what}`);
    const checks = [...answerChecks(sent.opened, sent.transfers, expected), ...audited.checks, whole];
    return {
      seed: parameters.seed,
      accounts: day.accounts,
      transfers: day.transfers,
      generateSeconds,
      sendingSeconds: sent.transfers.sendingSeconds,
      transfersPerSecond: Math.round(sent.transfers.records / sent.transfers.sendingSeconds),
      batches: sent.transfers.batches,
      inFlight: options.inFlight,
      latency: sent.transfers.latency,
      answers: sent.transfers.counts,
      recovery: options.crash ? recovery : null,
      totals: audited.totals,
      openPending: audited.openPending,
      checks: checks.map(plainCheck),
      passed: checks.every(({ passed }) => passed),
    };
  } finally {
    // Does nothing to a process that has ended.
    await engine.crash();
  }
}

function answerChecks(opened: DayAnswers, transfers: DayAnswers, expected: AnswerList): Check[] {
  const accounts = new Check('every account was opened');
  for (let i = 0; i < opened.answers.length; i++) {
    accounts.expect(opened.answers.at(i) === 'created', () => `record ${i + 1}: ${opened.answers.at(i)}`);
  }
  const foretold = new Check('every transfer got the answer that the generator foretold');
  const length = Math.max(transfers.answers.length, expected.length);
  for (let i = 0; i < length; i++) {
    const [got, wanted] = [transfers.answers.at(i), expected.at(i)];
    foretold.expect(got === wanted, () => `record ${i + 1}: expected ${wanted}, got ${got}`);
  }
  return [accounts, foretold];
}
