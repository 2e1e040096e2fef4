// The simulator as a process: killed in mid-load, dying by itself, its commands, and what it shows.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { institutionCommand } from '../../src/cli/commands/institution.ts';
import { ExitCode } from '../../src/cli/exit-codes.ts';
import { Books } from '../../src/institution/simulator/books.ts';
import type { CardOrder } from '../../src/roles/settlement/institution.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { Random } from '../../src/shared/random.ts';
import { startInstitution } from './institution-process.ts';
import { accountNumber, adapter, anOrder, eventually, temporaryDirectory } from './support.ts';

/** Every digit string that could be an account number in the clear. */
const IN_THE_CLEAR = /99990\d{11}/;

async function command(...args: string[]): Promise<{ out: string; notes: string; code: ExitCode }> {
  let out = '';
  let notes = '';
  let code: ExitCode = ExitCode.ok;
  const program = institutionCommand(
    (exit) => {
      code = exit;
    },
    {
      write: (text) => {
        out += text;
      },
      note: (line) => {
        notes += `${line}\n`;
      },
      interactive: false,
    },
  );
  await program.parseAsync(args, { from: 'user' });
  return { out, notes, code };
}

test('kill -9 in mid-load, again and again: what was acknowledged is there, once', async () => {
  const path = temporaryDirectory();
  const random = new Random(31n);
  /** What the adapter was told, by order. */
  const told = new Map<CardOrder, 'authorised' | 'captured' | 'reversed'>();
  const references = new Map<CardOrder, string>();
  for (let round = 0; round < 5; round++) {
    const bank = await startInstitution(path);
    const cards = adapter(bank.port, { window: 64, timeoutMs: 3_000 });
    await eventually(() => cards.isConnected).toBe(true);
    let isRunning = true;
    const one = async (): Promise<void> => {
      while (isRunning) {
        const order = anOrder({
          accountNumber: accountNumber(random.below(100)),
          amount: amountOf(BigInt(1 + random.below(50))),
        });
        const outcome = await cards.authorise(order);
        if (outcome.kind !== 'approved') continue;
        told.set(order, 'authorised');
        references.set(order, outcome.institutionReference);
        const choice = random.below(3);
        if (choice >= 1 && (await cards.capture(order, outcome.institutionReference)).kind === 'approved') {
          told.set(order, 'captured');
        }
        if (choice === 2 && (await cards.reverse(order)).kind === 'reversed') told.set(order, 'reversed');
      }
    };
    const load = Array.from({ length: 48 }, one);
    await new Promise((resolve) => setTimeout(resolve, 60 + random.below(150)));
    const dead = bank.kill();
    isRunning = false;
    expect(await dead).toBe('SIGKILL');
    // What waits for a connection need not wait for its time to be over.
    await cards.close();
    await Promise.all(load);
    expect(bank.output()).not.toMatch(IN_THE_CLEAR);
  }
  expect(told.size).toBeGreaterThan(50);

  const bank = await startInstitution(path);
  const cards = adapter(bank.port);
  // What was told is there; what was asked for next, and not answered, may be.
  const may = {
    authorised: ['authorised', 'captured', 'reversed'],
    captured: ['captured', 'reversed'],
    reversed: ['reversed'],
  };
  await Promise.all(
    [...told].map(async ([order, standing]) => {
      const found = await cards.inquire(order);
      expect(may[standing]).toContain(found.kind);
      if ('institutionReference' in found) expect(found.institutionReference).toBe(references.get(order));
    }),
  );
  await cards.close();
  expect(await bank.kill('SIGTERM')).toBe('0');

  const books = Books.open({ path });
  for (const { initial, available, held, captured } of books.accounts('', 1_000)) {
    expect(available + held + captured).toBe(initial);
  }
  const seen = new Set<string>();
  for (const { reference, kind } of books.statement(1n, 1_000_000)) {
    const key = `${reference} ${kind}`;
    expect(seen.has(key)).toBe(false);
    seen.add(key);
  }
  await books.close();
});

test('a dialled death is a real one, before or after the work is durable', async () => {
  for (const [action, standing] of [
    ['die_before', 'not_found'],
    ['die_after', 'authorised'],
  ] as const) {
    const path = temporaryDirectory();
    const bank = await startInstitution(path);
    await command('faults', '--admin', bank.admin, '--add', `${action} on=authorise nth=1`);
    const cards = adapter(bank.port);
    const order = anOrder();
    expect((await cards.authorise(order)).kind).toBe('unknown');
    expect(await bank.ended).toBe('SIGKILL');
    await startInstitution(path, ['--port', String(bank.port)]);
    expect((await cards.inquire(order)).kind).toBe(standing);
  }
});

test('statement, accounts and faults by command; account numbers are masked everywhere', async () => {
  const path = temporaryDirectory();
  const file = join(path, 'faults.json');
  const number = accountNumber(7);
  writeFileSync(file, JSON.stringify({ faults: [{ do: 'decline', code: '61', account: number }] }));
  const bank = await startInstitution(join(path, 'books'), ['--faults', file]);
  const cards = adapter(bank.port);
  const order = anOrder();
  const outcome = await cards.authorise(order);
  await cards.capture(order, outcome.kind === 'approved' ? outcome.institutionReference : '');
  expect(await cards.authorise(anOrder({ accountNumber: number }))).toMatchObject({ reason: 'over_limit' });

  const { admin } = bank;
  const rows = async (what: string, ...more: string[]) =>
    (await command(what, '--admin', admin, '--json', ...more)).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const statement = await rows('statement');
  const masked = `${order.accountNumber.slice(0, 6)}******${order.accountNumber.slice(-4)}`;
  const reference = order.reference.toString(16).toUpperCase().padStart(32, '0');
  expect(statement).toMatchObject([
    { sequence: '1', kind: 'authorise', reference, amount: '1234', currency: 978, account: masked },
    { sequence: '2', kind: 'capture', reference, amount: '1234', institution_reference: '000001' },
    { sequence: '3', kind: 'decline', response_code: '61' },
  ]);
  expect(await rows('statement', '--from', '3')).toHaveLength(1);
  const table = await command('statement', '--admin', admin);
  expect(table.out).toMatch(/capture .* 12\.34 {2}EUR {7}999900\*{6}\d{4}/);

  const accounts = await rows('accounts');
  // A hundred, and the three special ones that have an account.
  expect(accounts).toHaveLength(103);
  expect(accounts).toContainEqual({
    account: masked,
    state: 'active',
    currency: 978,
    initial: '1000000',
    available: '998766',
    held: '0',
    captured: '1234',
  });
  expect((await command('accounts', '--admin', admin)).out).toContain('9987.66');

  const faults = JSON.parse((await command('faults', '--admin', admin)).out) as object;
  expect(faults).toMatchObject({ latency: { ms: 0 }, faults: [{ do: 'decline', code: '61', fired: 1 }] });
  const added = await command(
    'faults',
    '--admin',
    admin,
    '--add',
    'late ms=5 on=inquire',
    '--latency',
    '2:0.5',
  );
  expect(JSON.parse(added.out)).toMatchObject({
    latency: { medianMs: 2, sigma: 0.5 },
    faults: [{ do: 'decline' }, { do: 'late', ms: 5, on: 'inquire' }],
  });
  await expect(command('faults', '--admin', admin, '--add', 'late')).rejects.toThrow(/faults\.0\.ms/);
  const cleared = await command('faults', '--admin', admin, '--clear');
  expect(JSON.parse(cleared.out)).toEqual({ latency: { ms: 0 }, faults: [] });

  const everything = [JSON.stringify(statement), JSON.stringify(accounts), added.out, JSON.stringify(faults)];
  expect([table.out, bank.output(), ...everything].join('')).not.toMatch(IN_THE_CLEAR);
  expect(await bank.kill('SIGTERM')).toBe('0');
  await expect(command('accounts', '--admin', admin)).rejects.toMatchObject({
    exitCode: ExitCode.unreachable,
  });
});

test('numbers: those of the accounts, and the special ones', async () => {
  const { out } = await command('numbers', '--seed', '42', '--count', '3');
  expect(out).toBe([0, 1, 2].map((i) => `${accountNumber(i)}\n`).join(''));
  const special = await command('numbers', '--special');
  expect(special.out.split('\n')).toHaveLength(5);
  expect(special.out).toMatch(/^9999010000000\d{3} {2}insufficientFunds$/m);
});

test('books refuse other accounts than they were made with', async () => {
  const path = temporaryDirectory();
  await Books.open({ path, accounts: 3, seed: 9n }).close();
  expect(() => Books.open({ path, accounts: 4 })).toThrow(/expected accounts 3, .* got 4/);
  await expect(command('start', '--path', path, '--seed', '8', '--port', '0')).rejects.toThrow(
    /expected seed 9/,
  );
  const books = Books.open({ path });
  expect(books.origin).toMatchObject({ accounts: 3, seed: 9n });
  await books.close();
});
