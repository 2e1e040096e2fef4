import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { serverUrl } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatTimestamp } from '../files/fields.ts';
import { URL_DEFAULT } from '../options.ts';
import { grouped, jsonText, type Output, tableText } from '../output.ts';

const TIMEOUT_MS = 10_000;

export function statsCommand(output: Output): Command {
  return new Command('stats')
    .description('Show figures of a running engine, or of a store that no engine has open')
    .argument('[url-or-path]', "the engine's URL, or a store's folder", process.env.SPECIE_URL ?? URL_DEFAULT)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Opening a store brings its state up to the end of its journal, as a start does.

Examples:
  $ specie stats
  $ specie stats ws://127.0.0.1:7900 --json
  $ specie stats /var/lib/specie`,
    )
    .action(async (target: string, options: { json?: boolean }) => {
      // A folder is one that exists; everything else is read as a URL.
      const figures = existsSync(target) ? await ofStore(target) : await ofEngine(target);
      output.write(options.json ? jsonText(figures) : figuresText(figures));
    });
}

type Figures = Record<string, string | number | boolean>;

async function ofEngine(target: string): Promise<Figures> {
  const url = serverUrl(target, 'http');
  const get = async (path: string): Promise<string> => {
    try {
      const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
      return await response.text();
    } catch (error) {
      const cause =
        (error as Error).cause instanceof Error ? (error as { cause: Error }).cause : (error as Error);
      throw new CommandError(
        `${url.origin}: expected an engine there, got: ${cause.message}`,
        ExitCode.unreachable,
      );
    }
  };
  let status: unknown;
  try {
    status = (JSON.parse(await get('/healthz')) as { status?: unknown }).status;
  } catch (error) {
    if (error instanceof CommandError) throw error;
  }
  if (typeof status !== 'string') {
    throw new CommandError(
      `${url.origin}: expected an engine there, got something else`,
      ExitCode.unreachable,
    );
  }
  return { engine: url.origin, status, ...figuresOf(await get('/metrics')) };
}

/** The engine's own figures from the Prometheus text; histograms are left to Prometheus. */
export function figuresOf(metrics: string): Figures {
  const figures: Figures = {};
  for (const line of metrics.split('\n')) {
    const match = /^specie_(\w+)(\{[^}]*\})? ([0-9.eE+-]+)$/.exec(line);
    if (!match) continue;
    const [, name, labels = '', value] = match;
    if (name!.endsWith('_bucket')) continue;
    const suffix = [...labels.matchAll(/="([^"]*)"/g)].map(([, label]) => label).join('.');
    figures[suffix === '' ? name! : `${name}.${suffix}`] = Number(value);
  }
  return figures;
}

async function ofStore(path: string): Promise<Figures> {
  if (!existsSync(join(path, 'journal'))) {
    throw new CommandError(`${path}: expected a store (a folder with a journal), got another folder`);
  }
  const { Ledger } = await import('../../ledger/ledger.ts');
  const ledger = await Ledger.open({ path });
  try {
    const { timestamp, op, accounts, transfers, pendingTransfers, runs, checkpointOp, memoryBytes } =
      ledger.status();
    return {
      store: ledger.path,
      op,
      time: formatTimestamp(timestamp),
      accounts,
      transfers,
      pending_transfers: pendingTransfers,
      index_runs: runs,
      checkpoint_op: checkpointOp,
      replayed_ops: ledger.recovery.replayedOps,
      kernel_memory_bytes: memoryBytes,
      state_digest: ledger.digest(),
    };
  } finally {
    await ledger.close();
  }
}

function figuresText(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, value]) => [
    name,
    typeof value === 'number' && Number.isInteger(value) ? grouped(value) : String(value),
  ]);
  return tableText(['figure', 'value'], rows);
}
