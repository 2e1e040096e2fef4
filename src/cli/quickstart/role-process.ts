// A role, or the institution's simulator, as a process of its own, started and watched by quickstart.
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../exit-codes.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
const LAST_LINES = 5;

export interface ProcessOptions {
  /** `cash`, `institution` … */
  readonly name: string;
  /** Of `specie`. */
  readonly args: readonly string[];
  /** What it logs is added there. */
  readonly logPath: string;
  /** It ended, and nobody had stopped it. */
  readonly onLost: (error: CommandError) => void;
}

/** Exit code, or the signal. */
type Ending = number | string;

/** Where this code runs from TypeScript sources, the roles do so too. */
function entry(): string {
  return fileURLToPath(new URL(`../main.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));
}

const running = new Set<ChildProcess>();

/** However this process ends, as long as it can still do something: none of the others is left behind. */
function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** What is set for other commands must not reach these. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SPECIE_')));
}

export class RoleProcess {
  readonly name: string;
  /** What it logged when it began to take requests. */
  readonly listening: Readonly<Record<string, unknown>>;
  readonly startSeconds: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  readonly #watch: { isExpectedToEnd: boolean };

  private constructor(
    name: string,
    listening: Readonly<Record<string, unknown>>,
    startSeconds: number,
    child: ChildProcess,
    ended: Promise<Ending>,
    watch: { isExpectedToEnd: boolean },
  ) {
    this.name = name;
    this.listening = listening;
    this.startSeconds = startSeconds;
    this.#child = child;
    this.#ended = ended;
    this.#watch = watch;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when it takes requests. @throws CommandError */
  static async start({ name, args, logPath, onLost }: ProcessOptions): Promise<RoleProcess> {
    const began = performance.now();
    const child = spawn(process.execPath, [...process.execArgv, entry(), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
    });
    const kill = (): void => {
      child.kill('SIGKILL');
    };
    running.add(child);
    if (running.size === 1) process.once('exit', killAll);
    const log = createWriteStream(logPath, { flags: 'a' });
    const lastLines: string[] = [];
    const keep = (line: string): void => {
      log.write(`${line}\n`);
      lastLines.push(line);
      if (lastLines.length > LAST_LINES) lastLines.shift();
    };
    createInterface({ input: child.stderr! }).on('line', keep);
    const watch = { isExpectedToEnd: true };
    const ended = new Promise<Ending>((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'an error'));
      child.once('error', (error) => {
        keep(error.message);
        resolve('an error');
      });
    }).finally(() => {
      running.delete(child);
      if (running.size === 0) process.removeListener('exit', killAll);
      log.end();
    });
    const listening = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      const timer = setTimeout(() => {
        kill();
        reject(
          new CommandError(
            `${name}: expected it to listen within ${START_TIMEOUT_MS} ms; its log: ${logPath}`,
          ),
        );
      }, START_TIMEOUT_MS);
      createInterface({ input: child.stdout! }).on('line', (line) => {
        keep(line);
        if (!line.includes('"listening"')) return;
        const fields = JSON.parse(line) as Record<string, unknown>;
        if (fields.msg !== 'listening') return;
        clearTimeout(timer);
        resolve(fields);
      });
      void ended.then((code) => {
        clearTimeout(timer);
        const last = lastLines.join('\n');
        reject(new CommandError(`${name}: expected it to listen, but it ended with ${code}:\n${last}`));
        if (!watch.isExpectedToEnd) {
          onLost(new CommandError(`${name}: expected it to run on, but it ended with ${code}:\n${last}`));
        }
      });
    });
    const fields = await listening;
    watch.isExpectedToEnd = false;
    return new RoleProcess(name, fields, (performance.now() - began) / 1000, child, ended, watch);
  }

  /** Ends it as an operator would. @throws CommandError unless it ends with 0 */
  async stop(): Promise<void> {
    this.#watch.isExpectedToEnd = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await this.#ended;
    clearTimeout(timer);
    if (code !== 0) throw new CommandError(`${this.name}: expected it to end with 0, got ${code}`);
  }

  /** Ends it as a crash would; does nothing to one that has ended. */
  async crash(): Promise<void> {
    this.#watch.isExpectedToEnd = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
