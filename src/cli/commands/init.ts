import { Command } from 'commander';
import { chosenPassphrase, passphraseSource } from '../../identity/ask-passphrase.ts';
import { type InitReport, initHome } from '../../identity/init-home.ts';
import { parseOperatorCurrency } from '../../shared/currency.ts';
import { type HomeOptions, passphraseOptions, withHome, withHomeErrors } from '../home-options.ts';
import { argument } from '../options.ts';
import { jsonText, type Output, tableText } from '../output.ts';

interface Options extends HomeOptions {
  readonly currency?: ChosenCurrency;
  readonly passphrase?: boolean;
  readonly json?: boolean;
}

interface ChosenCurrency {
  readonly currency: string;
  readonly operatorCurrencies: readonly string[];
}

/** `EUR`, or the definition of an operator's own, which begins with its number. */
function chosenCurrency(text: string): ChosenCurrency {
  if (!/^\d/.test(text)) return { currency: text.toUpperCase(), operatorCurrencies: [] };
  return { currency: parseOperatorCurrency(text).code, operatorCurrencies: [text] };
}

export function initCommand(output: Output): Command {
  return withHome(new Command('init'))
    .description('Make the keys, the directory and the configuration of a system, or complete them')
    .option(
      '--currency <currency>',
      'a code of ISO 4217 (EUR when left out), or your own: <number>[=<code>][:<decimal places>], such as 1000=TOK:0',
      argument(chosenCurrency),
    )
    .option('--passphrase', 'ask for a passphrase that encrypts the keys')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
What is there already stays as it is; run it again at any time. docs/keys.md says what each key is for.

Examples:
  $ specie init
  $ specie init --home /var/lib/specie --currency 1000=TOK:0 --passphrase`,
    )
    .action(async (options: Options) => {
      const report = await withHomeErrors(async () => {
        const where = passphraseOptions(options);
        const passphrase = await chosenPassphrase({ ...where, choose: options.passphrase === true });
        try {
          return await initHome({
            home: options.home,
            ...options.currency,
            passphrase,
            askPassphrase: passphraseSource(where),
          });
        } finally {
          passphrase?.wipe();
        }
      });
      output.write(options.json ? jsonText(report) : reportText(report));
    });
}

function reportText({ items, fingerprint, home }: InitReport): string {
  const table = tableText(
    ['', 'file', 'what'],
    items.map(({ state, path, what }) => [state, path, what]),
  );
  const root = items.find(({ what }) => what.startsWith('root key'))!;
  const lines = [
    table.split('\n').slice(1).join('\n'),
    `Root key: ${fingerprint}`,
    'Wallets trust the system that has this fingerprint: hand it out with directory.json.',
  ];
  if (root.state !== 'elsewhere') {
    lines.push(
      '',
      `Put ${root.path} away offline, with a copy. Whoever has it can put himself in the place of any role;`,
      `it is needed here only to rotate keys and to change addresses.`,
    );
  }
  if (items.every(({ state }) => state === 'found' || state === 'elsewhere')) {
    lines.push('', `${home} was complete: nothing was changed.`);
  }
  return `${lines.join('\n')}\n`;
}
