import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { StoreReport, VerifyStep } from '../../ledger/verify.ts';
import { Currencies } from '../../shared/currency.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatTimestamp } from '../files/fields.ts';
import { ledgerText } from '../files/write-records.ts';
import { grouped, jsonText, type Output } from '../output.ts';
import { type Progress, startProgress } from '../progress.ts';

export function verifyCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return new Command('verify')
    .description('Prove that a whole store is what it says, or say where it breaks')
    .argument('<path>', 'the store, which no engine may have open')
    .option('--json', 'print what was proved and found as one JSON object')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
Reads every entry of the journal, checks its hashes and the chain, executes every batch again from nothing and
compares the outcome with what is stored, adds up the books, and compares checkpoint and index with the replay.
Ends with 4 where anything is damaged, and says which entry, which bytes, and what to do.

Examples:
  $ specie verify /var/lib/specie
  $ specie verify data --json | jq .findings`,
    )
    .action(async (path: string, options: { json?: boolean; quiet?: boolean }) => {
      const report = await verifyWithProgress(path, output, options.quiet === true);
      output.write(options.json ? jsonText(plainReport(report)) : reportText(path, report));
      if (report.findings.length > 0) exit(ExitCode.damaged);
    });
}

/** @throws CommandError where there is no store; JournalError journal_locked */
export async function verifyWithProgress(path: string, output: Output, quiet: boolean): Promise<StoreReport> {
  if (!existsSync(join(path, 'journal'))) {
    throw new CommandError(
      `${path}: expected a store (a folder with a journal), got ${existsSync(path) ? 'another folder' : 'nothing'}`,
    );
  }
  const { verifyStore } = await import('../../ledger/verify.ts');
  let current: VerifyStep | undefined;
  let progress: Progress | undefined;
  try {
    return await verifyStore({
      path,
      onProgress: (step, op, toOp) => {
        if (step !== current) {
          progress?.stop();
          progress = startProgress(output, `verifying (${step})`.padEnd(18), toOp, 'batches', quiet);
          current = step;
        }
        progress?.update(op, op);
      },
    });
  } finally {
    progress?.stop();
  }
}

function plainReport({ proof, findings, ...rest }: StoreReport): object {
  return {
    whole: findings.length === 0,
    ...(proof === undefined
      ? {}
      : { proof: { ...proof, digest: Buffer.from(proof.digest).toString('hex') } }),
    ...rest,
    findings,
  };
}

function reportText(path: string, report: StoreReport): string {
  const { proof, books, findings } = report;
  const lines = [`${path}: ${findings.length === 0 ? 'whole' : 'DAMAGED'}`];
  if (proof !== undefined) {
    const until = proof.toOp === 0 ? '' : `, the last at ${formatTimestamp(proof.timestamp)}`;
    lines.push(
      `  journal     ${grouped(proof.toOp - proof.fromOp + 1)} batches, ${grouped(proof.records)} records, ` +
        `${grouped(proof.bytes)} bytes${until}`,
      `  chain ends  ${Buffer.from(proof.digest).toString('hex')}`,
    );
  }
  lines.push(`  replay      ${grouped(report.replayedRecords)} records gave again what is stored`);
  if (report.stateDigest !== undefined) lines.push(`  state       ${report.stateDigest}`);
  const currencies = new Currencies();
  for (const { ledger, accounts, debitsPosted } of books) {
    lines.push(
      `  books       ${ledgerText(ledger, currencies)}: ${grouped(accounts)} accounts, ` +
        `debits and credits of ${grouped(debitsPosted)} minor units`,
    );
  }
  lines.push(
    report.checkpointOp === 0
      ? '  checkpoint  none yet'
      : `  checkpoint  after batch ${grouped(report.checkpointOp)}; index of ${grouped(report.indexEntries)} ids`,
  );
  for (const { step, what, advice } of findings)
    lines.push(`  ✗ ${step}: ${what}`, `    what to do: ${advice}`);
  return `${lines.join('\n')}\n`;
}
