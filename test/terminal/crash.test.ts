// A terminal dies at every write, whether or not that has reached the disk, and every answer gets lost, whether or not what was
// asked for was done. Whoever starts it again and lets it resume finds all of the money: nothing lost, nothing twice.
import { expect, test } from 'vitest';
import { MemoryDisk } from '../store/memory-backend.ts';
import { Device, ignoringErrors, settle, World } from './support.ts';

interface Flow {
  /** What happens before anything goes wrong. */
  prepare(world: World, ada: Device, bob: Device): Promise<unknown>;
  run(world: World, ada: Device, bob: Device): Promise<unknown>;
  /** What all terminals and accounts have in the end. */
  readonly total: bigint;
}

const FLOWS: Record<string, Flow> = {
  'send, with change': {
    total: 16n,
    prepare: (_, ada) => ada.give(16n),
    run: async (_, ada, bob) => {
      await ada.terminal.send({ destination: bob.terminal.address, amount: 5n });
      await bob.terminal.receive();
    },
  },
  receive: {
    total: 6n,
    prepare: async (_, ada, bob) => {
      await bob.give(6n);
      await bob.terminal.send({ destination: ada.terminal.address, amount: 6n });
    },
    run: (_, ada) => ada.terminal.receive(),
  },
  'send, rejected': {
    total: 5n,
    prepare: (world, ada) => {
      world.gateway.rejects = 'exceeds_credits';
      return ada.give(5n);
    },
    run: (_, ada, bob) => ada.terminal.send({ destination: bob.terminal.address, amount: 5n }),
  },
  returned: {
    total: 7n,
    prepare: async (world, ada, bob) => {
      await ada.terminal.register('Ada');
      await ada.give(7n);
      const { request } = await ada.terminal.send({ destination: bob.terminal.address, amount: 7n });
      await world.gateway.giveBack(request);
    },
    run: (_, ada) => ada.terminal.receive(),
  },
  'token made and taken back': {
    total: 8n,
    prepare: (_, ada) => ada.give(8n),
    run: async (_, ada) => {
      const { operation } = await ada.terminal.makeToken(3n);
      await ada.terminal.reclaimToken(operation);
    },
  },
  withdraw: {
    total: 9n,
    prepare: async (world, ada) => {
      const { request } = await ada.terminal.withdraw(9n);
      await world.mints.lan.payQuote(request);
    },
    run: (_, ada) => ada.terminal.resume(),
  },
  deposit: {
    total: 8n,
    prepare: (_, ada) => ada.give(8n),
    run: (_, ada) => ada.terminal.deposit({ payee: 'specie-device:x', amount: 3n }),
  },
};

/** Dies at one of its writes. */
class MortalDisk extends MemoryDisk {
  /** Writes until it dies; then whether that one is flushed. */
  dieIn = Number.POSITIVE_INFINITY;
  isFlushed = false;
  died: () => void = () => {};

  constructor() {
    super({
      flush: (done) =>
        setImmediate(() => {
          if (this.dieIn-- > 0) return done();
          this.crash(this.isFlushed);
          this.died();
        }),
    });
  }
}

test.each(Object.entries(FLOWS))('%s: a crash at each write', async (_, flow) => {
  let writes = 0;
  for (const isFlushed of [false, true]) {
    for (let at = 0; ; at++) {
      const world = new World();
      const disk = new MortalDisk();
      const [ada, bob] = [new Device(world, 'lan', disk), new Device(world, 'wan')];
      await flow.prepare(world, ada, bob);
      Object.assign(disk, { dieIn: at, isFlushed });
      const died = new Promise<boolean>((resolve) => {
        disk.died = () => resolve(true);
      });
      const hasDied = await Promise.race([died, ignoringErrors(flow.run(world, ada, bob)).then(() => false)]);
      disk.dieIn = Number.POSITIVE_INFINITY;
      await settle(world, ada, bob);
      expect(world.outstanding() + world.mints.lan.melted).toBe(flow.total);
      if (!hasDied) break;
      writes++;
    }
  }
  expect(writes).toBeGreaterThan(3);
});

test.each(Object.entries(FLOWS))('%s: each answer lost, and each question', async (_, flow) => {
  let lost = 0;
  for (const { loseHeard, isForgetful } of [
    { loseHeard: false, isForgetful: false },
    { loseHeard: true, isForgetful: false },
    { loseHeard: true, isForgetful: true },
  ]) {
    for (let at = 0; ; at++) {
      const world = new World();
      Object.assign(world.mints.lan, { isForgetful });
      const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
      await flow.prepare(world, ada, bob);
      // Both are counted together: the next call of whichever comes first is lost, then the next of the other.
      for (const party of [world.mints.lan, world.gateway]) Object.assign(party, { loseIn: at, loseHeard });
      await ignoringErrors(flow.run(world, ada, bob));
      const isThrough = world.mints.lan.loseIn >= 0 && world.gateway.loseIn >= 0;
      for (const party of [world.mints.lan, world.gateway]) party.loseIn = Number.POSITIVE_INFINITY;
      await settle(world, ada, bob);
      expect(world.outstanding() + world.mints.lan.melted).toBe(flow.total);
      if (isThrough) break;
      lost++;
    }
  }
  expect(lost).toBeGreaterThan(1);
});
