// Runs victim.mjs: a cash role in a process of its own, which ends itself where it is told to.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BALANCE_MAX, CASH_KEY, CASH_SEALING_KEY, EUR, SETTLEMENT_KEY } from './support.ts';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export interface Call {
  readonly peer: 'role' | 'operator';
  readonly operation: number;
  readonly messages: readonly string[];
}

export type Run =
  | { readonly kind: 'killed'; readonly at: string }
  | { readonly kind: 'answered'; readonly answers: string[][] };

/** @param killAt the step to end at; -1: none */
export function run(
  path: string,
  calls: readonly Call[],
  killAt: number,
  operatorKey = new Uint8Array(32),
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'victim.mjs'), path], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ kind: 'killed', at: said });
      else if (code === 0) resolve({ kind: 'answered', answers: JSON.parse(said) });
      else reject(new Error(`the victim ended by itself: ${errors}`));
    });
    child.stdin.end(
      JSON.stringify({
        settlementKey: hex(SETTLEMENT_KEY.publicKey),
        cashSecretKey: hex(CASH_KEY.secretKey),
        cashPublicKey: hex(CASH_KEY.publicKey),
        sealingSecretKey: hex(CASH_SEALING_KEY.secretKey),
        sealingPublicKey: hex(CASH_SEALING_KEY.publicKey),
        operatorKey: hex(operatorKey),
        currency: EUR,
        balanceMax: String(BALANCE_MAX),
        killAt,
        calls,
      }),
    );
  });
}
