// One process at a time may have a store open. The kernel keeps the lock, so that it ends with its process however that
// dies, in whatever container or after whatever reuse of process numbers:
//
//     <path>/owner.1  owner.2  owner.3 ◀── the highest number is the owner
//                                 │
//                                 └── a listening Unix socket: connecting works while its process lives
//
// To take the store, a process makes sure that the highest owner is dead (connection refused), begins to listen on a
// socket of its own and links that to the next number. A link is made by one process only, and in one step: a socket
// that is not listening yet is never visible under a number. The highest number is never removed, so numbers only
// grow; whoever was slow and linked a lower one sees that it is not the highest and gives up.
import { randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

const OWNER_PATTERN = /^owner\.(\d{1,12})$/;
const DRAFT_PATTERN = /^draft\.\d+\.[a-z0-9]+$/;
/** Longest path that a Unix socket can be bound to on every system (macOS: 104 bytes with the closing zero). */
const SOCKET_PATH_MAX_BYTES = 103;
/** How long the owner gets to say who it is; the lock does not depend on it. */
const ANSWER_TIMEOUT_MS = 500;
const ATTEMPTS_MAX = 20;

/** Another process has the store, or it cannot be told whether one has. */
export class StoreLockedError extends Error {
  override readonly name = 'StoreLockedError';
}

export interface StoreLock {
  release(): Promise<void>;
}

function highestOwner(directory: string): number {
  let highest = 0;
  for (const name of readdirSync(directory)) {
    const number = Number(OWNER_PATTERN.exec(name)?.[1] ?? 0);
    if (number > highest) highest = number;
  }
  return highest;
}

/** Runs `work` with a short name for `directory`, since socket paths are limited to about a hundred bytes. */
async function withShortPath<T>(directory: string, work: (short: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(directory) + 40 <= SOCKET_PATH_MAX_BYTES) return work(directory);
  if (process.platform !== 'linux') {
    throw new StoreLockedError(
      `store path: expected at most ${SOCKET_PATH_MAX_BYTES - 40} bytes on ${process.platform}, got ${directory}`,
    );
  }
  const descriptor = openSync(directory, 'r');
  try {
    return await work(`/proc/self/fd/${descriptor}`);
  } finally {
    closeSync(descriptor);
  }
}

/** What a living owner says about itself; undefined when there is none. */
function askOwner(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Any other refusal (a full queue of connections, no permission) comes from a process that lives.
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer === '' ? 'a process that does not answer' : answer);
    });
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`process ${process.pid}`);
    });
    server.unref();
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/**
 * Takes the store in `directory`, which must exist, until `release` or the end of this process. Throws
 * StoreLockedError when a process (this one included) has it.
 */
export async function lockStore(directory: string): Promise<StoreLock> {
  return withShortPath(directory, async (short) => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const before = highestOwner(directory);
      const owner = before === 0 ? undefined : await askOwner(join(short, `owner.${before}`));
      if (owner !== undefined) {
        throw new StoreLockedError(`store ${directory}: expected it free, but ${owner} has it open`);
      }
      const mine = join(directory, `owner.${before + 1}`);
      const draft = `draft.${process.pid}.${randomBytes(6).toString('hex')}`;
      let server: Server;
      try {
        server = await listen(join(short, draft));
      } catch (error) {
        throw new StoreLockedError(
          `store ${directory}: expected a local file system with Unix sockets, got ${(error as Error).message}`,
          { cause: error },
        );
      }
      try {
        linkSync(join(directory, draft), mine);
      } catch (error) {
        await close(server);
        // Another process was faster: it has the number, or has tidied our draft away.
        if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) continue;
        throw error;
      } finally {
        rmSync(join(directory, draft), { force: true });
      }
      if (highestOwner(directory) !== before + 1) {
        await close(server);
        rmSync(mine, { force: true });
        continue;
      }
      for (const name of readdirSync(directory)) {
        const number = OWNER_PATTERN.exec(name)?.[1];
        const isPast = number !== undefined && Number(number) <= before;
        if (isPast || DRAFT_PATTERN.test(name)) rmSync(join(directory, name), { force: true });
      }
      return { release: () => close(server) };
    }
    throw new StoreLockedError(`store ${directory}: expected to take it within ${ATTEMPTS_MAX} attempts`);
  });
}
