// Homes, roles and channels together, over real sockets: who is let in, and rotation while all of it runs.
import { describe, expect, test } from 'vitest';
import { ClientError } from '../../src/channel/client-error.ts';
import { unnamedClientIdentity } from '../../src/identity/client-identity.ts';
import type { Directory } from '../../src/identity/directory.ts';
import { initHome } from '../../src/identity/init-home.ts';
import { type LoadHomeOptions, loadHome, loadOperator } from '../../src/identity/load-home.ts';
import type { MintRole, RoleName } from '../../src/identity/roles.ts';
import { rotateKeys } from '../../src/identity/rotate-keys.ts';
import { systemClock } from '../../src/identity/time.ts';
import type { EngineRequest } from '../../src/wire/engine.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { MemoryEngine } from '../channel/memory-engine.ts';
import { afterwards, client, serve } from '../channel/support.ts';
import { newFolder, noPassphrase } from './folders.ts';

class SeeingEngine extends MemoryEngine {
  peer: Peer | undefined;
  override submit(request: EngineRequest) {
    this.peer = request.peer;
    return super.submit(request);
  }
}

async function processOf(home: string, role: RoleName, more: Partial<LoadHomeOptions> = {}) {
  const loaded = await loadHome({ home, role, passphrase: noPassphrase, setTimer: () => () => {}, ...more });
  afterwards(async () => loaded.close());
  return loaded;
}

const channelKey = (directory: Directory, role: RoleName): Uint8Array =>
  directory.currentKeySet(role, systemClock()).keys.channel;

async function newSystem(): Promise<string> {
  const home = newFolder();
  await initHome({ home });
  return home;
}

async function serverOf(home: string, role: RoleName) {
  const process = await processOf(home, role);
  const engine = new SeeingEngine();
  const server = await serve({ engine, identity: process.serverIdentity(() => false), port: 0 });
  return { process, engine, server };
}

describe('over the channel', () => {
  test('a role and an operator of the home are let in as what they are', async () => {
    const home = await newSystem();
    const { engine, server } = await serverOf(home, 'cash');
    const management = await processOf(home, 'management');
    const role = await client(server, { identity: management.clientIdentity('cash') });
    await role.lookupAccounts([1n]);
    expect(engine.peer).toMatchObject({ kind: 'role', role: 'management' });
    const operator = await loadOperator({ home, passphrase: noPassphrase });
    const command = await client(server, { identity: operator.clientIdentity('cash') });
    await command.lookupAccounts([1n]);
    expect(engine.peer).toMatchObject({ kind: 'operator', name: 'operator' });
  });

  test('a terminal is let in at issuer and receiver without a name, and nowhere else', async () => {
    const home = await newSystem();
    const { engine, server, process } = await serverOf(home, 'receiver');
    const { server: cash } = await serverOf(home, 'cash');
    const unnamed = (to: MintRole) =>
      unnamedClientIdentity({ to, directory: process.directory, clock: systemClock });
    const terminal = await client(server, { identity: unnamed('receiver') });
    await terminal.lookupAccounts([1n]);
    expect(engine.peer).toEqual({ kind: 'unnamed' });
    await expect(client(server, { identity: unnamed('issuer') })).rejects.toMatchObject({
      code: 'handshake_failed',
    });
    const elsewhere = { ...unnamed('issuer'), remoteStaticKey: channelKey(process.directory(), 'cash') };
    await expect(client(cash, { identity: elsewhere })).rejects.toMatchObject({
      code: 'pattern_not_allowed',
    });
  });

  test('issuer, receiver and cash know each other', async () => {
    const home = await newSystem();
    const names = ['issuer', 'receiver', 'cash'] as const;
    for (const to of names) {
      const { engine, server } = await serverOf(home, to);
      for (const role of names.filter((name) => name !== to)) {
        const process = await processOf(home, role);
        const connection = await client(server, { identity: process.clientIdentity(to) });
        await connection.lookupAccounts([1n]);
        expect(engine.peer).toMatchObject({ kind: 'role', role });
      }
    }
  });

  test('those of another system are not: neither do they know it, nor does it know them', async () => {
    const { server } = await serverOf(await newSystem(), 'cash');
    const other = await newSystem();
    const management = await processOf(other, 'management');
    await expect(client(server, { identity: management.clientIdentity('cash') })).rejects.toBeInstanceOf(
      ClientError,
    );
    const operator = await loadOperator({ home: other, passphrase: noPassphrase });
    await expect(client(server, { identity: operator.clientIdentity('cash') })).rejects.toBeInstanceOf(
      ClientError,
    );
  });

  test('rotation of either side: connections stand, new ones have the new keys, old ones still work', async () => {
    const home = await newSystem();
    const { process: cash, engine, server } = await serverOf(home, 'cash');
    const management = await processOf(home, 'management');
    const identity = management.clientIdentity('cash');
    const before = await client(server, { identity });
    const oldKeys = { ...identity };
    for (const role of ['cash', 'management'] as const) {
      // Keys of the same millisecond as the ones before are refused.
      await new Promise((resolve) => setTimeout(resolve, 5));
      await rotateKeys({ home, role, passphrase: noPassphrase });
    }
    await cash.refresh();
    await management.refresh();
    expect(identity.remoteStaticKey).not.toEqual(oldKeys.remoteStaticKey);
    expect(identity.staticKey).not.toEqual(oldKeys.staticKey);
    const after = await client(server, { identity });
    const late = await client(server, { identity: oldKeys });
    for (const connection of [before, after, late]) {
      engine.peer = undefined;
      await connection.lookupAccounts([1n]);
      expect(engine.peer).toMatchObject({ kind: 'role', role: 'management' });
    }
  });

  test('a server that has not read the new directory yet reads it because of who comes', async () => {
    const home = await newSystem();
    let fire = (): void => {};
    const cash = await processOf(home, 'cash', {
      setTimer: (run, milliseconds) => {
        if (milliseconds < 2000) fire = run;
        return () => {};
      },
    });
    const server = await serve({
      engine: new SeeingEngine(),
      identity: cash.serverIdentity(() => false),
      port: 0,
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await rotateKeys({ home, role: 'management', passphrase: noPassphrase });
    const management = await processOf(home, 'management');
    const identity = management.clientIdentity('cash');
    await expect(client(server, { identity })).rejects.toBeInstanceOf(ClientError);
    fire();
    await cash.refresh();
    const connection = await client(server, { identity });
    await connection.lookupAccounts([1n]);
  });
});
