// Processes of a benchmark: the engine, and whoever puts load on it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LedgerStatus } from '../src/ledger/index.ts';
import type { RecoveryReport } from '../src/ledger/recovery.ts';
import type { LoadOptions, LoadReport } from './load-client.ts';
import { LOADER } from './loader.ts';

function start(script: string, args: string[]): { child: ChildProcess; line: () => Promise<string> } {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...LOADER, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    line: async () => {
      const { value, done } = await lines.next();
      if (done)
        throw new Error(
          `${script}: expected a line, but it ended with ${child.exitCode ?? child.signalCode}`,
        );
      return value;
    },
  };
}

export interface EngineEnd {
  readonly digest: string;
  readonly status: LedgerStatus;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export interface EngineProcess {
  readonly url: string;
  readonly recovery: RecoveryReport;
  /** Until it listens. */
  readonly startSeconds: number;
  readonly pid: number;
  stop(): Promise<EngineEnd>;
  kill(): Promise<void>;
}

export async function startEngine(
  path: string,
  options: Record<string, unknown> = {},
): Promise<EngineProcess> {
  const started = performance.now();
  const { child, line } = start('./serve.ts', [path, JSON.stringify(options)]);
  const exited = once(child, 'exit');
  const ready = JSON.parse(await line()) as { url: string; recovery: RecoveryReport };
  return {
    ...ready,
    pid: child.pid!,
    startSeconds: (performance.now() - started) / 1000,
    async stop() {
      child.kill('SIGTERM');
      const end = JSON.parse(await line()) as EngineEnd;
      await exited;
      return end;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export async function runLoad(url: string, options: LoadOptions): Promise<LoadReport> {
  const { child, line } = start('./load-client.ts', [url, JSON.stringify(options)]);
  const exited = once(child, 'exit');
  const report = JSON.parse(await line()) as LoadReport;
  await exited;
  return report;
}
