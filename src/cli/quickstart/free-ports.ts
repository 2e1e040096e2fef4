// Ports for servers that are restarted on the same port.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below those that systems take for outgoing connections (from 32,768 on Linux, from 49,152 by IANA): while a server is
 * restarted, its port must not become somebody's other end.
 */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES_MAX = 200;

/** Different ones on 127.0.0.1 on which nobody listens now. @throws Error when there are none */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === TRIES_MAX) throw new Error(`ports: expected free ones from ${FIRST} to ${LAST}, got none`);
    const port = randomInt(FIRST, LAST);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
