// Seeds of the notes' keys: made, read, taken in while a role runs, and never confused.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/identity/binary-text.ts';
import { keyFileText } from '../../src/identity/key-file.ts';
import { type LoadHomeOptions, loadHome } from '../../src/identity/load-home.ts';
import {
  generateNoteSeed,
  NOTE_SEEDS_MAX,
  noteSeedKeys,
  rotateNotes,
} from '../../src/identity/note-seeds.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { rotateKeys } from '../../src/identity/rotate-keys.ts';
import { killAfterEachStep, newHome, noPassphrase, passphraseOf, SCRYPT_LOG2_N } from './folders.ts';
import { DAY, START, seededBytes } from './support.ts';

const PASSPHRASE = 'correct horse battery';

function issuer(home: string, more: Partial<LoadHomeOptions> = {}) {
  return loadHome({
    ...{ home, role: 'issuer', passphrase: noPassphrase },
    ...{ clock: () => START + DAY, setTimer: () => () => {} },
    ...more,
  });
}

const rotate = (home: string, passphrase = noPassphrase) =>
  rotateNotes({ home, passphrase, clock: () => START + DAY, scryptLog2N: SCRYPT_LOG2_N });

const secretOf = (home: string, number: number): string =>
  JSON.parse(readFileSync(join(home, `keys/notes/${number}.key`), 'utf8')).secret;

describe('seeds of notes', () => {
  test('are 32 bytes, the same to issuer and receiver, and wiped behind', async () => {
    const home = await newHome();
    const [one, other] = [await issuer(home), await issuer(home, { role: 'receiver' })];
    const [{ number, seed }] = one.noteSeeds() as [ReturnType<typeof one.noteSeeds>[number]];
    expect([number, seed.length]).toEqual([1, 32]);
    expect(toHex(seed)).toBe(secretOf(home, 1));
    expect(other.noteSeeds()).toEqual(one.noteSeeds());
    one.close();
    other.close();
    expect(seed).toEqual(new Uint8Array(32));
  });

  test('a new one is taken in while the role runs, and is no new directory', async () => {
    const home = await newHome();
    const told: unknown[] = [];
    const role = await issuer(home, {
      onChange: ({ serial }) => told.push(serial),
      onNoteSeeds: (seeds) => told.push(seeds.map(({ number }) => number)),
    });
    const { number, path } = await rotate(home);
    expect([number, path]).toEqual([2, join(home, 'keys/notes/2.key')]);
    const [before] = role.noteSeeds();
    await role.refresh();
    expect(role.noteSeeds().map((seed) => seed.number)).toEqual([1, 2]);
    expect(role.noteSeeds()[0]).toBe(before);
    const { serial } = await rotateKeys({
      ...{ home, role: 'cash', passphrase: noPassphrase },
      clock: () => START + DAY,
    });
    await role.refresh();
    expect(told).toEqual([[1, 2], serial]);
    role.close();
  });

  test('one that is gone while the role runs stays in use, and is missed', async () => {
    const home = await newHome();
    await rotate(home);
    const faults: unknown[] = [];
    const role = await issuer(home, { onFault: (error) => faults.push(error) });
    rmSync(join(home, 'keys/notes/2.key'));
    await role.refresh();
    expect(role.noteSeeds().map(({ number }) => number)).toEqual([1, 2]);
    expect(faults).toMatchObject([{ code: 'missing', message: expect.stringContaining('notes/2.key') }]);
    role.close();
  });

  test.each<[string, (home: string) => void | Promise<void>, object]>([
    ['none', (home) => rmSync(join(home, 'keys/notes'), { recursive: true }), { code: 'missing' }],
    [
      'one below the newest is not there',
      (home) => rmSync(join(home, 'keys/notes/1.key')),
      {
        code: 'missing',
        message: expect.stringContaining('notes/1.key: expected every seed of notes from 1 to 2'),
      },
    ],
    [
      'one under the name of another',
      (home) => renameSync(join(home, 'keys/notes/2.key'), join(home, 'keys/notes/1.key')),
      { code: 'damaged', message: expect.stringContaining('expected number 1, got 2') },
    ],
    [
      'one that was changed',
      (home) => {
        const path = join(home, 'keys/notes/2.key');
        const file = JSON.parse(readFileSync(path, 'utf8'));
        file.secret = file.secret.replace(/^../, (byte: string) => (byte === '00' ? '01' : '00'));
        writeFileSync(path, JSON.stringify(file), { mode: 0o600 });
      },
      {
        code: 'damaged',
        message: expect.stringContaining('a secret seed key that belongs to the public one'),
      },
    ],
    [
      "a role's keys in its place",
      (home) => renameSync(join(home, 'keys/cash/1.key'), join(home, 'keys/notes/1.key')),
      { code: 'damaged', message: expect.stringContaining('expected keys of notes, got those of cash') },
    ],
    [
      'more than there can be',
      (home) =>
        renameSync(join(home, 'keys/notes/2.key'), join(home, `keys/notes/${NOTE_SEEDS_MAX + 1}.key`)),
      { code: 'malformed' },
    ],
  ])('%s: the role does not start', async (_, change, expected) => {
    const home = await newHome();
    await rotate(home);
    const secrets = [1, 2].map((number) => secretOf(home, number));
    await change(home);
    const error: unknown = await issuer(home).catch((caught: unknown) => caught);
    expect(error).toMatchObject(expected);
    for (const secret of secrets) expect(String(error)).not.toContain(secret);
    // Who does not need them is not held up.
    if (!String(error).includes('those of cash')) (await issuer(home, { role: 'cash' })).close();
  });

  test('are encrypted as the first one is, and one in the clear is not taken among them', async () => {
    const passphrase = passphraseOf(PASSPHRASE);
    const home = await newHome({ passphrase: new Passphrase(PASSPHRASE) });
    await expect(rotate(home)).rejects.toMatchObject({ code: 'passphrase_needed' });
    await expect(rotate(home, passphraseOf('another horse'))).rejects.toMatchObject({
      code: 'wrong_passphrase',
    });
    await rotate(home, passphrase);
    const role = await issuer(home, { passphrase });
    for (const { number, seed } of role.noteSeeds()) {
      expect(readFileSync(join(home, `keys/notes/${number}.key`), 'utf8')).not.toContain(toHex(seed));
    }
    expect(role.noteSeeds()).toHaveLength(2);
    role.close();
    const planted = await keyFileText(noteSeedKeys(3, generateNoteSeed(seededBytes(9)), START));
    writeFileSync(join(home, 'keys/notes/3.key'), planted, { mode: 0o600 });
    await expect(issuer(home, { passphrase })).rejects.toMatchObject({
      code: 'in_the_way',
      message: expect.stringContaining('notes/3.key'),
    });
  });

  test.skipIf(process.platform === 'win32')('that others may read are refused', async () => {
    const home = await newHome();
    const path = join(home, 'keys/notes/1.key');
    writeFileSync(`${path}.copy`, readFileSync(path), { mode: 0o644 });
    renameSync(`${path}.copy`, path);
    await expect(issuer(home)).rejects.toMatchObject({ code: 'not_private' });
  });

  test('killed after any step, a rotation leaves none or a whole one', async () => {
    await killAfterEachStep(
      () => newHome(),
      (home, files) => rotateNotes({ home, files, passphrase: noPassphrase, clock: () => START + DAY }),
      async (home) => {
        const role = await issuer(home);
        const before = role.noteSeeds().length;
        role.close();
        expect((await rotate(home)).number).toBe(before + 1);
        expect(readdirSync(join(home, 'keys/notes')).sort()).toEqual(
          Array.from({ length: before + 1 }, (_, i) => `${i + 1}.key`),
        );
      },
    );
  });

  test('the last number is said', async () => {
    const home = await newHome();
    renameSync(join(home, 'keys/notes/1.key'), join(home, `keys/notes/${NOTE_SEEDS_MAX}.key`));
    await expect(rotate(home)).rejects.toMatchObject({ code: 'in_the_way' });
  });
});
