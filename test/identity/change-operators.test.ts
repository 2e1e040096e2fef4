import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { x25519 } from '../../src/crypto/index.ts';
import { addOperator, type OperatorOptions, removeOperator } from '../../src/identity/change-operators.ts';
import { keyFileText } from '../../src/identity/key-file.ts';
import { loadHome, loadOperator } from '../../src/identity/load-home.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { killAfterEachStep, newHome, noPassphrase, passphraseOf, SCRYPT_LOG2_N } from './folders.ts';
import { DAY, START } from './support.ts';

const clock = () => START + DAY;
const options = (home: string, name: string, more: Partial<OperatorOptions> = {}): OperatorOptions => ({
  home,
  name,
  passphrase: noPassphrase,
  clock,
  scryptLog2N: SCRYPT_LOG2_N,
  ...more,
});

/** How cash meets the operator of that key. */
async function meeting(home: string, staticKey: Uint8Array): Promise<object> {
  const cash = await loadHome({
    home,
    role: 'cash',
    passphrase: noPassphrase,
    clock,
    setTimer: () => () => {},
  });
  const { authorise } = cash.serverIdentity(() => false);
  const decision = authorise({ pattern: 'IK', staticKey, payload: new Uint8Array() });
  cash.close();
  return decision;
}

const channelKey = ({ clientIdentity }: Awaited<ReturnType<typeof loadOperator>>): Uint8Array =>
  x25519.publicKey(clientIdentity('cash').staticKey!);

describe('operators', () => {
  test('an added one is let in, a removed one is not any more', async () => {
    const home = await newHome();
    const first = channelKey(await loadOperator({ home, passphrase: noPassphrase, clock }));
    await addOperator(options(home, 'anna'));
    const anna = channelKey(await loadOperator({ home, passphrase: noPassphrase, clock, name: 'anna' }));
    expect(await meeting(home, anna)).toMatchObject({ peer: { kind: 'operator', name: 'anna' } });
    await removeOperator(options(home, 'operator'));
    expect(await meeting(home, first)).toMatchObject({ refused: 'unknown_key' });
    expect(await meeting(home, anna)).toMatchObject({ peer: { kind: 'operator', name: 'anna' } });
    expect(existsSync(join(home, 'keys/operators/operator.key'))).toBe(false);
  });

  test('keys are encrypted where the root key is', async () => {
    const text = 'correct horse battery';
    const home = await newHome({ passphrase: new Passphrase(text) });
    await addOperator(options(home, 'anna', { passphrase: passphraseOf(text) }));
    await expect(loadOperator({ home, name: 'anna', passphrase: noPassphrase })).rejects.toMatchObject({
      code: 'passphrase_needed',
    });
  });

  test('a key file that is there is taken and said to be found; in the clear only where the root key is', async () => {
    const text = 'correct horse battery';
    const keys = { signing: generateKeyPair('signing'), channel: generateKeyPair('channel') };
    const file = await keyFileText({ owner: 'operator anna', number: 1, createdAt: START, keys });
    const plain = await newHome();
    const path = 'keys/operators/anna.key';
    writeFileSync(join(plain, path), file, { mode: 0o600 });
    expect(await addOperator(options(plain, 'anna'))).toMatchObject({ found: true });
    expect(await addOperator(options(plain, 'berta'))).toMatchObject({ found: false });
    const encrypted = await newHome({ passphrase: new Passphrase(text) });
    writeFileSync(join(encrypted, path), file, { mode: 0o600 });
    const adding = addOperator(options(encrypted, 'anna', { passphrase: passphraseOf(text) }));
    await expect(adding).rejects.toMatchObject({ code: 'in_the_way' });
  });

  test.each<[string, (home: string) => Promise<unknown>, string]>([
    ['one that is there', (home) => addOperator(options(home, 'operator')), 'in_the_way'],
    ['one that is not', (home) => removeOperator(options(home, 'anna')), 'not_listed'],
    ['no name', (home) => addOperator(options(home, '.x')), 'malformed'],
    [
      'without the root key',
      async (home) => {
        rmSync(join(home, 'keys/root.key'));
        return addOperator(options(home, 'anna'));
      },
      'missing',
    ],
  ])('%s is refused', async (_, work, code) => {
    await expect(work(await newHome())).rejects.toMatchObject({ code });
  });

  test.each<[string, typeof addOperator, string]>([
    ['adding', addOperator, 'anna'],
    ['removing', removeOperator, 'operator'],
  ])('%s, killed after any step, is completed by the next run', async (_, work, name) => {
    await killAfterEachStep(
      () => newHome(),
      (home, files) => work(options(home, name, { files })),
      async (home) => {
        // Where it had come to its end, the next run says so.
        await work(options(home, name)).catch((error: { code: string }) => {
          expect(error.code).toBe(work === addOperator ? 'in_the_way' : 'not_listed');
        });
        const { directory } = await loadOperator({
          home,
          passphrase: noPassphrase,
          name: work === addOperator ? name : 'operator',
        }).catch(() => ({ directory: undefined }));
        expect(directory?.operator(name)?.name).toBe(work === addOperator ? name : undefined);
        expect(existsSync(join(home, 'keys/operators', `${name}.key`))).toBe(work === addOperator);
      },
    );
  });
});
