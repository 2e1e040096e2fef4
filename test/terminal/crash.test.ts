// A terminal dies at every write, whether or not that has reached the disk, and every answer gets lost, whether or not what was
// asked for was done. Whoever starts it again and lets it resume finds all of the money: nothing lost, nothing twice.
import fc from 'fast-check';
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
    run: (_, ada, bob) => ada.terminal.send({ destination: bob.terminal.address, amount: 5n }),
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

// Four terminals do as they like, while answers get lost, processes die and gateways reject: in the end the money is what was put
// in, less what was paid out, and every note is where its owner believes it is.

const runs = process.env.SPECIE_SLOW_TESTS === '1' ? 300 : 5;

const who = fc.nat(3);
const amount = fc.integer({ min: 1, max: 9 }).map(BigInt);
const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), who, to: fc.nat(1), amount }),
  fc.record({ kind: fc.constantFrom('receive' as const, 'resume' as const, 'crash' as const), who }),
  fc.record({
    kind: fc.constantFrom('hand over' as const, 'withdraw' as const, 'deposit' as const),
    who,
    amount,
  }),
  fc.record({
    kind: fc.constant('lose' as const),
    party: fc.constantFrom('lan' as const, 'wan' as const, 'gateway' as const),
    in: fc.nat(5),
    isHeard: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('give back' as const, 'rejecting' as const, 'accepting' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never;

async function take(world: World, devices: readonly Device[], one: Step): Promise<bigint> {
  switch (one.kind) {
    case 'send': {
      const from = devices[one.who]!;
      const to = devices.filter(({ side }) => side !== from.side)[one.to]!;
      await from.terminal.send({ destination: to.terminal.address, amount: one.amount });
      return 0n;
    }
    case 'receive':
      await devices[one.who]!.terminal.receive();
      return 0n;
    case 'resume':
      await devices[one.who]!.terminal.resume();
      return 0n;
    case 'crash': {
      const device = devices[one.who]!;
      device.disk.crash(one.who % 2 === 0);
      device.start();
      return 0n;
    }
    case 'hand over': {
      const from = devices[one.who]!;
      const [to] = devices.filter((device) => device !== from && device.side === from.side);
      const { text } = await from.terminal.makeToken(one.amount);
      await to!.terminal.takeToken(text);
      return 0n;
    }
    case 'withdraw': {
      const { terminal, side } = devices[one.who]!;
      const { operation, request } = await terminal.withdraw(one.amount);
      await world.mints[side].payQuote(request);
      await ignoringErrors(terminal.finishWithdrawal(operation));
      return one.amount;
    }
    case 'deposit':
      await devices[one.who]!.terminal.deposit({ payee: 'x', amount: one.amount });
      return 0n;
    case 'lose': {
      const party = one.party === 'gateway' ? world.gateway : world.mints[one.party];
      Object.assign(party, { loseIn: one.in, loseHeard: one.isHeard });
      return 0n;
    }
    case 'give back': {
      const [waiting] = [...world.gateway.exchanges].filter(([, { answer }]) => answer.state === 'waiting');
      if (waiting !== undefined && world.gateway.isUntouched(waiting[0]))
        await world.gateway.giveBack(waiting[0]);
      return 0n;
    }
    case 'rejecting':
      world.gateway.rejects = 'exceeds_credits';
      return 0n;
    case 'accepting':
      world.gateway.rejects = undefined;
      return 0n;
  }
}

test('whatever happens, the money is somewhere, once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { minLength: 10, maxLength: 40 }),
      async (isForgetful, steps) => {
        const world = new World();
        for (const mint of [world.mints.lan, world.mints.wan]) Object.assign(mint, { isForgetful });
        const devices = (['lan', 'lan', 'wan', 'wan'] as const).map((side) => new Device(world, side));
        let put = 0n;
        for (const device of devices) {
          await device.terminal.register('x');
          await device.give(20n);
          put += 20n;
        }
        for (const one of steps) {
          await ignoringErrors(
            take(world, devices, one).then((amount) => {
              put += amount;
            }),
          );
          for (const device of devices) expect(device.worth()).toBeGreaterThanOrEqual(0n);
        }
        for (const party of [world.mints.lan, world.mints.wan, world.gateway])
          party.loseIn = Number.POSITIVE_INFINITY;
        world.gateway.rejects = undefined;
        await settle(world, ...devices);
        const { lan, wan } = world.mints;
        expect(world.outstanding() + lan.melted + wan.melted).toBe(put);
      },
    ),
    { numRuns: runs },
  );
});
