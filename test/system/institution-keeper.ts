// Keeps the institution's simulator running as a process: when it dies, another one is started on the same books.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import type { Dials } from '../../src/institution/simulator/faults.ts';

const MAIN = join(import.meta.dirname, '../institution/institution.mjs');

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface InstitutionKeeperOptions {
  readonly path: string;
  readonly port: number;
  readonly paymentsPort: number;
  readonly accounts: number;
  readonly seed: bigint;
}

export class InstitutionKeeper {
  deaths = 0;
  readonly #options: InstitutionKeeperOptions;
  #child!: ChildProcess;
  #ended!: Promise<void>;
  #ready!: Promise<void>;
  #admin = '';
  #dials: Dials = {};
  #isClosing = false;
  /** How long it stays down when it dies. */
  #downMs = 0;

  private constructor(options: InstitutionKeeperOptions) {
    this.#options = options;
  }

  static async start(options: InstitutionKeeperOptions): Promise<InstitutionKeeper> {
    const keeper = new InstitutionKeeper(options);
    keeper.#ready = keeper.#begin();
    await keeper.#ready;
    return keeper;
  }

  async #begin(): Promise<void> {
    const { path, port, paymentsPort, accounts, seed } = this.#options;
    const books = ['--path', path, '--accounts', String(accounts), '--seed', String(seed)];
    const ports = ['--port', String(port), '--payments-port', String(paymentsPort), '--admin-port', '0'];
    const child = spawn(process.execPath, [MAIN, 'start', ...books, ...ports, '--log-level', 'info'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    living.add(child);
    this.#child = child;
    let output = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', () => {
        living.delete(child);
        resolve();
        if (!this.#isClosing) this.#bury();
      });
    });
    this.#admin = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const entry = JSON.parse(line) as { msg: string; admin: string };
        if (entry.msg === 'listening') resolve(entry.admin);
      });
      void this.#ended.then(() => reject(new Error(`expected the institution to start, got ${output}`)));
    });
    await this.#put(this.#dials);
  }

  #bury(): void {
    this.deaths++;
    const pause = new Promise<void>((resolve) => setTimeout(resolve, this.#downMs));
    this.#ready = pause.then(() => this.#begin());
    // Whoever waits for it hears of it; one that dies again is replaced again.
    this.#ready.catch(() => {});
  }

  async ready(): Promise<void> {
    for (let ready: Promise<void> | undefined; ready !== this.#ready; ) {
      ready = this.#ready;
      await ready.catch(() => {});
    }
  }

  /** Its operator's interface; another address after each death. */
  get admin(): string {
    return this.#admin;
  }

  /** Replaces all faults. @param afterDeath those of its next lives */
  async dial(dials: Dials, afterDeath: Dials = dials): Promise<void> {
    await this.ready();
    this.#dials = afterDeath;
    await this.#put(dials);
  }

  /** Replaces all that its side that makes payments does wrong; forgotten when it dies. */
  async dialPayments(dials: BankDials): Promise<void> {
    await this.ready();
    await putJson(`http://127.0.0.1:${this.#options.paymentsPort}/dials`, dials);
  }

  async #put(dials: Dials): Promise<void> {
    await putJson(`${this.#admin}/faults`, dials);
  }

  /** SIGKILL; it comes back after `downMs`. */
  async kill(downMs = 0): Promise<void> {
    this.#downMs = downMs;
    this.#child.kill('SIGKILL');
    await this.#ended;
    this.#downMs = 0;
  }

  async close(): Promise<void> {
    await this.ready();
    this.#isClosing = true;
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

async function putJson(url: string, content: object): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
}
