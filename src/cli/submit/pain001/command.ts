// `specie submit payroll.xml`: what the command does with a payment initiation.
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Iso20022Error, messageNameOf, writePaymentStatus } from '../../../iso20022/index.ts';
import type { Currencies } from '../../../shared/currency.ts';
import { withClient } from '../../connect.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import type { ServerOption } from '../../options.ts';
import { grouped, jsonText, milliseconds, type Output } from '../../output.ts';
import { startProgress } from '../../progress.ts';
import { firstBytes } from '../batches.ts';
import { readAliases } from './aliases.ts';
import { type InitiationReport, pendingAnswer, readInitiation, submitInitiation } from './submit.ts';
import { planTransfers } from './transfers.ts';

/** Enough for a declaration, comments and the first tag. */
const HEAD_BYTES = 16 * 1024;
/** A transfer, of the chart of accounts. */
export const CODE_DEFAULT = 50;

export interface InitiationOptions extends ServerOption {
  readonly aliases?: string;
  readonly answer?: string;
  readonly code?: number;
  readonly anyDate?: boolean;
  readonly inFlight: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly strict?: boolean;
}

/**
 * Whether a file is a payment initiation, by its root and not by its name.
 * @throws CommandError for XML of another kind
 */
export async function isInitiation(path: string, { aliases }: InitiationOptions): Promise<boolean> {
  // Standard input can't be looked at and then read; the table says what is meant.
  if (path === '-') return aliases !== undefined;
  const head = await firstBytes(path, HEAD_BYTES);
  const name = messageNameOf(head);
  if (name?.message === 'pain.001') return true;
  if (name === undefined && !/^\ufeff?\s*</.test(new TextDecoder('utf-8', { ignoreBOM: true }).decode(head)))
    return false;
  throw new CommandError(
    `${path}: expected CSV, NDJSON or ISO 20022 pain.001, got ${name?.text ?? 'other XML'}`,
  );
}

export async function submitInitiationFile(
  path: string,
  options: InitiationOptions,
  currencies: Currencies,
  output: Output,
  exit: (code: ExitCode) => void,
): Promise<void> {
  const { answer: answerPath = answerPathOf(path), code = CODE_DEFAULT } = options;
  if (options.aliases === undefined) {
    throw new CommandError(
      `${path} is an ISO 20022 payment initiation: expected --aliases FILE, which says whose accounts are whose, got none`,
    );
  }
  if (answerPath === '-' && options.json) {
    throw new CommandError('--json: expected --answer to be a file, got standard output for both');
  }
  if ([path, options.aliases].some((other) => other !== '-' && resolve(other) === resolve(answerPath))) {
    throw new CommandError('--answer: expected a file of its own, got one that is read');
  }
  const aliases = await readAliases(options.aliases, currencies);
  const initiation = await readInitiation(path, currencies).catch((error: unknown) => {
    throw error instanceof Iso20022Error ? new CommandError(`${path}: ${error.message}`) : error;
  });
  const nowMs = Date.now();
  const payments = planTransfers(initiation, {
    aliases,
    currencies,
    code,
    nowMs,
    anyDate: options.anyDate === true,
  });
  const all = payments.flatMap(({ transactions }) => transactions);
  // What could not be answered is not submitted: neither for want of room, nor for anything in the message.
  const draft = answerPath === '-' ? undefined : `${answerPath}.new`;
  const pending = writePaymentStatus(pendingAnswer(initiation, payments, nowMs), { currencies });
  if (draft !== undefined) await writeFile(draft, pending);
  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt);
  const progress = startProgress(output, 'submitting', all.length, 'records', options.quiet === true);
  const submit = (client?: Parameters<typeof submitInitiation>[0]) =>
    submitInitiation(client, initiation, payments, {
      inFlightMax: options.inFlight,
      nowMs,
      signal: stop.signal,
      onProgress: (answered) => progress.update(answered, answered),
    });
  let report: InitiationReport;
  try {
    // Nothing to submit needs no connection.
    report = all.some(({ transfer }) => transfer !== undefined)
      ? await withClient(options, output, submit)
      : await submit();
  } catch (error) {
    if (draft !== undefined) await rm(draft, { force: true });
    throw error;
  } finally {
    progress.stop();
    process.removeListener('SIGINT', onInterrupt);
  }
  const { answer, ...counts } = report;
  const xml = writePaymentStatus(answer, { currencies });
  if (draft === undefined) output.write(xml);
  else {
    // An answer is there whole, or not at all.
    await writeFile(draft, xml);
    await rename(draft, answerPath);
  }
  const { groupStatus } = answer;
  const { messageId, messageName } = initiation;
  const result = { file: path, messageId, messageName, groupStatus, ...counts, answer: answerPath };
  if (options.json) output.write(jsonText(result));
  else if (answerPath === '-') output.note(reportText(path, report).trimEnd());
  else output.write(`${reportText(path, report)}  answer     ${answerPath}\n`);
  if (stop.signal.aborted && report.pending > 0) exit(ExitCode.interrupted);
  else if (initiation.findings.length > 0 || (options.strict && report.refused > 0)) exit(ExitCode.refused);
}

/** `payroll.xml` → `payroll.pain002.xml` */
function answerPathOf(path: string): string {
  return path === '-' ? 'stdin.pain002.xml' : `${path.replace(/\.xml$/i, '')}.pain002.xml`;
}

function reportText(path: string, report: InitiationReport): string {
  const { created, existing, refused, pending, seconds, reasons, answer } = report;
  const { messageName, messageId, numberOfTransactions } = answer.original;
  const lines = [
    `${path}: ${messageName}, message ${messageId}, ${grouped(numberOfTransactions ?? 0)} transactions in ` +
      `${milliseconds(seconds * 1000)}: ${answer.groupStatus}`,
    ...answer.reasons.map(({ code, information }) => `  ${code} ${information}`),
    `  booked     ${grouped(created)}`,
    `  existing   ${grouped(existing)}${existing > 0 ? ' (booked when they were submitted before, not again)' : ''}`,
    `  refused    ${grouped(refused)}`,
    ...Object.entries(reasons).map(([code, count]) => `    ${code} ${grouped(count)}`),
  ];
  if (pending > 0) lines.push(`  pending    ${grouped(pending)}: submit the file again to go on`);
  return `${lines.join('\n')}\n`;
}
