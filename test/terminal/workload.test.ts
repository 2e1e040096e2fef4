// Four terminals do as they like, while answers get lost, processes die and gateways reject: in the end the money is what was put
// in, less what was paid out, and every note is where its owner believes it is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Device, ignoringErrors, settle, World } from './support.ts';

const runs = process.env.SPECIE_SLOW_TESTS === '1' ? 300 : 8;

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
