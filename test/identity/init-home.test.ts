import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HomePaths, withHomeLock } from '../../src/identity/home.ts';
import { type InitReport, initHome } from '../../src/identity/init-home.ts';
import { loadHome, loadOperator } from '../../src/identity/load-home.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { isMintRole, ROLES } from '../../src/identity/roles.ts';
import { rotateKeys } from '../../src/identity/rotate-keys.ts';
import {
  asVersion05,
  killAfterEachStep,
  newFolder,
  newHome,
  noPassphrase,
  passphraseOf,
  SCRYPT_LOG2_N,
} from './folders.ts';
import { DAY, START } from './support.ts';

const FILES = [
  'keys/root.key',
  'specie.json',
  'keys/management/1.key',
  'keys/cash/1.key',
  'keys/settlement/1.key',
  'keys/issuer/1.key',
  'keys/receiver/1.key',
  'keys/notes/1.key',
  'keys/operators/operator.key',
  'directory.json',
];
const PASSPHRASE = 'correct horse battery';

function texts(home: string): Map<string, string> {
  return new Map(
    FILES.filter((file) => existsSync(join(home, file))).map((file) => [
      file,
      readFileSync(join(home, file), 'utf8'),
    ]),
  );
}

const states = ({ items }: InitReport): string[] => items.map(({ state }) => state);

/** Every process that a system has can start on it. */
async function expectWhole(home: string, passphrase = noPassphrase): Promise<void> {
  for (const role of ROLES) {
    const loaded = await loadHome({
      home,
      role,
      passphrase,
      clock: () => START + DAY,
      setTimer: () => () => {},
    });
    expect(loaded.noteSeeds().map(({ number }) => number)).toEqual(isMintRole(role) ? [1] : []);
    expect(loaded.signingKey().publicKey).toEqual(
      loaded.directory().currentKeySet(role, START + DAY).keys.signing,
    );
    loaded.close();
  }
  const operator = await loadOperator({ home, passphrase, clock: () => START + DAY });
  expect(operator.clientIdentity('cash').pattern).toBe('IK');
  operator.close();
}

describe('a new home', () => {
  test('has every file, and each process finds in it what it needs', async () => {
    const home = join(newFolder(), 'deep', 'home');
    const report = await initHome({ home, clock: () => START });
    expect(report.items.map(({ path }) => path)).toEqual(FILES.map((file) => join(home, file)));
    expect(states(report)).toEqual(FILES.map(() => 'made'));
    expect(report.fingerprint).toMatch(/^SHA256:/);
    await expectWhole(home);
  });

  test('in a currency that is none makes no key', async () => {
    const home = join(newFolder(), 'home');
    await expect(initHome({ home, currency: 'XYZ' })).rejects.toThrow('expected an ISO 4217 code');
    expect(existsSync(join(home, 'keys/root.key'))).toBe(false);
  });

  test.skipIf(process.platform === 'win32')('only its owner can enter, and read its keys', async () => {
    const home = await newHome();
    const mode = (file: string): number => statSync(join(home, file)).mode & 0o777;
    for (const folder of ['', 'keys', 'keys/cash', 'keys/notes', 'keys/operators'])
      expect(mode(folder)).toBe(0o700);
    for (const file of FILES.filter((name) => name.endsWith('.key'))) expect(mode(file)).toBe(0o600);
  });

  test('in an own currency', async () => {
    const home = await newHome({ currency: 'TOK', operatorCurrencies: ['1000=TOK:0'] });
    const { configuration } = await loadOperator({ home, passphrase: noPassphrase });
    expect(configuration.currency).toEqual({ ledger: 1000, code: 'TOK', exponent: 0 });
  });

  test('encrypted needs the passphrase', async () => {
    const home = await newHome({ passphrase: new Passphrase(PASSPHRASE) });
    for (const [file, text] of texts(home)) {
      if (file.endsWith('.key')) expect(JSON.parse(text)).toMatchObject({ encryption: { name: 'scrypt' } });
      expect(text).not.toContain(PASSPHRASE);
    }
    await expectWhole(home, passphraseOf(PASSPHRASE));
    await expect(loadHome({ home, role: 'cash', passphrase: noPassphrase })).rejects.toMatchObject({
      code: 'passphrase_needed',
    });
  });

  test('each role needs its own keys only', async () => {
    const home = await newHome();
    for (const file of ['root.key', 'management', 'settlement', 'issuer', 'receiver', 'notes', 'operators']) {
      rmSync(join(home, 'keys', file), { recursive: true });
    }
    const cash = await loadHome({ home, role: 'cash', passphrase: noPassphrase, setTimer: () => () => {} });
    expect(cash.storePath).toBe(join(home, 'stores', 'cash'));
    cash.close();
  });
});

describe('run again', () => {
  test('says what is there and changes nothing', async () => {
    const home = await newHome();
    const before = texts(home);
    const report = await initHome({ home, clock: () => START + DAY });
    expect(states(report)).toEqual(FILES.map(() => 'found'));
    expect(texts(home)).toEqual(before);
  });

  test('with the root key put away', async () => {
    const home = await newHome();
    rmSync(join(home, 'keys/root.key'));
    const report = await initHome({ home });
    expect(states(report)).toEqual(['elsewhere', ...FILES.slice(1).map(() => 'found')]);
    expect(existsSync(join(home, 'keys/root.key'))).toBe(false);
  });

  test('keys that are on another machine are not made again', async () => {
    const home = await newHome();
    rmSync(join(home, 'keys/cash/1.key'));
    rmSync(join(home, 'keys/operators/operator.key'));
    rmSync(join(home, 'keys/notes/1.key'));
    const report = await initHome({ home });
    expect(report.items.filter(({ state }) => state === 'elsewhere').map(({ path }) => path)).toEqual([
      join(home, 'keys/cash/1.key'),
      join(home, 'keys/notes/1.key'),
      join(home, 'keys/operators/operator.key'),
    ]);
    expect(existsSync(join(home, 'keys/cash/1.key'))).toBe(false);
    expect(existsSync(join(home, 'keys/notes/1.key'))).toBe(false);
  });

  test('a changed port comes into the directory, with a higher serial', async () => {
    const home = await newHome();
    const path = join(home, 'specie.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('7878', '9878'));
    const report = await initHome({ home, clock: () => START });
    expect(report.items.at(-1)?.state).toBe('changed');
    const { directory } = await loadOperator({ home, passphrase: noPassphrase });
    expect(directory.address('cash')).toBe('ws://127.0.0.1:9878/v1');
    expect(directory.serial).toBe(START / 1_000_000_000n + 1n);
  });

  test('a lost directory is made anew from the keys that are there', async () => {
    const home = await newHome({ passphrase: new Passphrase(PASSPHRASE) });
    rmSync(join(home, 'directory.json'));
    const askPassphrase = passphraseOf(PASSPHRASE);
    const report = await initHome({ home, clock: () => START + 1_000_000_000n, askPassphrase });
    expect(states(report)).toEqual([...FILES.slice(1).map(() => 'found'), 'made']);
    await expectWhole(home, passphraseOf(PASSPHRASE));
  });

  test('a lost directory is made anew of the newest keys', async () => {
    const home = await newHome();
    await rotateKeys({ home, role: 'cash', passphrase: noPassphrase, clock: () => START + 1n });
    rmSync(join(home, 'directory.json'));
    rmSync(join(home, 'keys/cash/1.key'));
    const report = await initHome({ home, clock: () => START + 1_000_000_000n });
    expect(report.items.map(({ path }) => path)).toContain(join(home, 'keys/cash/2.key'));
    expect(existsSync(join(home, 'keys/cash/1.key'))).toBe(false);
    await expectWhole(home);
  });

  test('in a home that an earlier version has made adds the roles that are newer', async () => {
    const home = await newHome();
    await asVersion05(home);
    const before = texts(home);
    const cash = await loadHome({ home, role: 'cash', passphrase: noPassphrase, setTimer: () => () => {} });
    expect(cash.configuration.roles.receiver).toMatchObject({
      port: 7882,
      store: 'stores/receiver',
      http: { host: '127.0.0.1', port: 3339 },
    });
    cash.close();
    await expect(loadHome({ home, role: 'issuer', passphrase: noPassphrase })).rejects.toMatchObject({
      code: 'not_listed',
    });
    const report = await initHome({ home, clock: () => START });
    expect(report.items.filter(({ state }) => state === 'made').map(({ path }) => path)).toEqual(
      ['issuer', 'receiver', 'notes'].map((owner) => join(home, `keys/${owner}/1.key`)),
    );
    expect(report.items.at(-1)?.state).toBe('changed');
    expect(report.serial).toBe(START / 1_000_000_000n + 2n);
    for (const [file, was] of before) {
      if (file !== 'directory.json') expect(readFileSync(join(home, file), 'utf8')).toBe(was);
    }
    await expectWhole(home);
  });

  test.each<[string, (home: string) => void, object, object]>([
    [
      'another currency',
      () => {},
      { currency: 'USD' },
      {
        code: 'in_the_way',
        message: expect.stringMatching(/currency: expected USD, as asked for now, got EUR/),
      },
    ],
    [
      'something to sign, and no root key',
      (home) => {
        rmSync(join(home, 'keys/root.key'));
        rmSync(join(home, 'directory.json'));
      },
      {},
      { code: 'missing', message: expect.stringContaining('bring it back for this command') },
    ],
    [
      'a directory without a configuration',
      (home) => rmSync(join(home, 'specie.json')),
      {},
      { code: 'missing', message: expect.stringContaining('specie.json: expected the file that belongs to') },
    ],
    [
      'a directory that was changed',
      (home) => {
        const path = join(home, 'directory.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('7878', '7877'));
      },
      {},
      { code: 'bad_signature' },
    ],
    [
      'the root key of another system',
      (home) => {
        rmSync(join(home, 'directory.json'));
        const path = join(home, 'specie.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace(/SHA256:.{5}/, 'SHA256:aaaaa'));
      },
      {},
      { code: 'untrusted_root' },
    ],
    [
      'keys of one role in the place of another',
      (home) => {
        rmSync(join(home, 'directory.json'));
        renameSync(join(home, 'keys/cash/1.key'), join(home, 'keys/management/1.key'));
      },
      {},
      { code: 'damaged', message: expect.stringContaining('expected keys of management, got those of cash') },
    ],
  ])('%s is refused, and nothing is changed', async (_, change, options, expected) => {
    const home = await newHome();
    change(home);
    const before = texts(home);
    await expect(initHome({ home, ...options })).rejects.toMatchObject(expected);
    expect(texts(home)).toEqual(before);
  });

  test('while another one is at it is refused', async () => {
    const home = await newHome();
    await withHomeLock(new HomePaths(home), async () => {
      await expect(initHome({ home })).rejects.toMatchObject({ code: 'busy' });
    });
    await initHome({ home });
  });
});

describe.each([
  ['in the clear', undefined],
  ['encrypted', PASSPHRASE],
])('killed after any step, %s', (_, text) => {
  test('the next run completes it, and no key that was there changes', async () => {
    const options = () => ({
      clock: () => START,
      scryptLog2N: SCRYPT_LOG2_N,
      passphrase: text === undefined ? undefined : new Passphrase(text),
    });
    const steps = await killAfterEachStep(
      async () => join(newFolder(), 'home'),
      (home, files) => initHome({ home, files, ...options() }),
      async (home, step) => {
        // The disk is as it was a step before.
        if (step.startsWith('folder of ')) return;
        const before = texts(home);
        const report = await initHome({ home, ...options() });
        expect(report.items).toHaveLength(FILES.length);
        const after = texts(home);
        for (const [file, was] of before) expect(after.get(file), file).toBe(was);
        expect(after.size).toBe(FILES.length);
        const left = readdirSync(home, { recursive: true, encoding: 'utf8' });
        expect(left.filter((name) => name.endsWith('.new'))).toEqual([]);
        await expectWhole(home, text === undefined ? noPassphrase : passphraseOf(text));
      },
    );
    for (const file of FILES) {
      expect(
        steps.filter((step) => step.endsWith(` ${file.split('/').at(-1)}`)).length,
      ).toBeGreaterThanOrEqual(4);
    }
  });
});
