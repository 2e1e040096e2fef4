// Runs `specie` as the process that a user starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function spawnSpecie(args: readonly string[], input?: string): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, SPECIE_URL: undefined, SPECIE_PATH: undefined, SPECIE_PORT: undefined },
  });
  child.stdin!.end(input);
  return child;
}

export function specie(args: readonly string[], input?: string): Promise<Finished> {
  const child = spawnSpecie(args, input);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export interface RunningEngine {
  readonly url: string;
  readonly log: readonly Record<string, unknown>[];
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `specie start` on a free port; resolves when it listens. */
export async function startEngine(path: string, more: readonly string[] = []): Promise<RunningEngine> {
  const child = spawnSpecie(['start', '--path', path, '--port', '0', ...more]);
  const log: Record<string, unknown>[] = [];
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry.msg === 'listening') resolve(entry.url as string);
    });
    ended.then((code) => reject(new Error(`the engine ended with ${code}: ${stderr}`)));
  });
  return {
    url,
    log,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}
