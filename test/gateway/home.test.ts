// A gateway's home: what is made, and what is refused.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { GatewayHome, makeGateway, openGatewayNode } from '../../src/gateway/index.ts';
import { termsOf } from '../../src/gateway/node/gateway-home.ts';
import { newPassphrase } from '../../src/identity/passphrase.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'specie-gateway-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = { organisation: 'campus', lanHost: '10.0.0.1', wanHost: '192.0.2.7' };

test('made once, with keys that only its owner reads', async () => {
  const path = join(folder, 'plain');
  const home = await makeGateway({ home: path, settings });
  expect(statSync(home.keyPath).mode & 0o077).toBe(0);
  expect(home.settings()).toMatchObject({ ...settings, lanPort: 7290, wanPort: 7291, amountMax: '500.00' });
  expect(termsOf(home.settings()).terms).toMatchObject({ unit: 'eur', amountMin: 1n, amountMax: 50_000n });
  const keys = await home.keys(async () => undefined);
  expect(keys.seed).toHaveLength(32);
  expect(readFileSync(home.settingsPath, 'utf8')).not.toContain(Buffer.from(keys.seed).toString('hex'));
  await expect(makeGateway({ home: path, settings })).rejects.toMatchObject({ code: 'gateway_exists' });
  await expect(openGatewayNode({ home: path })).rejects.toMatchObject({ code: 'gateway_missing' });
  await expect(openGatewayNode({ home: join(folder, 'none') })).rejects.toMatchObject({
    code: 'gateway_missing',
  });
});

test('its terms follow the currency, and have to be some', async () => {
  const yen = await makeGateway({ home: join(folder, 'yen'), settings: { ...settings, currency: 'JPY' } });
  expect(yen.settings()).toMatchObject({ amountMin: '1', amountMax: '50000' });
  const make = (name: string, change: object) =>
    makeGateway({ home: join(folder, name), settings: { ...settings, ...change } });
  await expect(make('a', { organisation: 'Campus' })).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(make('b', { amountMax: '0.001' })).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(make('c', { dayMax: '0' })).rejects.toMatchObject({ code: 'invalid_argument' });
  const same = { lanHost: '10.0.0.1', wanHost: '10.0.0.1', lanPort: 7290, wanPort: 7290 };
  await expect(make('d', same)).rejects.toMatchObject({ code: 'invalid_argument' });
  const home = new GatewayHome(join(folder, 'yen'), new PrivateFiles());
  writeFileSync(home.settingsPath, JSON.stringify({ ...home.settings(), ...same }));
  expect(() => home.settings()).toThrow('expected two addresses');
});

test('keys under a passphrase', async () => {
  const home = await makeGateway({
    ...{ home: join(folder, 'locked'), settings, scryptLog2N: 10 },
    passphrase: newPassphrase('correct horse'),
  });
  await expect(home.keys(async () => undefined)).rejects.toMatchObject({ code: 'passphrase_needed' });
  await expect(home.keys(async () => newPassphrase('wrong horse'))).rejects.toMatchObject({
    code: 'wrong_passphrase',
  });
  expect((await home.keys(async () => newPassphrase('correct horse'))).seed).toHaveLength(32);
});
