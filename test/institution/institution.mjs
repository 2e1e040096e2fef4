// `specie institution …` as a process of its own.
import { institutionCommand } from '../../dist/cli/commands/institution.js';

const command = institutionCommand((code) => {
  process.exitCode = code;
});
await command.parseAsync(process.argv.slice(2), { from: 'user' });
