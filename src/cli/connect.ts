// Commands' connection to an engine.
import { type Client, connect } from '../channel/client.ts';
import { CHANNEL_PATH } from '../wire/limits.ts';
import { CommandError } from './exit-codes.ts';
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

/** Runs `use` with a client, and closes it behind. */
export async function withClient<T>(
  text: string,
  output: Output,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connect({
    url: serverUrl(text, 'ws').href,
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
