// `specie wallet …` alone: the built command, with what src/cli/program.ts puts around it.
import { Command, CommanderError } from 'commander';
import { walletCommand } from '../../dist/cli/commands/wallet.js';
import { failureOf } from '../../dist/cli/failure.js';
import { processOutput } from '../../dist/cli/output.js';

process.exitCode = 0;
const program = new Command('specie').exitOverride().addCommand(
  walletCommand((code) => {
    process.exitCode = code;
  }).exitOverride(),
);
try {
  await program.parseAsync(['wallet', ...process.argv.slice(2)], { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    const { message, exitCode, stack } = failureOf(error);
    processOutput.note(`specie: ${message}${stack ?? ''}`);
    process.exitCode = exitCode;
  }
}
