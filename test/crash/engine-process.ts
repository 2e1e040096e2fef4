// Starts, kills and stops engine processes (engine.mjs) and hears what they say.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { LedgerOptions, LedgerStatus } from '../../src/ledger/index.ts';
import type { RecoveryReport } from '../../src/ledger/recovery.ts';
import type { Random } from '../../src/shared/random.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SCRIPT = join(import.meta.dirname, 'engine.mjs');

export type EngineOptions = Pick<LedgerOptions, 'mapSizeBytes' | 'maintenance' | 'readers'> & {
  /** Listens there when given. */
  readonly port?: number;
  /** Largest file that the process may write, in bytes (RLIMIT_FSIZE). */
  readonly fileSizeMaxBytes?: number;
};

/** So small that a store of some thousand transfers is sealed, merged and checkpointed all the time. */
export const BUSY_MAINTENANCE = { sealEntries: 1500, checkpointBytesMin: 250_000, checkpointRatio: 0 };

export interface EngineReady {
  readonly url: string;
  readonly recovery: RecoveryReport;
  readonly digest: string;
}

export interface EngineStopped {
  readonly digest: string;
  readonly status: LedgerStatus;
}

export interface EngineFailure {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}

interface Line {
  readonly ready?: EngineReady;
  readonly stopped?: EngineStopped;
  readonly error?: EngineFailure;
  readonly event?: string;
  readonly detail?: Record<string, unknown>;
}

/** What became of an engine that was to start. */
export type Start =
  | { readonly kind: 'ready'; readonly ready: EngineReady }
  | { readonly kind: 'refused'; readonly error: EngineFailure }
  | { readonly kind: 'died'; readonly how: string };

/** Every source file that the engine is built from must be older than what was built. */
function checkBuilt(): void {
  for (const folder of [
    'channel',
    'journal',
    'kernel',
    'layout',
    'ledger',
    'pool',
    'shared',
    'state',
    'wire',
  ]) {
    for (const file of readdirSync(join(ROOT, 'src', folder))) {
      const source = join(ROOT, 'src', folder, file);
      const built = join(ROOT, 'dist', folder, file.replace(/\.ts$/, '.js'));
      if (!existsSync(built) || statSync(built).mtimeMs < statSync(source).mtimeMs) {
        throw new Error(`expected dist/ built from src/, but src/${folder}/${file} is newer: npm run build`);
      }
    }
  }
}
checkBuilt();

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class EngineProcess {
  /** What the ledger logged, in order. */
  readonly events: { readonly event: string; readonly detail: Record<string, unknown> }[] = [];
  /** Settles when it listens, has refused, or has ended without a word. */
  readonly started: Promise<Start>;
  /** Exit code or signal. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #stopped: EngineStopped | undefined;
  #error: EngineFailure | undefined;
  #complaints = '';

  constructor(path: string, options: EngineOptions = {}) {
    const { fileSizeMaxBytes, ...rest } = options;
    const command = [process.execPath, SCRIPT, path, JSON.stringify(rest)];
    if (fileSizeMaxBytes !== undefined) command.unshift('prlimit', `--fsize=${fileSizeMaxBytes}`);
    this.#child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
    living.add(this.#child);
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#complaints += data;
    });
    let settle: (start: Start) => void;
    this.started = new Promise((resolve) => {
      settle = resolve;
    });
    createInterface({ input: this.#child.stdout! }).on('line', (text) => {
      const line = parseLine(text);
      if (line.event !== undefined) this.events.push({ event: line.event, detail: line.detail! });
      if (line.stopped !== undefined) this.#stopped = line.stopped;
      if (line.ready !== undefined) settle({ kind: 'ready', ready: line.ready });
      if (line.error !== undefined) {
        this.#error = line.error;
        settle({ kind: 'refused', error: line.error });
      }
    });
    this.ended = new Promise((resolve) => {
      // 'close' comes after the last line.
      this.#child.once('close', (code, signal) => {
        living.delete(this.#child);
        const how = String(signal ?? code);
        settle({ kind: 'died', how: `${how} ${this.#complaints}`.trim() });
        resolve(how);
      });
    });
  }

  /** Resolves when the engine listens; rejects when it does not. */
  static async start(
    path: string,
    options: EngineOptions = {},
  ): Promise<EngineProcess & { ready: EngineReady }> {
    const engine = new EngineProcess(path, options);
    const start = await engine.started;
    if (start.kind !== 'ready') throw new Error(`expected the engine to start, got ${JSON.stringify(start)}`);
    return Object.assign(engine, { ready: start.ready });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isAlive(): boolean {
    return living.has(this.#child);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGTERM; rejects when the engine does not end cleanly within `timeoutMs`. */
  async stop(timeoutMs = 20_000): Promise<EngineStopped> {
    this.#child.kill('SIGTERM');
    return this.cleanEnd(timeoutMs);
  }

  /** Of an engine that stops by itself, or has been told to. */
  async cleanEnd(timeoutMs = 20_000): Promise<EngineStopped> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    const how = await this.ended;
    clearTimeout(timer);
    if (this.#stopped === undefined || how !== '0') {
      const said = JSON.stringify(this.#error ?? null);
      throw new Error(`expected a clean end, got ${how}, error ${said}, stderr: ${this.#complaints}`);
    }
    return this.#stopped;
  }
}

function parseLine(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    // Cut short by a kill.
    return {};
  }
}

/** Opens the store without a server, says what was found, and closes it. */
export async function probe(path: string, options: EngineOptions = {}): Promise<Start> {
  const engine = new EngineProcess(path, options);
  const start = await engine.started;
  if (start.kind === 'ready') await engine.cleanEnd();
  else await engine.ended;
  return start;
}

/** The digest of the state that a store's journal gives; the engine must open. */
export async function digestOf(path: string, options: EngineOptions = {}): Promise<string> {
  const start = await probe(path, options);
  if (start.kind !== 'ready') throw new Error(`expected the engine to start, got ${JSON.stringify(start)}`);
  return start.ready.digest;
}

/**
 * A port that is free and below those that the system gives to clients: otherwise one of them could have it while the
 * engine is down, a client that tries to connect included.
 */
export async function freePort(random: Random): Promise<number> {
  for (;;) {
    const port = 10_000 + random.below(20_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
