// A crash at every point at which settlement can be seen from outside: before and after each write and each effect, and
// before and after the work that the institution does. Found by enumeration: a run counts its points, then each of them is
// the end of a run of its own. What the scripted institution's books say in the end decides.
import { describe, expect, test } from 'vitest';
import type { ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import { referenceOf, type Script } from './scripted-institution.ts';
import { ACCOUNT_NUMBER, chargeRequest, rejectedReversal, reversalOf, Simulation } from './support.ts';

const REQUEST = 7n;

interface Scenario {
  readonly name: string;
  readonly script: Script;
  /** Management asks for a reversal when the charge is at this point, or so many turns later. */
  readonly reverseAt?: number;
  readonly turns?: number;
  /** It has cash's rejection of the credit. */
  readonly isRejected?: boolean;
}

const SCRIPTS: { readonly [name: string]: Script } = {
  'all is well': {},
  declined: { authorise: ['decline'] },
  'the authorisation is lost': { authorise: ['lost_before'] },
  'the answer to the authorisation is lost': { authorise: ['lost_after'] },
  'the authorisation is late': { authorise: ['late'], inquire: ['lost_before', 'ok', 'ok'] },
  'all of it twice': { authorise: ['twice'], capture: ['twice'], inquire: ['twice'], reverse: ['twice'] },
  'garbage everywhere': {
    authorise: ['garbage'],
    capture: ['garbage'],
    inquire: ['garbage'],
    reverse: ['garbage'],
  },
  'the adapter throws': {
    authorise: ['reject'],
    capture: ['reject'],
    inquire: ['reject'],
    reverse: ['reject'],
  },
  'the answer to the capture is lost': { capture: ['lost_after'] },
  'the capture is lost, then late': { capture: ['lost_before', 'late'] },
  'the capture is declined': { capture: ['decline'], reverse: ['lost_after', 'decline'] },
  'inquiry brings no result': { authorise: ['lost_after'], inquire: Array(100).fill('lost_before') },
  'inquiry brings no result, the authorisation is late': {
    authorise: ['late'],
    inquire: Array(100).fill('lost_before'),
    reverse: ['lost_before', 'late'],
  },
  'down for long': { authorise: ['down'] },
  'down for long before the capture': { capture: ['down'] },
  'nothing but lost answers': {
    authorise: Array(3).fill('lost_after'),
    capture: Array(3).fill('lost_after'),
    inquire: Array(3).fill('lost_after'),
    reverse: Array(3).fill('lost_after'),
  },
};

interface Played {
  readonly simulation: Simulation;
  readonly points: number;
  /** To the charge, at the end. */
  readonly answer: string;
  /** Of the reversal. */
  readonly refusal: string | undefined;
}

/** Runs the scenario, and calls `at` at each point with its number. */
async function play(
  scenario: Scenario,
  at: (point: number, simulation: Simulation) => void,
): Promise<Played> {
  const simulation = new Simulation({ script: scenario.script, limits: { inquireForMs: 60_000 } });
  const charge: ChargeRequest = chargeRequest({ request: REQUEST, applyBy: simulation.applyBy });
  const reversal = scenario.isRejected ? rejectedReversal(charge) : reversalOf(REQUEST);
  let points = 0;
  let refusal: string | undefined;
  let reversed: Promise<unknown> | undefined;
  const reverse = async (): Promise<void> => {
    await simulation.world.quiet(scenario.turns ?? 0);
    if (!simulation.isDown) await simulation.client().reverse(reversal);
  };
  const point = (): void => {
    points++;
    if (points === scenario.reverseAt) {
      reversed = reverse();
    }
    at(points, simulation);
  };
  simulation.trace = point;
  simulation.institution.onCall = point;

  await simulation.insist((client) => client.charge(charge));
  if (scenario.reverseAt !== undefined) {
    if (reversed !== undefined) await Promise.race([reversed, simulation.world.pass(1000)]);
    const insisted = simulation.insist((client) => client.reverse(reversal));
    refusal = await insisted.then(
      () => undefined,
      (error: Error) => error.message.split(':')[0],
    );
  }
  await simulation.finish();
  const { kind } = await simulation.insist((client) => client.charge(charge));
  return { simulation, points, answer: kind, refusal };
}

function expectTrue({ simulation, answer }: { simulation: Simulation; answer: string }, what: string): void {
  const { times, held } = simulation.institution.charged(REQUEST);
  expect([what, answer, times, held]).toEqual([what, answer, answer === 'charged' ? 1 : 0, false]);
  const entry = simulation.institution.books.get(REQUEST);
  expect(entry === undefined || entry.taken <= 1).toBe(true);
  expect(simulation.everything()).not.toContain(ACCOUNT_NUMBER);
}

/** Authorised again only after the institution has said that it does not know the charge. */
function expectNoBlindAuthorisation(simulation: Simulation, what: string): void {
  const calls = simulation.institution.calls.map(({ call }) => call);
  calls.forEach((call, i) => {
    if (call === 'authorise' && i > 0) expect([what, calls[i - 1]]).toEqual([what, 'inquire']);
  });
}

test.each(Object.keys(SCRIPTS))('a crash anywhere: %s', async (name) => {
  const scenario = { name, script: SCRIPTS[name]! };
  const whole = await play(scenario, () => {});
  expectTrue(whole, 'no crash');
  expectNoBlindAuthorisation(whole.simulation, 'no crash');
  expect(whole.points).toBeGreaterThan(5);
  for (let end = 1; end <= whole.points; end++) {
    for (const isFlushed of [false, true]) {
      const what = `crash at point ${end} of ${whole.points}${isFlushed ? ', flushed' : ''}`;
      const run = await play(scenario, (point, simulation) => {
        if (point === end) simulation.crash(isFlushed);
      });
      expectTrue(run, what);
      expectNoBlindAuthorisation(run.simulation, what);
    }
  }
});

/** Reversed, and no receipt of it has ever left; or charged, and the reversal refused. */
function expectOneOfBoth({ simulation, answer, refusal }: Played, what: string): void {
  if (answer === 'charged') {
    expect([what, refusal]).toEqual([what, 'rejection_required']);
    return;
  }
  expect([what, answer, refusal]).toEqual([what, 'reversed', undefined]);
  const told = Buffer.concat(simulation.told.bytes);
  expect([what, told.includes(referenceOf({ reference: REQUEST }))]).toEqual([what, false]);
}

describe.each([
  'all is well',
  'all of it twice',
  'garbage everywhere',
  'nothing but lost answers',
  'the capture is lost, then late',
])('a reversal at any time: %s', (name) => {
  const script = SCRIPTS[name]!;

  test('without a rejection: before there is a receipt, or not at all', async () => {
    const { points } = await play({ name, script }, () => {});
    const answers = new Set<string>();
    for (let reverseAt = 1; reverseAt <= points; reverseAt++) {
      for (const turns of [0, 1, 2, 3, 5]) {
        const run = await play({ name, script, reverseAt, turns }, () => {});
        const what = `reversal at point ${reverseAt} of ${points}, ${turns} turns later`;
        expectTrue(run, what);
        expectOneOfBoth(run, what);
        answers.add(run.answer);
      }
    }
    expect(answers).toEqual(new Set(['reversed', 'charged']));
  });

  test('with one: always', async () => {
    const { points } = await play({ name, script }, () => {});
    for (let reverseAt = 1; reverseAt <= points; reverseAt++) {
      const run = await play({ name, script, reverseAt, isRejected: true }, () => {});
      expectTrue(run, `reversal at point ${reverseAt} of ${points}`);
      expect([run.answer, run.refusal]).toEqual(['reversed', undefined]);
    }
  });
});

test.each([
  ['all is well', false],
  ['all is well', true],
  ['nothing but lost answers', false],
  ['nothing but lost answers', true],
] as const)('a crash anywhere in a reversal: %s, with a rejection: %s', async (name, isRejected) => {
  const script = SCRIPTS[name]!;
  const { points } = await play({ name, script }, () => {});
  for (let reverseAt = 2; reverseAt <= points; reverseAt += isRejected ? 3 : 2) {
    const whole = await play({ name, script, reverseAt, isRejected }, () => {});
    for (let end = reverseAt + 1; end <= whole.points; end += isRejected ? 2 : 3) {
      for (const isFlushed of isRejected ? [false] : [false, true]) {
        const run = await play({ name, script, reverseAt, isRejected }, (point, simulation) => {
          if (point === end) simulation.crash(isFlushed);
        });
        const what = `reversal at point ${reverseAt}, crash at point ${end} of ${whole.points}, ${isFlushed}`;
        expectTrue(run, what);
        if (isRejected) expect([what, run.answer]).toEqual([what, 'reversed']);
        else expectOneOfBoth(run, what);
      }
    }
  }
});

test.each([1, 2, 3])('crashes at every point in turn, every %d points', async (stride) => {
  for (const [name, script] of Object.entries(SCRIPTS)) {
    let crashes = 0;
    const run = await play({ name, script }, (point, simulation) => {
      if (crashes < 25 && point % stride === 0) {
        crashes++;
        simulation.crash(crashes % 2 === 0);
      }
    });
    expectTrue(run, `${name}: ${crashes} crashes`);
  }
});
