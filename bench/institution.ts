// Operations a second through the adapter and the simulator as a process of its own, everything durable: authorisations
// alone, and whole charges (authorise, capture). `node --import ./bench/built.mjs bench/institution.ts [seconds]`
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { institutionCommand } from '../src/cli/commands/institution.ts';
import { testAccountNumbers } from '../src/institution/account-number.ts';
import { CardInstitution } from '../src/institution/card-institution.ts';
import type { CardOrder } from '../src/roles/settlement/institution.ts';
import { amountOf } from '../src/shared/amount.ts';
import { id } from '../src/shared/id.ts';
import { Random } from '../src/shared/random.ts';
import { LOADER } from './loader.ts';

const ACCOUNTS = 10_000;
const SEED = 1n;

if (process.argv[2] === 'serve') {
  await institutionCommand(() => {}).parseAsync(process.argv.slice(3), { from: 'user' });
} else {
  await measure(Number(process.argv[2] ?? 3));
}

async function measure(seconds: number): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'specie-bench-institution-'));
  const child = spawn(
    process.execPath,
    [
      ...LOADER,
      process.argv[1]!,
      'serve',
      'start',
      '--path',
      path,
      '--port',
      '0',
      '--admin-port',
      '0',
    ].concat(['--accounts', String(ACCOUNTS), '--balance', '1000000000000']),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const port = await new Promise<number>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const entry = JSON.parse(line) as { msg: string; port: number };
        if (entry.msg === 'listening') resolve(entry.port);
      });
    });
    for (const window of [1, 16, 256]) {
      const authorisations = await run(port, window, seconds, false);
      const charges = await run(port, window, seconds, true);
      process.stdout.write(
        `window ${String(window).padStart(3)}: ${authorisations} authorisations/s, ${charges} charges/s ` +
          '(authorise, capture)\n',
      );
    }
  } finally {
    child.kill('SIGKILL');
    rmSync(path, { recursive: true, force: true });
  }
}

/** Orders a second, with `window` of them under way at any time. */
async function run(port: number, window: number, seconds: number, captures: boolean): Promise<number> {
  const random = new Random(7n);
  const accountNumber = testAccountNumbers(SEED);
  const cards = new CardInstitution({ host: '127.0.0.1', port, window, random: () => random.float() });
  let done = 0;
  let end = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const order: CardOrder = {
        reference: id(),
        accountNumber: accountNumber(random.below(ACCOUNTS)),
        amount: amountOf(100n),
        currency: 978,
        time: BigInt(Date.now()) * 1_000_000n,
      };
      const outcome = await cards.authorise(order);
      if (outcome.kind !== 'approved') throw new Error(`expected approved, got ${JSON.stringify(outcome)}`);
      if (captures) {
        const captured = await cards.capture(order, outcome.institutionReference);
        if (captured.kind !== 'approved')
          throw new Error(`expected approved, got ${JSON.stringify(captured)}`);
      }
      done++;
    }
  };
  // Warm.
  end = performance.now() + 500;
  await Promise.all(Array.from({ length: window }, one));
  done = 0;
  const start = performance.now();
  end = start + seconds * 1_000;
  await Promise.all(Array.from({ length: window }, one));
  await cards.close();
  return Math.round((done * 1_000) / (performance.now() - start));
}
