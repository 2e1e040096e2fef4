// Commands' connections to roles, and to a ledger without keys.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, type ClientOptions, connect } from '../channel/client.ts';
import { passphraseSource } from '../identity/ask-passphrase.ts';
import type { OperatorHome } from '../identity/load-home.ts';
import type { RoleName } from '../identity/roles.ts';
import { CHANNEL_PATH } from '../wire/limits.ts';
import { CommandError } from './exit-codes.ts';
import { HOME_DEFAULT, type HomeOptions, passphraseOptions, withHomeErrors } from './home-options.ts';
import { type ServerOption, URL_DEFAULT } from './options.ts';
import type { Output } from './output.ts';

/** Reads `127.0.0.1:7878`, `ws://127.0.0.1:7878` and `http://127.0.0.1:7878` alike. @throws CommandError */
export function serverUrl(text: string, protocol: 'ws' | 'http'): URL {
  let url: URL | undefined;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`);
  } catch {
    // Reported below like every other URL that cannot be meant.
  }
  if (url === undefined || !['ws:', 'http:'].includes(url.protocol) || url.hostname === '') {
    throw new CommandError(`--url: expected one such as ws://127.0.0.1:7878, got "${text}"`);
  }
  const result = new URL(`${protocol}://${url.host}`);
  if (protocol === 'ws') result.pathname = url.pathname === '/' ? CHANNEL_PATH : url.pathname;
  return result;
}

/** Runs `use` with a client of the ledger, and closes it behind: as an operator of a home, or without keys at a URL. */
export async function withClient<T>(
  options: ServerOption,
  output: Output,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const home = homeOf(options);
  if (home === undefined)
    return connected(serverUrl(options.url ?? URL_DEFAULT, 'ws').href, undefined, output, use);
  return withOperator({ ...options, home }, (operator) =>
    connected(operator.directory.address('cash'), () => operator.clientIdentity('cash'), output, use),
  );
}

/** Which home a command works on; undefined: none, it goes to a URL. */
export function homeOf({ url, home }: ServerOption): string | undefined {
  if (url !== undefined) return undefined;
  return home ?? (existsSync(join(HOME_DEFAULT, 'specie.json')) ? HOME_DEFAULT : undefined);
}

/** Runs `use` with the keys of a home's operator, and wipes them behind. @throws CommandError */
export async function withOperator<T>(
  options: HomeOptions,
  use: (operator: OperatorHome) => Promise<T>,
): Promise<T> {
  const { loadOperator } = await import('../identity/load-home.ts');
  const operator = await withHomeErrors(() =>
    loadOperator({ home: options.home, passphrase: passphraseSource(passphraseOptions(options)) }),
  );
  try {
    return await use(operator);
  } finally {
    operator.close();
  }
}

/** Runs `use` with the operator's connection to a role, and closes it behind. */
export function withRole<T>(
  operator: OperatorHome,
  role: RoleName,
  output: Output,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  return connected(operator.directory.address(role), () => operator.clientIdentity(role), output, use);
}

async function connected<T>(
  url: string,
  identity: ClientOptions['identity'],
  output: Output,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect({
    url,
    identity,
    requestTimeoutMs: 120_000,
    onEvent: (event) => {
      if (event.type === 'disconnected' && event.unanswered > 0) {
        output.note(`connection lost, ${event.unanswered} requests unanswered; connecting again`);
      } else if (event.type === 'connected' && event.resent > 0) {
        output.note(`connected again, ${event.resent} requests sent again`);
      }
    },
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
