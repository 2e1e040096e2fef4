// The engine as a process of its own, started and watched by quickstart.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../exit-codes.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
const LAST_LINES = 5;

export interface Recovery {
  readonly replayedOps: number;
  readonly replayedRecords: number;
  readonly loadMs: number;
  readonly replayMs: number;
}

/** Where this code runs from TypeScript sources, the engine does so too. */
function entry(): string {
  return fileURLToPath(new URL(`../main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
}

export class EngineProcess {
  readonly url: string;
  readonly recovery: Recovery;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, ended: Promise<number | null>, url: string, recovery: Recovery) {
    this.#child = child;
    this.#ended = ended;
    this.url = url;
    this.recovery = recovery;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when the engine takes requests; its log is added to `logPath`. @throws CommandError */
  static async start(path: string, port: number, logPath: string): Promise<EngineProcess> {
    const child = spawn(
      process.execPath,
      [...process.execArgv, entry(), 'start', '--path', path, '--port', String(port)],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SPECIE_LOG_LEVEL: 'info' } },
    );
    const log = createWriteStream(logPath, { flags: 'a' });
    const lastLines: string[] = [];
    const keep = (line: string): void => {
      log.write(`${line}\n`);
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
    };
    createInterface({ input: child.stderr! }).on('line', keep);
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', (code) => {
        log.end();
        resolve(code);
      });
      child.once('error', () => resolve(null));
    });
    const listening = new Promise<{ url: string; recovery: Recovery }>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(
          new CommandError(
            `engine: expected it to listen within ${START_TIMEOUT_MS} ms; its log: ${logPath}`,
          ),
        );
      }, START_TIMEOUT_MS);
      createInterface({ input: child.stdout! }).on('line', (line) => {
        keep(line);
        if (!line.includes('"listening"')) return;
        const { msg, url, recovery } = JSON.parse(line) as { msg: string; url: string; recovery: Recovery };
        if (msg !== 'listening') return;
        clearTimeout(timer);
        resolve({ url, recovery });
      });
      ended.then((code) => {
        clearTimeout(timer);
        reject(
          new CommandError(
            `engine: expected it to listen, but it ended with ${code}:\n${lastLines.join('\n')}`,
          ),
        );
      });
    });
    const { url, recovery } = await listening;
    return new EngineProcess(child, ended, url, recovery);
  }

  /** Ends it as an operator would. @throws CommandError unless it ends with 0 */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    if (code !== 0) throw new CommandError(`engine: expected it to end with 0, got ${code}`);
  }

  /** Ends it as a crash would. */
  async crash(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
