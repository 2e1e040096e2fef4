// The commands of `specie`, put together.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { accountsCommand } from './commands/accounts.ts';
import { auditCommand } from './commands/audit.ts';
import { deviceCommand } from './commands/device.ts';
import { generateCommand } from './commands/generate.ts';
import { initCommand } from './commands/init.ts';
import { institutionCommand } from './commands/institution.ts';
import { keysCommand } from './commands/keys.ts';
import { payoutCommand } from './commands/payout.ts';
import { quickstartCommand } from './commands/quickstart.ts';
import { requestCommand } from './commands/request.ts';
import { shopCommand } from './commands/shop.ts';
import { shopsCommand } from './commands/shops.ts';
import { startCommand } from './commands/start.ts';
import { statsCommand } from './commands/stats.ts';
import { submitCommand } from './commands/submit.ts';
import { transfersCommand } from './commands/transfers.ts';
import { verifyCommand } from './commands/verify.ts';
import { walletCommand } from './commands/wallet.ts';
import { EXIT_CODE_HELP, ExitCode } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import type { Output } from './output.ts';

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Runs one command line. @returns the exit code; never rejects. */
export async function run(args: readonly string[], output: Output): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.ok;
  const exit = (code: ExitCode): void => {
    exitCode = code;
  };
  const program = new Command('specie')
    .description('A settlement engine for electronic cash')
    .version(version())
    .showHelpAfterError('(--help shows how)')
    .addHelpText(
      'after',
      `
A first run:
  $ specie quickstart                              a whole system with a thousand wallets, and the proof that it works

By hand, in three terminals:
  $ specie institution start
  $ specie init && specie start
  $ specie wallet enrol --directory specie-home/directory.json --root SHA256:… --name Ada --account
  $ specie wallet load 25.00
  $ specie audit --institution http://127.0.0.1:8584
${EXIT_CODE_HELP}`,
    );
  const commands = [
    quickstartCommand(output, exit),
    initCommand(output),
    keysCommand(output),
    startCommand(exit),
    institutionCommand(exit, output),
    walletCommand(exit, output),
    shopCommand(exit, output),
    deviceCommand(output),
    shopsCommand(output),
    payoutCommand(output, exit),
    requestCommand(output, exit),
    auditCommand(output, exit),
    submitCommand(output, exit),
    accountsCommand(output, exit),
    transfersCommand(output, exit),
    verifyCommand(output, exit),
    statsCommand(output),
    generateCommand(output),
  ];
  for (const command of commands) program.addCommand(command.addHelpText('after', EXIT_CODE_HELP));
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => output.note(text.trimEnd()),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.failed;
    const failure = failureOf(error);
    output.note(`specie: ${failure.message}`);
    if (failure.stack !== undefined) output.note(failure.stack);
    return failure.exitCode;
  }
  return exitCode;
}
