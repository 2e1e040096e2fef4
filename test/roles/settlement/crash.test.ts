// A crash at every point at which settlement can be seen from outside: before and after each write and each effect, and
// before and after the work that the institution does. Found by enumeration: a run counts its points, then each of them is
// the end of a run of its own. What the scripted institution's books say in the end decides.
import { expect, test } from 'vitest';
import type { ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import type { Script } from './scripted-institution.ts';
import { ACCOUNT_NUMBER, chargeRequest, Simulation } from './support.ts';

const REQUEST = 7n;

interface Scenario {
  readonly name: string;
  readonly script: Script;
  /** Management asks for a reversal when the charge is at this point. */
  readonly reverseAt?: number;
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

/** Runs the scenario, and calls `at` at each point with its number. */
async function play(
  scenario: Scenario,
  at: (point: number, simulation: Simulation) => void,
): Promise<{ readonly simulation: Simulation; readonly points: number; readonly answer: string }> {
  const simulation = new Simulation({ script: scenario.script, limits: { inquireForMs: 60_000 } });
  const charge: ChargeRequest = chargeRequest({ request: REQUEST, applyBy: simulation.applyBy });
  const reversal = { request: REQUEST, reason: 'gave up' };
  let points = 0;
  let reversed: Promise<unknown> | undefined;
  const point = (): void => {
    points++;
    if (points === scenario.reverseAt) {
      reversed = simulation.client().reverse(reversal);
    }
    at(points, simulation);
  };
  simulation.trace = point;
  simulation.institution.onCall = point;

  await simulation.insist((client) => client.charge(charge));
  if (scenario.reverseAt !== undefined) {
    if (reversed !== undefined) await Promise.race([reversed, simulation.world.pass(1000)]);
    await simulation.insist((client) => client.reverse(reversal));
  }
  await simulation.finish();
  const { kind } = await simulation.insist((client) => client.charge(charge));
  return { simulation, points, answer: kind };
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

test.each([
  'all is well',
  'all of it twice',
  'garbage everywhere',
  'nothing but lost answers',
  'the capture is lost, then late',
])('a reversal at any time: %s', async (name) => {
  const script = SCRIPTS[name]!;
  const { points } = await play({ name, script }, () => {});
  for (let reverseAt = 1; reverseAt <= points; reverseAt++) {
    const run = await play({ name, script, reverseAt }, () => {});
    expectTrue(run, `reversal at point ${reverseAt} of ${points}`);
    expect(run.answer).toBe('reversed');
  }
});

test.each(['all is well', 'nothing but lost answers'])('a crash anywhere in a reversal: %s', async (name) => {
  const script = SCRIPTS[name]!;
  const { points } = await play({ name, script }, () => {});
  for (let reverseAt = 2; reverseAt <= points; reverseAt += 3) {
    const whole = await play({ name, script, reverseAt }, () => {});
    for (let end = reverseAt + 1; end <= whole.points; end += 2) {
      const run = await play({ name, script, reverseAt }, (point, simulation) => {
        if (point === end) simulation.crash();
      });
      expectTrue(run, `reversal at point ${reverseAt}, crash at point ${end} of ${whole.points}`);
      expect(run.answer).toBe('reversed');
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
