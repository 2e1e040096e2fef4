// The wallet on Node: its storage on disk, its channel over a socket, its passphrase.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Passphrase } from '../../src/identity/passphrase.ts';
import {
  channelTransport,
  nodeClock,
  nodeCrypto,
  passphraseProtection,
  Wallet,
  type WalletOptions,
  WalletStore,
} from '../../src/wallet/index.ts';
import { startManagement, type TestServer } from './server.ts';
import { ACCOUNT, createWallet, EUR, eur, newWallet, newWorld, openWallet, optionsOf } from './support.ts';

function temporaryPath(): string {
  const path = mkdtempSync(join(tmpdir(), 'specie-wallet-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'wallet');
}

async function openStore(path: string): Promise<WalletStore> {
  const store = await WalletStore.open({ path });
  onTestFinished(() => store.close());
  return store;
}

function systemOptions(store: WalletStore, name?: string): WalletOptions {
  return {
    storage: store.storage(name),
    crypto: nodeCrypto,
    clock: nodeClock,
    transport: channelTransport({ connectTimeoutMs: 1000, requestTimeoutMs: 1000 }),
    times: { pauseFirstMs: 10, pauseLastMs: 100, patienceMs: 10_000 },
  };
}

async function enrolled(server: TestServer, options: WalletOptions): Promise<Wallet> {
  const wallet = await Wallet.create(options, {
    directory: server.management.system.directory.bytes(),
    rootFingerprint: server.rootFingerprint,
    currency: EUR,
    name: 'Ada',
  });
  onTestFinished(() => wallet.close());
  await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  return wallet;
}

test('enrols and loads over an encrypted channel, first as nobody, then as the device', async () => {
  const server = await startManagement();
  const store = await openStore(temporaryPath());
  const wallet = await enrolled(server, systemOptions(store));
  await wallet.load({ amount: eur(2500), onFile: true });
  await wallet.load({ amount: eur(500), accountNumber: ACCOUNT });
  expect(await wallet.balance({ online: true })).toMatchObject({
    balance: 3000n,
    online: { balance: 3000n, verdict: 'agrees' },
  });
  expect(server.peers.map(({ kind }) => kind)).toEqual(['unenrolled', 'device', 'device', 'device']);
  expect(server.peers[1]).toMatchObject({ device: wallet.device });
});

test('a connection that is lost in the middle of a load', async () => {
  const server = await startManagement();
  const wallet = await enrolled(server, systemOptions(await openStore(temporaryPath())));
  server.management.behaviour = ({ attempt }) => (attempt === 1 ? 'silent' : 'answer');
  const { state } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state.kind).toBe('loaded');
  expect(server.management.charged).toBe(100n);
});

test('nobody at the other end, then somebody without the key', async () => {
  const server = await startManagement();
  const wallet = await enrolled(server, systemOptions(await openStore(temporaryPath())));
  const { port } = server;
  await server.close();
  const load = wallet.load({ amount: eur(1), onFile: true, patienceMs: 1500 });
  await expect(load).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('expected a connection to'),
  });
  const stranger = await startManagement(port);
  expect((await wallet.resume({ patienceMs: 3000 })).unfinished).toMatchObject([
    { error: { code: 'channel_refused', message: expect.stringContaining('renew the directory') } },
  ]);
  expect(stranger.peers).toEqual([]);
});

test('a device that was revoked is told so', async () => {
  const server = await startManagement();
  const wallet = await enrolled(server, systemOptions(await openStore(temporaryPath())));
  server.revoked = () => true;
  await expect(wallet.load({ amount: eur(1), onFile: true })).rejects.toMatchObject({
    code: 'channel_refused',
    message: expect.stringContaining('revoked_certificate'),
  });
});

test('many wallets in one store, each its own', async () => {
  const server = await startManagement();
  const path = temporaryPath();
  const store = await WalletStore.open({ path });
  const names = Array.from({ length: 20 }, (_, i) => `wallet-${i}`);
  const wallets = await Promise.all(names.map((name) => enrolled(server, systemOptions(store, name))));
  await Promise.all(wallets.map((wallet, i) => wallet.load({ amount: eur(i + 1), onFile: true })));
  for (const wallet of wallets) await wallet.close();
  expect(() => store.storage('wallet-1')).toThrow('expected it to be opened once');
  expect(() => store.storage('../x')).toThrow('expected a name of');
  await store.close();

  const again = await openStore(path);
  for (const [i, name] of names.entries()) {
    const wallet = await Wallet.open(systemOptions(again, name));
    expect((await wallet.verify()).balance).toBe(BigInt(i + 1));
    expect((await wallet.history()).map(({ event }) => event)).toEqual(['enrolled', 'loaded']);
  }
});

test('a store that a process has open is locked for every other', async () => {
  const path = temporaryPath();
  const store = await openStore(path);
  await expect(WalletStore.open({ path })).rejects.toMatchObject({ code: 'wallet_locked' });
  const script = `import { WalletStore } from ${JSON.stringify(join(import.meta.dirname, '../../dist/wallet/index.js'))};
    try { await WalletStore.open({ path: ${JSON.stringify(path)} }); console.log('open'); }
    catch (error) { console.log(error.code); }`;
  const other = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(other.trim()).toBe('wallet_locked');
  await store.close();
  await (await WalletStore.open({ path })).close();
});

test('a damaged record is named, and nothing is guessed', async () => {
  const server = await startManagement();
  const path = temporaryPath();
  const store = await WalletStore.open({ path });
  const wallet = await enrolled(server, systemOptions(store));
  await wallet.load({ amount: eur(0x1122334455n), onFile: true });
  await wallet.close();
  await store.close();

  const file = join(path, 'data.mdb');
  const bytes = readFileSync(file);
  const amount = Buffer.from('5544332211', 'hex');
  let flips = 0;
  for (let at = bytes.indexOf(amount); at >= 0; at = bytes.indexOf(amount, at + 1)) {
    bytes[at]! ^= 1;
    flips += 1;
  }
  expect(flips).toBeGreaterThan(3);
  writeFileSync(file, bytes);
  const damaged = await openStore(path);
  const options = systemOptions(damaged);
  await expect(Wallet.open(options)).rejects.toMatchObject({
    code: 'wallet_damaged',
    message: expect.stringContaining('wallet main, record balance'),
  });
  await expect(options.storage.list('receipt/')).rejects.toMatchObject({
    code: 'wallet_damaged',
    message: expect.stringMatching(/wallet main, record receipt\/[0-9a-f]{32}/),
  });
});

test('records that lie about themselves are found by the proof of the books', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  await wallet.load({ amount: eur(5), onFile: true });
  await wallet.close();
  const balance = world.disk.get('balance')!;
  balance[0] = 6;
  const richer = await openWallet(world);
  expect((await richer.verify()).problems).toEqual(['balance: expected 5, got 6']);
  balance[0] = 5;
  const [key] = [...world.disk.keys()].filter((name) => name.startsWith('receipt/'));
  world.disk.get(key!)![50]! ^= 1;
  expect((await (await openWallet(world)).verify()).problems[0]).toMatch(/expected what cash has signed/);
  world.disk.delete('balance');
  await expect(openWallet(world)).rejects.toMatchObject({
    message: expect.stringContaining('record balance'),
  });
  world.disk.set('balance', Uint8Array.of(1));
  await expect(openWallet(world)).rejects.toMatchObject({ code: 'wallet_damaged' });
});

test('keys under a passphrase', async () => {
  const world = newWorld();
  const under = (passphrase: string | undefined) =>
    passphraseProtection(async () => (passphrase === undefined ? undefined : new Passphrase(passphrase)), {
      scryptLog2N: 10,
    });
  const wallet = await createWallet(world, { protection: under('correct horse') });
  await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  await wallet.load({ amount: eur(5), onFile: true });
  const key = await wallet.signingKey();
  await wallet.close();

  const again = await openWallet(world, { protection: under('correct horse') });
  expect(await again.signingKey()).toEqual(key);
  const open = newWorld();
  await createWallet(open);
  expect(world.disk.get('keys')).not.toHaveLength(open.disk.get('keys')!.length);

  // Looking needs none.
  const looking = await openWallet(world);
  expect((await looking.balance()).balance).toBe(5n);
  expect((await looking.verify()).problems).toEqual([]);
  await expect(looking.load({ amount: eur(5), onFile: true })).rejects.toMatchObject({
    code: 'passphrase_needed',
  });
  for (const [passphrase, code] of [
    [undefined, 'passphrase_needed'],
    ['another', 'wrong_passphrase'],
  ] as const) {
    const other = await openWallet(world, { protection: under(passphrase) });
    await expect(other.load({ amount: eur(5), onFile: true })).rejects.toMatchObject({ code });
    expect((await other.balance()).open).toEqual([]);
  }
});

test('one place, one wallet', async () => {
  const world = newWorld();
  await createWallet(world);
  await expect(createWallet(world)).rejects.toMatchObject({ code: 'wallet_exists' });
  await expect(
    Wallet.create(optionsOf(newWorld()), { ...newWallet, name: 'x'.repeat(65) }),
  ).rejects.toMatchObject({
    code: 'invalid_argument',
  });
});
