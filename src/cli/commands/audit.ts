import { existsSync, readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { GatewayError } from '../../gateway/index.ts';
import { StoreError } from '../../store/errors.ts';
import type { WalletStorage } from '../../wallet/core/ports.ts';
import { type AuditSources, auditText, runAudit } from '../audit/audit.ts';
import { CollectError } from '../audit/collect.ts';
import { withOperator } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import { jsonText, type Output } from '../output.ts';

interface Options extends HomeOptions {
  readonly institution?: string;
  readonly statement?: string;
  readonly wallets?: readonly string[];
  readonly shop?: readonly string[];
  readonly gateway?: readonly string[];
  readonly notes: boolean;
  readonly allWallets?: boolean;
  readonly bankStatement?: readonly string[];
  readonly json?: boolean;
}

const TIMEOUT_MS = 60_000;

export function auditCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withHome(new Command('audit'))
    .description(
      'Compare what wallets, shops, management, settlement, cash and the institution say of every load and purchase, and what notes are out with their value at cash',
    )
    .addOption(
      new Option('--institution <url>', "the institution simulator's admin address, for its statement").env(
        'SPECIE_INSTITUTION_ADMIN',
      ),
    )
    .option('--statement <file>', "the institution's statement from a file (NDJSON); - is standard input")
    .option(
      '--wallets <folder>',
      'a store of wallets (repeatable)',
      (text: string, list: readonly string[] = []) => [...list, text],
    )
    .option('--all-wallets', 'these are all wallets: a device without one is a fault, unless it has nothing')
    .option(
      '--shop <folder>',
      'the home of a shop (repeatable)',
      (text: string, list: readonly string[] = []) => [...list, text],
    )
    .option(
      '--gateway <folder>',
      'the home of a gateway (repeatable)',
      (text: string, list: readonly string[] = []) => [...list, text],
    )
    .option('--no-notes', 'neither issuer nor receiver runs here: notes are not compared')
    .option(
      '--bank-statement <file>',
      'a camt.053 or camt.054 of the bank that pays shops (repeatable); left out: the bank is asked',
      (text: string, list: readonly string[] = []) => [...list, text],
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The roles answer while they go on with their work; a store of wallets must not be in use, a shop or a
gateway not open. Loads that are under way are
listed; that excuses only what comes after in their course (institution, settlement, cash, management, wallet), and for
longer than a day nothing. With --institution it is asked a second time about what does not agree. A statement from a file
should be from just before: of what was credited after its last entry it says nothing.

Examples:
  $ specie audit --institution http://127.0.0.1:8584
  $ specie audit --statement statement.ndjson --wallets specie-wallet --shop shop-home --json
  $ specie audit --institution http://127.0.0.1:8584 --gateway gateway-home`,
    )
    .action(async (options: Options) => {
      const statement = statementSource(options);
      const { WalletStore } = await import('../../wallet/node/storage.ts');
      const stores: { close(): Promise<void> }[] = [];
      try {
        const wallets: WalletStorage[] = [];
        for (const path of options.wallets ?? []) {
          // Opening would make it, and compare nothing.
          if (!existsSync(path)) throw new CommandError(`${path}: expected a store of wallets, got nothing`);
          const store = await WalletStore.open({ path });
          stores.push(store);
          wallets.push(...store.names().map((name) => store.storage(name)));
        }
        await withOperator(options, async (operator) => {
          const allWallets = options.allWallets === true;
          const { shop: shops = [], gateway: gateways = [], notes, bankStatement: bank } = options;
          if (!notes && gateways.length > 0)
            throw new CommandError('--gateway and --no-notes: expected one of them, got both');
          const sources = { operator, statement, wallets, allWallets, shops, gateways, notes, bank };
          const report = await runAudit(sources, output);
          const { currency } = operator.configuration;
          output.write(options.json ? jsonText(report) : auditText(report, currency));
          if (!report.passed) exit(ExitCode.check_failed);
        });
      } catch (error) {
        throw commandError(error);
      } finally {
        for (const store of stores) await store.close();
      }
    });
}

function commandError(error: unknown): unknown {
  if (error instanceof CollectError || error instanceof GatewayError)
    return new CommandError(error.message, ExitCode.failed);
  if (!(error instanceof StoreError)) return error;
  const code =
    error.code === 'store_locked'
      ? ExitCode.in_use
      : error.code === 'store_corrupt'
        ? ExitCode.damaged
        : ExitCode.failed;
  return new CommandError(`shop or gateway: ${error.message}`, code, { cause: error });
}

function statementSource({ institution, statement }: Options): AuditSources['statement'] {
  if (statement !== undefined) return readFileSync(statement === '-' ? 0 : statement, 'utf8').split('\n');
  return institution === undefined ? undefined : () => fetchStatement(institution);
}

/** @throws CommandError */
export async function fetchStatement(institution: string): Promise<string[]> {
  const url = new URL('/statement', institution);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return (await response.text()).split('\n');
  } catch (error) {
    throw new CommandError(
      `${url.href}: expected the institution's statement, got: ${(error as Error).message}`,
      ExitCode.unreachable,
      { cause: error },
    );
  }
}
