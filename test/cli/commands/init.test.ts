import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initCommand } from '../../../src/cli/commands/init.ts';
import { keysCommand } from '../../../src/cli/commands/keys.ts';
import { CommandError } from '../../../src/cli/exit-codes.ts';

let folder: string;
let home: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'specie-cli-'));
  home = join(folder, 'home');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One command line, in this process. */
async function specie(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const output = {
    write: (text: string) => {
      stdout += text;
    },
    note: (line: string) => {
      stderr += `${line}\n`;
    },
    interactive: false,
  };
  const program = new Command('specie');
  for (const command of [initCommand(output), keysCommand(output)]) {
    program.addCommand(
      command.exitOverride().configureOutput({ writeOut: output.write, writeErr: output.note }),
    );
  }
  let code = 0;
  let message = '';
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    code = error instanceof CommandError ? error.exitCode : 1;
    message = (error as Error).message;
  }
  return { code, stdout, stderr, message };
}

describe('specie init', () => {
  test('says what each file is, and which one to put away', async () => {
    const { code, stdout } = await specie('init', '--home', home);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^made +\S+root\.key +root key: signs the directory; put it away offline$/m);
    expect(stdout).toMatch(/^made +\S+directory\.json/m);
    expect(stdout).toMatch(/^Root key: SHA256:\S{43}$/m);
    expect(stdout).toContain(`Put ${join(home, 'keys/root.key')} away offline`);
  });

  test('again, as JSON', async () => {
    const { stdout } = await specie('init', '--home', home, '--json');
    const report = JSON.parse(stdout) as { items: { state: string }[]; fingerprint: string; serial: string };
    expect(report.items.map(({ state }) => state)).toEqual(Array(10).fill('found'));
    expect(report.serial).toMatch(/^\d+$/);
    expect((await specie('init', '--home', home)).stdout).toContain('was complete: nothing was changed');
  });

  test('with a passphrase file and an own currency', async () => {
    const other = join(folder, 'other');
    const passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, 'correct horse battery\n', { mode: 0o600 });
    const given = ['--home', other, '--passphrase-file', passphraseFile];
    const { code, stdout, stderr } = await specie('init', ...given, '--currency', '1000=tok:0');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('correct');
    expect(JSON.parse(readFileSync(join(other, 'specie.json'), 'utf8'))).toMatchObject({
      currency: 'TOK',
      operatorCurrencies: ['1000=tok:0'],
    });
    expect(JSON.parse(readFileSync(join(other, 'keys/root.key'), 'utf8'))).toMatchObject({
      encryption: { name: 'scrypt', log2N: 17 },
    });
    expect((await specie('keys', 'show', '--home', other)).stdout).toContain('(encrypted)');
    expect((await specie('keys', 'rotate', 'cash', ...given)).code).toBe(0);
  });

  test.each([
    [['--currency', 'USD'], 1, 'currency: expected USD, as asked for now, got EUR'],
    [['--currency', '12=X'], 1, 'operator currency: expected <ledger>[=<code>][:<exponent>], got "12=X"'],
    [['--passphrase-file', '/nonexistent'], 1, '/nonexistent: expected a file, got none'],
  ])('%j ends with %d', async (args, code, message) => {
    const result = await specie('init', '--home', home, ...args);
    expect(result.code).toBe(code);
    expect(result.message).toContain(message);
  });
});

describe('specie keys', () => {
  test('list', async () => {
    const { stdout } = await specie('keys', 'list', '--home', home);
    for (const role of ['management', 'cash', 'settlement', 'issuer', 'receiver']) {
      expect(stdout).toMatch(new RegExp(`^${role} +1 +in use .* no end .*${role}/1.key$`, 'm'));
    }
  });

  test('show', async () => {
    const { stdout } = await specie('keys', 'show', '--home', home);
    expect(stdout).toMatch(/^root key {3}SHA256:\S+ \(here\)$/m);
    expect(stdout).toMatch(/^settlement +ws:\/\/127\.0\.0\.1:7880\/v1$/m);
    expect(stdout).toMatch(/^operator +SHA256:\S+ +no end$/m);
    const shown = JSON.parse((await specie('keys', 'show', '--home', home, '--json')).stdout) as object;
    expect(shown).toMatchObject({ rootKey: 'here', roles: [{ role: 'management' }, {}, {}, {}, {}] });
  });

  test('rotate, list and retire', async () => {
    const rotated = await specie('keys', 'rotate', 'settlement', '--home', home, '--overlap', '90', '--json');
    expect(JSON.parse(rotated.stdout)).toMatchObject({
      role: 'settlement',
      number: 2,
      before: { number: 1 },
    });
    const { keySets } = JSON.parse((await specie('keys', 'list', '--home', home, '--json')).stdout) as {
      keySets: { role: string; number: number; state: string; openUntil: string | null }[];
    };
    expect(keySets.filter(({ role }) => role === 'settlement')).toMatchObject([
      { number: 1, state: 'still opens', openUntil: expect.stringMatching(/^\d{4}-/) },
      { number: 2, state: 'in use', openUntil: null },
    ]);
    expect((await specie('keys', 'retire', '--home', home)).stdout).toBe('no key set is beyond its time\n');
    const compromised = await specie('keys', 'rotate', 'settlement', '--home', home, '--compromised');
    expect(compromised.stdout).toContain('settlement: key set 3 is in use');
    const retired = await specie('keys', 'retire', '--home', home);
    expect(retired.stdout).toContain('settlement/1.key');
    expect(retired.stdout).toContain('key set 2 of settlement is not in the directory any more');
    expect(existsSync(join(home, 'keys/settlement/2.key'))).toBe(false);
  });

  test('a new seed of notes', async () => {
    const rotated = await specie('keys', 'rotate', 'notes', '--home', home);
    expect(rotated.stdout).toContain(`notes: seed 2 signs from now on: ${join(home, 'keys/notes/2.key')}`);
    const again = await specie('keys', 'rotate', 'notes', '--home', home, '--json');
    expect(JSON.parse(again.stdout)).toEqual({ number: 3, path: join(home, 'keys/notes/3.key') });
    const { stdout } = await specie('keys', 'list', '--home', home);
    expect(stdout).toMatch(/^notes +1 +taken in +\S+notes\/1\.key$/m);
    expect(stdout).toMatch(/^notes +3 +signs +\S+notes\/3\.key$/m);
    const secret = JSON.parse(readFileSync(join(home, 'keys/notes/3.key'), 'utf8')).secret as string;
    const { stdout: json } = await specie('keys', 'list', '--home', home, '--json');
    expect(JSON.parse(json).noteSeeds).toHaveLength(3);
    expect(rotated.stdout + again.stdout + stdout + json).not.toContain(secret);
  });

  test('add and remove operators', async () => {
    const added = await specie('keys', 'add-operator', 'anna', '--home', home);
    expect(added.stdout).toContain('operators/anna.key');
    expect((await specie('keys', 'show', '--home', home)).stdout).toMatch(/^anna +SHA256:/m);
    const removed = await specie('keys', 'remove-operator', 'operator', '--home', home, '--json');
    expect(JSON.parse(removed.stdout)).toMatchObject({ name: 'operator' });
    expect((await specie('keys', 'show', '--home', home)).stdout).not.toMatch(/^operator +SHA256:/m);
    expect((await specie('init', '--home', home)).stdout).toMatch(/^found +\S+anna\.key/m);
  });

  test.each([
    [['add-operator', '../x', '--home', 'HOME'], 'expected a name of 1 to 64'],
    [['rotate', 'shop'], 'management, cash, settlement, issuer, receiver, notes'],
    [['rotate', 'notes', '--compromised', '--home', 'HOME'], 'notes of old seeds are taken in for ever'],
    [['rotate', 'cash', '--overlap', '-1'], 'expected a whole number from 0 to 3650'],
    [['list', '--home', '/nonexistent'], 'run specie init --home /nonexistent'],
    [['burn'], "unknown command 'burn'"],
  ])('%j is refused', async (args, message) => {
    const result = await specie('keys', ...args.map((text) => (text === 'HOME' ? home : text)));
    expect(result.code).toBe(1);
    expect(result.message + result.stderr).toContain(message);
  });

  test('a damaged directory ends with 4', async () => {
    const path = join(home, 'directory.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('7880', '7890'));
    expect(await specie('keys', 'list', '--home', home)).toMatchObject({ code: 4 });
  });
});
