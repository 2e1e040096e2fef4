// Two mints, a gateway between them, and terminals on both sides, all in memory.
import { expect } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { DeterministicSecrets } from '../../src/notes/secrets.ts';
import { encodeToken } from '../../src/notes/token.ts';
import type { Side } from '../../src/roles/gateway/messages.ts';
import { Random } from '../../src/shared/random.ts';
import { TerminalError, type TerminalErrorCode } from '../../src/terminal/errors.ts';
import { noteOf } from '../../src/terminal/records.ts';
import { Terminal } from '../../src/terminal/terminal.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';
import { ScriptedGateway } from './scripted-gateway.ts';
import { ScriptedMint, type ScriptedMintOptions } from './scripted-mint.ts';

export interface WorldOptions {
  readonly mint?: Partial<ScriptedMintOptions>;
}

export class World {
  readonly random = new Random(7n);
  nowNs = 1_800_000_000_000_000_000n;
  readonly mints: { readonly lan: ScriptedMint; readonly wan: ScriptedMint };
  readonly gateway: ScriptedGateway;

  constructor({ mint = {} }: WorldOptions = {}) {
    const common = { crypto: noteCrypto, clock: () => this.nowNs, random: this.bytes, ...mint };
    this.mints = {
      lan: new ScriptedMint({ ...common, unit: 'eur@campus', organisation: 'campus' }),
      wan: new ScriptedMint({ ...common, unit: 'eur' }),
    };
    this.gateway = new ScriptedGateway(this.mints);
  }

  readonly bytes = (size: number): Uint8Array =>
    Uint8Array.from({ length: size }, () => this.random.below(256));

  /** What all notes are worth that mints have signed and not taken in, and what exchanges have cost. */
  outstanding(): bigint {
    return this.mints.lan.outstanding() + this.mints.wan.outstanding() + this.gateway.fees;
  }
}

/** One device: its disk and its keys outlive its processes. */
export class Device {
  readonly world: World;
  readonly side: Side;
  readonly keys = { channel: generateKeyPair('channel'), sealing: generateKeyPair('sealing') };
  readonly seed: Uint8Array;
  disk: MemoryDisk;
  terminal: Terminal;

  constructor(world: World, side: Side, disk = new MemoryDisk()) {
    this.world = world;
    this.side = side;
    this.seed = world.bytes(64);
    this.disk = disk;
    this.terminal = this.start();
  }

  /** Another process over what is on the disk. */
  start(): Terminal {
    const { world, side, keys, seed } = this;
    this.terminal = new Terminal({
      side,
      currency: { ledger: 978, code: 'EUR' },
      store: memoryRoleStore(this.disk),
      keys,
      secrets: new DeterministicSecrets(seed),
      gateways: [world.gateway.known(side, keys.channel.publicKey)],
      mint: world.mints[side].service(),
      mintAddress: `https://${side}.example`,
      crypto: noteCrypto,
      clock: () => world.nowNs,
      setTimer: (run) => {
        const timer = setImmediate(run);
        return () => clearImmediate(timer);
      },
      randomBytes: world.bytes,
      times: { patienceMs: 1 },
    });
    return this.terminal;
  }

  /** Gives it notes, as if somebody had handed it a token. */
  async give(amount: bigint): Promise<void> {
    const mint = this.world.mints[this.side];
    const notes = (await mint.issue(amount)).map(noteOf);
    await this.terminal.takeToken(encodeToken({ mint: 'https://x.example', unit: mint.keyset.unit, notes }));
  }

  /** All that it counts as its own. */
  worth(): bigint {
    const { free, exchanging, sent, tokens, depositing } = this.terminal.balance();
    return free + exchanging + sent + tokens + depositing;
  }
}

export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<TerminalErrorCode | 'none'> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof TerminalError) return error.code;
    throw error;
  }
  return 'none';
}

/** Those that a terminal has words for. */
export const ignoringErrors = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((error: unknown) => {
    if (!(error instanceof TerminalError)) throw error;
  });

/** Starts both anew and lets them finish; tokens that nobody has are taken back. */
export async function settle(world: World, ...devices: Device[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const device of devices) {
      await device.start().resume();
      for (const { operation } of await device.terminal.tokens())
        await device.terminal.reclaimToken(operation);
    }
  }
  for (const device of devices) {
    expect(device.terminal.balance().open).toEqual([]);
    expect(await device.terminal.audit()).toEqual({
      UNSPENT: device.terminal.balance().free,
      PENDING: 0n,
      SPENT: 0n,
    });
  }
  const free = devices.reduce((sum, device) => sum + device.terminal.balance().free, 0n);
  // No note that nobody has, and none that two have.
  expect(world.outstanding()).toBe(free);
}
