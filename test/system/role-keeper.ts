// Keeps roles of a home running in a process (role-process.mjs), or a shop (shop-process.mjs): when it dies, another one is
// started at once.
//
//     life 1 ── killed at its point ──▶ life 2 ── killed, if there is a second point ──▶ … ──▶ last life
//
// A spare process, with everything loaded, stands by: what a restart takes is then what the roles take.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RoleName } from '../../src/identity/roles.ts';

const SCRIPTS = { roles: 'role-process.mjs', shop: 'shop-process.mjs' } as const;
/** A shop has a home of its own. */
export type KeptRole = RoleName | 'shop';
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
const COMPLAINTS_MAX = 60;

/** Where a life is to end; points are counted from when it was armed. */
export type Kill =
  /** Where this point is reached for the n-th time. */
  | { readonly point: string; readonly nth: number }
  /** At the n-th point, whatever it is. */
  | { readonly number: number }
  /** At the first that matches (a regular expression), and is not among these. */
  | { readonly only: string; readonly except: readonly string[] };

/** Asked at the beginning of each life, with the lives before it since it was armed. undefined: it is to live. */
export type Plan = (deaths: readonly Death[]) => Kill | undefined;

interface Line {
  readonly loaded?: true;
  readonly started?: true;
  readonly passed?: readonly string[];
  readonly died?: readonly string[];
  readonly stopped?: true;
  readonly failed?: string;
}

/** All processes of the tests end with the tests. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

class RoleProcess {
  readonly complaints: string[] = [];
  hasFailed = false;
  /** How it ended, and what it passed if it killed itself. */
  readonly ended: Promise<{ readonly how: string; readonly died: readonly string[] | undefined }>;
  readonly #child: ChildProcess;
  readonly #heard: Line[] = [];
  #waiting: { wanted: keyof Line; resolve(line: Line): void; reject(error: Error): void } | undefined;
  #died: readonly string[] | undefined;
  #end: string | undefined;

  constructor(home: string, roles: readonly KeptRole[], more: readonly string[]) {
    const script = roles.includes('shop') ? SCRIPTS.shop : SCRIPTS.roles;
    this.#child = fork(join(import.meta.dirname, script), [home, ...roles, ...more], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Not those of the test's process.
      execArgv: [],
    });
    living.add(this.#child);
    this.#child.on('error', () => {});
    createInterface({ input: this.#child.stderr! }).on('line', (line) => {
      this.complaints.push(line);
      if (this.complaints.length > COMPLAINTS_MAX) this.complaints.shift();
    });
    createInterface({ input: this.#child.stdout! }).on('line', (text) => this.#hear(text));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        living.delete(this.#child);
        this.#end = String(signal ?? code);
        this.#waiting?.reject(
          new Error(`role process ended with ${this.#end}: ${this.complaints.join('\n')}`),
        );
        resolve({ how: this.#end, died: this.#died });
      });
    });
  }

  #hear(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      // Cut short by a kill.
      return;
    }
    if (line.died !== undefined) this.#died = line.died;
    if (line.failed !== undefined) {
      this.hasFailed = true;
      this.complaints.push(line.failed);
      this.#child.kill('SIGKILL');
    }
    if (this.#waiting !== undefined && this.#waiting.wanted in line) {
      this.#waiting.resolve(line);
      this.#waiting = undefined;
    } else this.#heard.push(line);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  tell(message: object): void {
    // It may be dead already; whoever waits for an answer hears of that.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  hear(wanted: keyof Line): Promise<Line> {
    const at = this.#heard.findIndex((line) => wanted in line);
    if (at >= 0) return Promise.resolve(this.#heard.splice(at, 1)[0]!);
    if (this.#end !== undefined) return Promise.reject(new Error(`role process ended with ${this.#end}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(new Error(`expected the role process to say "${wanted}": ${this.complaints.join('\n')}`)),
        START_MS_MAX,
      );
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          settle(value);
        };
      this.#waiting = { wanted, resolve: done(resolve), reject: done(reject) };
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

export interface RoleKeeperOptions {
  readonly home: string;
  /** In one process; a shop alone. */
  readonly roles: readonly KeptRole[];
  /** A process with everything loaded stands by. Costs memory and, once a restart, as much work as without. */
  readonly spare?: boolean;
  /** Instead of five seconds. */
  readonly institutionTimeoutMs?: number;
}

/** A life that ended by SIGKILL. */
export interface Death {
  /** Points passed since it was armed, the one where it died included; undefined: it was killed from outside. */
  readonly passed: readonly string[] | undefined;
}

export class RoleKeeper {
  readonly roles: readonly KeptRole[];
  readonly deaths: Death[] = [];
  /** From the death of a process until its successor listens. */
  readonly restartsMs: number[] = [];
  readonly #options: RoleKeeperOptions;
  #current!: RoleProcess;
  #spare: RoleProcess | undefined;
  #plan: Plan = () => undefined;
  /** Settles when the present process listens. */
  #ready!: Promise<void>;
  #isClosing = false;
  #downMs = 0;
  #fault: Error | undefined;

  private constructor(options: RoleKeeperOptions) {
    this.#options = options;
    this.roles = options.roles;
  }

  static async start(options: RoleKeeperOptions): Promise<RoleKeeper> {
    const keeper = new RoleKeeper(options);
    keeper.#ready = keeper.#begin(keeper.#make());
    await keeper.#ready;
    return keeper;
  }

  #make(): RoleProcess {
    const { home, roles, institutionTimeoutMs } = this.#options;
    const more =
      institutionTimeoutMs === undefined ? [] : ['--institution-timeout', String(institutionTimeoutMs)];
    return new RoleProcess(home, roles, more);
  }

  async #begin(process: RoleProcess): Promise<void> {
    this.#current = process;
    void process.ended.then(({ how, died }) => {
      if (!this.#isClosing) this.#bury(process, how, died);
    });
    await process.hear('loaded');
    process.tell({ start: { kill: this.#plan(this.deaths) } });
    await process.hear('started');
    // Not before: it would take the processor from the one that is waited for.
    if (this.#options.spare === true && !this.#isClosing) this.#spare ??= this.#make();
  }

  #bury(process: RoleProcess, how: string, died: readonly string[] | undefined): void {
    if (how !== 'SIGKILL' || process.hasFailed) {
      // It was not killed: it has failed.
      this.#fault ??= new Error(`${this.roles}: ended with ${how}: ${process.complaints.join('\n')}`);
    }
    this.deaths.push({ passed: died });
    const since = performance.now();
    const next = this.#spare ?? this.#make();
    this.#spare = undefined;
    const pause = new Promise<void>((resolve) => setTimeout(resolve, this.#downMs));
    this.#ready = pause
      .then(() => this.#begin(next))
      .then(() => {
        this.restartsMs.push(performance.now() - since);
      });
    // A life that is killed before it listens is replaced like any other.
    this.#ready.catch(() => {});
  }

  get pid(): number {
    return this.#current.pid;
  }

  /** Resolves when a process listens. @throws Error when one has failed by itself */
  async ready(): Promise<void> {
    for (let ready: Promise<void> | undefined; ready !== this.#ready; ) {
      ready = this.#ready;
      await ready.catch(() => {});
    }
    if (this.#fault !== undefined) throw this.#fault;
    // What it has failed of, if it has.
    await this.#ready;
  }

  /** From here on lives end as planned, the present one first; deaths and points of before are forgotten. */
  async arm(plan: Plan): Promise<void> {
    await this.ready();
    this.deaths.length = 0;
    this.#plan = plan;
    this.#current.tell({ arm: { kill: plan([]) } });
  }

  /** Nothing is to die any more. @returns the points that the last life has passed */
  async disarm(): Promise<readonly string[]> {
    this.#plan = () => undefined;
    for (;;) {
      await this.ready();
      const process = this.#current;
      process.tell({ disarm: true });
      try {
        return (await process.hear('passed')).passed!;
      } catch (error) {
        // It died of the point that it had been told of.
        if (process === this.#current && this.#fault !== undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** From outside; another one is started after `downMs`. */
  async kill(downMs = 0): Promise<void> {
    const process = this.#current;
    this.#downMs = downMs;
    process.kill();
    await process.ended;
    this.#downMs = 0;
  }

  /** In good order. */
  async close(): Promise<void> {
    await this.ready().catch(() => {});
    this.#isClosing = true;
    this.#spare?.kill();
    this.#current.tell({ stop: true });
    const timer = setTimeout(() => this.#current.kill(), STOP_MS_MAX);
    const [{ how }] = await Promise.all([this.#current.ended, this.#spare?.ended]);
    clearTimeout(timer);
    if (this.#fault !== undefined) throw this.#fault;
    if (how !== '0')
      throw new Error(
        `${this.roles}: expected it to stop, got ${how}: ${this.#current.complaints.join('\n')}`,
      );
  }
}
