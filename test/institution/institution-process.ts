// The simulator as a process, that can be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { SEED } from './support.ts';

const MAIN = fileURLToPath(new URL('./institution.mjs', import.meta.url));

export interface InstitutionProcess {
  readonly port: number;
  readonly admin: string;
  /** Exit code or signal. */
  readonly ended: Promise<string>;
  kill(signal?: NodeJS.Signals): Promise<string>;
  /** All that it wrote. */
  output(): string;
}

export async function startInstitution(
  path: string,
  more: readonly string[] = [],
): Promise<InstitutionProcess> {
  const args = ['start', '--path', path, '--accounts', '100', '--seed', String(SEED), '--balance', '1000000'];
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, ...args, '--admin-port', '0', ...(more.includes('--port') ? [] : ['--port', '0']), ...more],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const listening = await new Promise<{ port: number; admin: string }>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      output += `${line}\n`;
      const entry = JSON.parse(line) as { msg: string; port: number; admin: string };
      if (entry.msg === 'listening') resolve(entry);
    });
    ended.then((how) => reject(new Error(`the institution ended with ${how}: ${output}`)));
  });
  return {
    port: listening.port,
    admin: listening.admin,
    ended,
    output: () => output,
    kill: (signal = 'SIGKILL') => {
      child.kill(signal);
      return ended;
    },
  };
}
