import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { DeviceCertificate, issueDeviceCertificate } from '../../src/identity/device-certificate.ts';
import { initHome } from '../../src/identity/init-home.ts';
import { keyFileText } from '../../src/identity/key-file.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { loadHome, loadOperator, type RoleHome } from '../../src/identity/load-home.ts';
import { generateKeyPair, generateKeySet } from '../../src/identity/new-key-set.ts';
import { heldSealingKey } from '../../src/identity/own-keys.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { retireKeys } from '../../src/identity/retire-keys.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { rotateKeys } from '../../src/identity/rotate-keys.ts';
import { killAfterEachStep, newHome, noPassphrase, passphraseOf, SCRYPT_LOG2_N } from './folders.ts';
import { DAY, START } from './support.ts';

const HOUR = DAY / 24n;
const EMPTY = new Uint8Array();

/** A process of a role whose clock stands where the test puts it. */
async function processOf(home: string, role: RoleName, passphrase = noPassphrase, now = START) {
  const clock = { now };
  const faults: unknown[] = [];
  const loaded = await loadHome({
    home,
    role,
    passphrase,
    clock: () => clock.now,
    setTimer: () => () => {},
    onFault: (error) => faults.push(error),
  });
  return Object.assign(loaded, { clock, faults });
}

function rotate(home: string, role: RoleName, now: bigint, more = {}) {
  return rotateKeys({
    home,
    role,
    passphrase: noPassphrase,
    clock: () => now,
    scryptLog2N: SCRYPT_LOG2_N,
    ...more,
  });
}

const numbers = (home: string, role: RoleName): string[] => readdirSync(join(home, 'keys', role)).sort();
const listed = (process: RoleHome, role: RoleName) =>
  process
    .directory()
    .role(role)!
    .keySets.map(({ number }) => number);

describe('rotation', () => {
  test('takes effect in running processes, which answer with both for the overlap', async () => {
    const home = await newHome();
    const settlement = await processOf(home, 'settlement');
    const management = await processOf(home, 'management');
    const server = settlement.serverIdentity(() => false);
    const client = management.clientIdentity('settlement');
    const [oldKey] = server.channelKeys();
    const oldRemote = client.remoteStaticKey;
    const now = START + 10n * DAY;
    const rotation = await rotate(home, 'settlement', now, { overlapDays: 7 });
    expect(rotation).toMatchObject({ number: 2, before: { number: 1 } });
    // Until they look, all goes on as before.
    expect(client.remoteStaticKey).toEqual(oldRemote);
    for (const process of [settlement, management]) {
      await process.refresh();
      process.clock.now = now + HOUR;
      expect(process.faults).toEqual([]);
    }
    expect(server.channelKeys()).toHaveLength(2);
    expect(server.channelKeys()[1]?.secretKey).toBe(oldKey?.secretKey);
    expect(client.remoteStaticKey).not.toEqual(oldRemote);
    settlement.clock.now = now + 7n * DAY + 1n;
    expect(server.channelKeys()).toHaveLength(1);
    settlement.close();
    management.close();
  });

  test.each(['cash', 'management'] as const)(
    'a purse’s documents of %s’s old key count until its payments are settled, however short certificates are',
    async (role) => {
      const home = await newHome();
      const path = join(home, 'specie.json');
      const configuration = JSON.parse(readFileSync(path, 'utf8'));
      writeFileSync(path, JSON.stringify({ ...configuration, limits: { certificateDays: 2 } }));
      const settlement = await processOf(home, 'settlement');
      const old = settlement.directory().currentKeySet(role, START + DAY).keys.signing;
      const now = START + 10n * DAY;
      await rotate(home, role, now, { overlapDays: 1 });
      await settlement.refresh();
      const key = (days: bigint) =>
        settlement.directory().verificationKey(role, keyIdOf(old, sha256), now + days * DAY);
      // `offline.reportDays`, when left out.
      expect([key(37n), key(38n)]).toEqual([old, undefined]);
      settlement.close();
    },
  );

  test('of one role leaves the others as they are', async () => {
    const home = await newHome();
    const before = readFileSync(join(home, 'keys/cash/1.key'), 'utf8');
    await rotate(home, 'settlement', START + DAY);
    expect(numbers(home, 'cash')).toEqual(['1.key']);
    expect(readFileSync(join(home, 'keys/cash/1.key'), 'utf8')).toBe(before);
    expect(numbers(home, 'settlement')).toEqual(['1.key', '2.key']);
  });

  test('what was sealed to the old key still opens by its key id, also after a restart', async () => {
    const home = await newHome();
    const { directory } = await loadOperator({ home, passphrase: noPassphrase });
    const sealing = directory.currentKeySet('settlement', START).keys.sealing;
    const keyId = keyIdOf(sealing, sha256);
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: sealing,
      info: EMPTY,
      plaintext: new TextEncoder().encode('4111 1111'),
    });
    const now = START + DAY;
    await rotate(home, 'settlement', now);
    await rotate(home, 'settlement', now + DAY);
    const settlement = await processOf(home, 'settlement');
    expect(listed(settlement, 'settlement')).toEqual([1, 2, 3]);
    settlement.clock.now = now + 30n * DAY;
    const { secretKey } = settlement.sealingKey(keyId)!;
    const opened = hpke.open({ recipientPrivateKey: secretKey, info: EMPTY, enc, ciphertext });
    expect(new TextDecoder().decode(opened)).toBe('4111 1111');
    settlement.clock.now += 1n;
    expect(settlement.sealingKey(keyId)).toBeUndefined();
    settlement.close();
  });

  test('settlement keeps the sealing keys that are beyond their time, for what it has stored, until they are retired', async () => {
    const home = await newHome();
    const running = await processOf(home, 'settlement');
    const { publicKey } = running.source.current().keySets[0]!.sealing;
    const keyId = keyIdOf(publicKey, sha256);
    const held = (process: RoleHome) => heldSealingKey(process.source.current(), keyId, sha256)?.publicKey;
    const now = START + DAY;
    // The second one takes the first key set out of the directory.
    for (const at of [now, now + HOUR]) {
      await rotate(home, 'settlement', at, { compromised: true });
      await running.refresh();
      running.clock.now = at + 1n;
      expect(held(running)).toEqual(publicKey);
      expect(running.sealingKey(keyId)).toBeUndefined();
      expect(running.serverIdentity(() => false).channelKeys()).toHaveLength(1);
    }
    expect(listed(running, 'settlement')).toEqual([2, 3]);
    const atNow = async () => {
      const process = await processOf(home, 'settlement', noPassphrase, now + DAY);
      process.close();
      return process;
    };
    expect(held(await atNow())).toEqual(publicKey);
    // One that cannot be read does not stop the role.
    writeFileSync(join(home, 'keys/settlement/2.key'), '{', { mode: 0o600 });
    const again = await atNow();
    expect(held(again)).toEqual(publicKey);
    expect(again.source.current().keySets).toHaveLength(2);
    await retireKeys({ home, passphrase: noPassphrase, clock: () => now + DAY });
    expect(numbers(home, 'settlement')).toEqual(['3.key']);
    expect(held(await atNow())).toBeUndefined();
    await running.refresh();
    expect(running.faults).toEqual([]);
    expect(held(running)).toEqual(publicKey);
    running.close();
  });

  test('certificates of the old key count for their life, and not when it is compromised', async () => {
    for (const [compromised, refused] of [
      [false, undefined],
      [true, 'untrusted_certificate'],
    ] as const) {
      const home = await newHome();
      const management = await processOf(home, 'management');
      const channel = generateKeyPair('channel');
      const certificate = issueDeviceCertificate(
        {
          device: 1n,
          signingKey: generateKeyPair('signing').publicKey,
          channelKey: channel.publicKey,
          serial: 1n,
          notBefore: START,
          notAfter: START + 365n * DAY,
        },
        ed25519.signingKey(management.signingKey().secretKey),
        { sha256 },
      );
      const now = START + DAY;
      await rotate(home, 'management', now, { compromised });
      await management.refresh();
      const server = management.serverIdentity(() => false);
      management.clock.now = START + 365n * DAY;
      const decision = server.authorise({
        pattern: 'IK',
        staticKey: channel.publicKey,
        payload: DeviceCertificate.signed.encode(certificate),
      });
      expect('refused' in decision ? decision.refused : undefined).toBe(refused);
      expect(keyIdOf(management.signingKey().publicKey, sha256)).not.toEqual(certificate.document.issuer);
      management.close();
    }
  });

  test('compromised: the old keys open nothing from then on', async () => {
    const home = await newHome();
    const cash = await processOf(home, 'cash');
    const now = START + DAY;
    await rotate(home, 'cash', now - HOUR);
    await rotate(home, 'cash', now, { compromised: true });
    await cash.refresh();
    cash.clock.now = now + 1n;
    expect(cash.serverIdentity(() => false).channelKeys()).toHaveLength(1);
    cash.close();
  });

  test('encrypts the new keys where the root key is encrypted', async () => {
    const text = 'correct horse battery';
    const home = await newHome({ passphrase: new Passphrase(text) });
    await expect(rotate(home, 'cash', START + DAY)).rejects.toMatchObject({ code: 'passphrase_needed' });
    expect(numbers(home, 'cash')).toEqual(['1.key']);
    await rotate(home, 'cash', START + DAY, { passphrase: passphraseOf(text) });
    expect(JSON.parse(readFileSync(join(home, 'keys/cash/2.key'), 'utf8'))).toMatchObject({
      encryption: { name: 'scrypt' },
    });
    const cash = await processOf(home, 'cash', passphraseOf(text));
    cash.close();
  });

  test.each<[string, (home: string) => void, bigint, object]>([
    ['without a root key', (home) => rmSync(join(home, 'keys/root.key')), START + DAY, { code: 'missing' }],
    ['without a home', (home) => rmSync(join(home, 'specie.json')), START + DAY, { code: 'missing' }],
    [
      'by a clock that goes back',
      () => {},
      START,
      { message: expect.stringContaining('clock: expected a time after') },
    ],
  ])('%s is refused', async (_, change, now, expected) => {
    const home = await newHome();
    change(home);
    await expect(rotate(home, 'cash', now)).rejects.toMatchObject(expected);
    expect(numbers(home, 'cash')).toEqual(['1.key']);
  });

  test('killed after any step: the role starts, and the next run completes it with the same keys', async () => {
    const now = START + DAY;
    const steps = await killAfterEachStep(
      () => newHome(),
      (home, files) => rotate(home, 'cash', now, { files }),
      async (home, step) => {
        const files = numbers(home, 'cash').filter((name) => name.endsWith('.key'));
        const before = files.map((name) => readFileSync(join(home, 'keys/cash', name), 'utf8'));
        const cash = await processOf(home, 'cash');
        const done = listed(cash, 'cash').length === 2;
        expect(done).toBe(step === 'file directory.json' || step === 'folder of directory.json');
        await rotate(home, 'cash', now + 1n);
        await cash.refresh();
        expect(cash.faults).toEqual([]);
        expect(listed(cash, 'cash')).toEqual(done ? [1, 2, 3] : [1, 2]);
        cash.clock.now = now + 2n;
        const { signing } = cash.directory().currentKeySet('cash', cash.clock.now).keys;
        expect(cash.signingKey().publicKey).toEqual(signing);
        expect(files.map((name) => readFileSync(join(home, 'keys/cash', name), 'utf8'))).toEqual(before);
        expect(numbers(home, 'cash')).toEqual(done ? ['1.key', '2.key', '3.key'] : ['1.key', '2.key']);
        cash.close();
      },
    );
    expect(steps).toEqual(
      ['2.key', 'directory.json'].flatMap((name) => [
        `draft of ${name}`,
        `bytes of ${name}`,
        `file ${name}`,
        `folder of ${name}`,
      ]),
    );
  });
});

describe('a key file that the directory does not name', () => {
  const text = 'correct horse battery';
  const now = START + DAY;
  const planted = async (home: string, number: number, passphrase?: Passphrase): Promise<string> => {
    const path = join(home, `keys/management/${number}.key`);
    const keys = { owner: 'management', number, createdAt: START, keys: generateKeySet() };
    const encryption = passphrase && { passphrase, scryptLog2N: SCRYPT_LOG2_N };
    writeFileSync(path, await keyFileText(keys, encryption), { mode: 0o600 });
    return path;
  };
  const encryptedHome = () => newHome({ passphrase: new Passphrase(text) });
  const rotateManagement = (home: string, more = {}) =>
    rotate(home, 'management', now, { passphrase: passphraseOf(text), ...more });

  test('is taken where it is encrypted as the root key is, and said to be found', async () => {
    const home = await encryptedHome();
    await planted(home, 2, new Passphrase(text));
    expect(await rotateManagement(home)).toMatchObject({ number: 2, found: true, leftAlone: [] });
  });

  test('is left alone where it is in the clear and the root key is not, or cannot be read', async () => {
    const home = await encryptedHome();
    const path = await planted(home, 2);
    writeFileSync(join(home, 'keys/management/4.key'), '{', { mode: 0o600 });
    const rotation = await rotateManagement(home);
    const leftAlone = [path, join(home, 'keys/management/4.key')];
    expect(rotation).toMatchObject({ number: 5, found: false, leftAlone });
    const process = await processOf(home, 'management', passphraseOf(text));
    expect(listed(process, 'management')).toEqual([1, 5]);
    process.close();
    await retireKeys({ home, passphrase: passphraseOf(text), clock: () => now + 1n });
    expect(numbers(home, 'management')).toEqual(['1.key', '5.key']);
  });

  test('is never taken when keys are compromised, encrypted or not', async () => {
    const home = await newHome();
    const paths = [await planted(home, 2), await planted(home, 7)];
    const rotation = await rotate(home, 'management', now, { compromised: true });
    expect(rotation).toMatchObject({ number: 8, found: false, leftAlone: paths });
    const other = await encryptedHome();
    await planted(other, 2, new Passphrase(text));
    expect(await rotateManagement(other, { compromised: true })).toMatchObject({ number: 3, found: false });
  });

  test('with the last number there is refuses the rotation', async () => {
    const home = await newHome();
    await planted(home, 0xffff_ffff);
    await expect(rotate(home, 'management', now, { compromised: true })).rejects.toMatchObject({
      code: 'in_the_way',
    });
  });

  test('is refused in the clear by an init that has no directory, where the root key is encrypted', async () => {
    const home = await encryptedHome();
    await planted(home, 2);
    rmSync(join(home, 'directory.json'));
    const init = initHome({ home, clock: () => now, passphrase: new Passphrase(text) });
    await expect(init).rejects.toMatchObject({ code: 'in_the_way' });
  });
});

describe('what is changed on disk behind a running process', () => {
  test('a directory that was tampered with, or is older, does not count', async () => {
    const home = await newHome();
    const path = join(home, 'directory.json');
    const first = readFileSync(path, 'utf8');
    await rotate(home, 'cash', START + DAY);
    const cash = await processOf(home, 'cash');
    const second = readFileSync(path, 'utf8');
    const { serial } = cash.directory();

    writeFileSync(path, second.replace('7879', '7979'));
    await cash.refresh();
    await cash.refresh();
    expect(cash.faults).toMatchObject([{ code: 'bad_signature' }]);
    writeFileSync(path, first);
    await cash.refresh();
    expect(cash.faults).toMatchObject([{ code: 'bad_signature' }, { code: 'rolled_back' }]);
    rmSync(path);
    await cash.refresh();
    expect(cash.faults.at(-1)).toMatchObject({ code: 'missing' });
    expect(cash.directory().serial).toBe(serial);
    writeFileSync(path, second);
    await cash.refresh();
    expect(cash.faults).toHaveLength(3);
    cash.close();
  });

  test('a directory that comes before its key file counts once that is there', async () => {
    const home = await newHome();
    const cash = await processOf(home, 'cash');
    const now = START + DAY;
    await rotate(home, 'cash', now);
    const path = join(home, 'keys/cash/2.key');
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    await cash.refresh();
    expect(cash.faults).toMatchObject([{ code: 'missing', message: expect.stringContaining('2.key') }]);
    expect(listed(cash, 'cash')).toEqual([1]);
    writeFileSync(path, text, { mode: 0o600 });
    await cash.refresh();
    expect(listed(cash, 'cash')).toEqual([1, 2]);
    cash.close();
  });

  test("another's keys in the file of a key set are refused", async () => {
    const home = await newHome();
    const other = await newHome();
    writeFileSync(join(home, 'keys/cash/1.key'), readFileSync(join(other, 'keys/cash/1.key')));
    await expect(processOf(home, 'cash')).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('expected the secret keys of set 1 in the directory, got others'),
    });
    writeFileSync(
      join(home, 'keys/operators/operator.key'),
      readFileSync(join(other, 'keys/operators/operator.key')),
    );
    await expect(loadOperator({ home, passphrase: noPassphrase })).rejects.toMatchObject({ code: 'damaged' });
    await expect(loadOperator({ home, passphrase: noPassphrase, name: 'anna' })).rejects.toMatchObject({
      code: 'not_listed',
    });
  });
});

describe('retirement', () => {
  const now = START + DAY;
  const retire = (home: string, at: bigint, more = {}) =>
    retireKeys({ home, passphrase: noPassphrase, clock: () => at, ...more });

  test('removes secrets when the overlap is over, and entries when signatures do not count any more', async () => {
    const home = await newHome();
    await rotate(home, 'cash', now);
    const overlapEnd = now + 30n * DAY;
    const verifyEnd = now + 365n * DAY;
    expect(await retire(home, overlapEnd)).toEqual({ removed: [], unlisted: [], waiting: [] });
    expect(await retire(home, overlapEnd + 1n)).toMatchObject({
      removed: [{ role: 'cash', number: 1 }],
      unlisted: [],
    });
    expect(numbers(home, 'cash')).toEqual(['2.key']);
    const cash = await processOf(home, 'cash').catch((error: unknown) => error);
    // At the START of this test's clock the old key set would still be needed.
    expect(cash).toMatchObject({ code: 'missing' });
    expect(await retire(home, verifyEnd)).toEqual({ removed: [], unlisted: [], waiting: [] });
    const root = readFileSync(join(home, 'keys/root.key'));
    rmSync(join(home, 'keys/root.key'));
    expect(await retire(home, verifyEnd + 1n)).toMatchObject({ waiting: [{ role: 'cash', number: 1 }] });
    writeFileSync(join(home, 'keys/root.key'), root, { mode: 0o600 });
    expect(await retire(home, verifyEnd + 1n)).toMatchObject({
      unlisted: [{ role: 'cash', number: 1 }],
      waiting: [],
    });
    const { directory } = await loadOperator({ home, passphrase: noPassphrase });
    expect(directory.role('cash')?.keySets.map(({ number }) => number)).toEqual([2]);
    await rotate(home, 'cash', verifyEnd + DAY);
    expect(numbers(home, 'cash')).toEqual(['2.key', '3.key']);
  });

  test('a key file of a rotation that has not come to its end stays; one that the directory has forgotten goes', async () => {
    const home = await newHome();
    const first = readFileSync(join(home, 'keys/cash/1.key'));
    await rotate(home, 'cash', now, { compromised: true });
    await rotate(home, 'cash', now + DAY);
    expect(numbers(home, 'cash')).toEqual(['1.key', '2.key', '3.key']);
    writeFileSync(join(home, 'keys/cash/4.key'), first, { mode: 0o600 });
    expect((await retire(home, now + 2n * DAY)).removed).toMatchObject([{ number: 1 }]);
    expect(numbers(home, 'cash')).toEqual(['2.key', '3.key', '4.key']);
  });

  test('killed after any step: the next run goes on', async () => {
    const at = now + 400n * DAY;
    await killAfterEachStep(
      async () => {
        const home = await newHome();
        await rotate(home, 'cash', now);
        return home;
      },
      (home, files) => retire(home, at, { files }),
      async (home) => {
        await retire(home, at);
        expect(existsSync(join(home, 'keys/cash/1.key'))).toBe(false);
        const { directory } = await loadOperator({ home, passphrase: noPassphrase });
        expect(directory.role('cash')?.keySets.map(({ number }) => number)).toEqual([2]);
      },
    );
  });
});
