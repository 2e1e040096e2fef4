// A crash of issuer and receiver at every point at which they can be seen from outside: before and after each write and each
// effect, before and after cash moves money. Found by enumeration: a run counts its points, then each of them is the end of
// a run of its own. At the crash and in the end, what the account of notes at cash holds is what is out: signed, less what
// is spent, and what is in flight between the two books.
import { expect, test } from 'vitest';
import { noteCrypto } from '../../../src/crypto/index.ts';
import type { Note } from '../../../src/notes/note.ts';
import { encodeNotePayee } from '../../../src/roles/documents/note-payee.ts';
import type { Turn } from './scripted-cash.ts';
import {
  anIssue,
  anOrder,
  aPayment,
  aTaking,
  KEYSETS,
  newOutputs,
  notesOf,
  opened,
  SHOP,
  Simulation,
} from './support.ts';

const ENDOWED = 1_000n;
const METHOD = 'specie';
const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const AMOUNT = 6n;

/** What is done, until it is through; how it ended, in words. */
type Play = (simulation: Simulation) => Promise<string>;

/** Calls of the mint's interface have no request ids of their own: asked until there is an answer. */
async function insistOn<Answer>(simulation: Simulation, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    if (simulation.isDown) await simulation.start();
    const crashed = new Promise<undefined>((resolve) => {
      simulation.whenCrashed(() => resolve(undefined));
    });
    const answer = await simulation.world.until(Promise.race([ask(), crashed]));
    if (answer !== undefined) return answer;
  }
}

const PLAYS: { readonly [name: string]: Play } = {
  async issue(simulation) {
    const request = anIssue({ request: 5n, outputs: OUTPUTS, applyBy: simulation.applyBy });
    const answer = await simulation.insist(() => simulation.issuer().issueNotes(request));
    if (answer.kind === 'issued') expect(opened(answer.notes, request)).toEqual(SIGNED);
    return answer.kind;
  },
  async 'pay and mint'(simulation) {
    const { quote } = await insistOn(simulation, () =>
      simulation.roles.issuer.mint.openMintQuote(METHOD, { amount: AMOUNT, unit: 'eur' }),
    );
    const payment = aPayment({ request: 5n, amount: AMOUNT, quote, applyBy: simulation.applyBy });
    const { kind } = await simulation.insist(() => simulation.issuer().payQuote(payment));
    if (kind !== 'paid') return kind;
    const asked = { quote, outputs: OUTPUTS.map(({ message }) => message) };
    const mint = () => simulation.roles.issuer.mint.mint(METHOD, asked);
    const { signatures } = await insistOn(simulation, mint);
    expect((await insistOn(simulation, mint)).signatures).toEqual(signatures);
    expect(signatures).toEqual(SIGNED);
    return 'minted';
  },
  async 'move funds'(simulation) {
    simulation.cash.sales.set(SHOP.shop, AMOUNT);
    const reference = new Uint8Array(32);
    const order = anOrder({
      ...{ request: 5n, amount: AMOUNT, reference, applyBy: simulation.applyBy },
      changes: { action: 'fund' },
    });
    const { kind } = await simulation.insist(() => simulation.issuer().moveFunds({ order }));
    const moved = kind === 'moved' ? AMOUNT : 0n;
    expect(simulation.cash.sales.get(SHOP.shop)).toBe(AMOUNT - moved);
    return kind;
  },
  async take(simulation) {
    const request = aTaking({ request: 5n, notes: TAKEN, applyBy: simulation.applyBy });
    const { kind } = await simulation.insist(() => simulation.receiver().takeNotes(request));
    return kind;
  },
  async melt(simulation) {
    const payee = encodeNotePayee({ kind: 'shop', shop: SHOP.shop });
    const { quote } = await insistOn(simulation, () =>
      simulation.roles.receiver.mint.openMeltQuote(METHOD, { request: payee, unit: 'eur', amount: AMOUNT }),
    );
    const melt = () =>
      simulation.roles.receiver.mint.melt(METHOD, { quote, inputs: TAKEN }).then(
        ({ state }) => state as string,
        (error: { error?: string }) => error.error ?? 'failed',
      );
    for (;;) {
      const state = await insistOn(simulation, melt);
      if (state !== 'PENDING') return state;
      await simulation.world.pass(1_000);
    }
  },
};
const TAKEN: readonly Note[] = notesOf(AMOUNT);
const OUTPUTS = newOutputs(AMOUNT);
/** What they come to, whoever signs them, and when. */
const SIGNED = OUTPUTS.map(({ message: { amount, keysetId, blinded } }) => ({
  ...{ amount, keysetId },
  ...noteCrypto.sign([{ blinded, secretKey: KEYSETS.secretKey(keysetId, amount)! }])[0]!,
}));

const SCRIPTS: { readonly [name: string]: readonly Turn[] } = {
  'all is well': [],
  'answers are lost': ['lost_after', 'lost_after'],
  'questions are lost, then nothing is believed': ['lost_before', 'garbage', 'refused', 'forged'],
};

/** Runs the play, and calls `at` at each point with its number. */
async function run(
  play: Play,
  script: readonly Turn[],
  against: string | undefined,
  at: (point: number, simulation: Simulation) => void,
) {
  const simulation = new Simulation({ script });
  simulation.endow(ENDOWED);
  simulation.cash.against = against;
  let points = 0;
  const point = (): void => at(++points, simulation);
  simulation.trace = point;
  simulation.cash.onCall = point;
  await simulation.start();
  const ended = await play(simulation);
  await simulation.finish();
  return { simulation, ended, points };
}

/** What cash has booked, and what is on the disks, at any moment. */
function expectNothingLost(simulation: Simulation, what: string): void {
  let [issued, received] = [0n, 0n];
  for (const { answer } of simulation.cash.booked.values()) {
    if (answer.kind !== 'done') continue;
    const { action, amount } = answer.receipt.document;
    if (action === 'issue') issued += amount;
    else if (action === 'receive') received += amount;
  }
  const { signed, spent, held } = simulation.totals();
  expect([what, simulation.cash.notes]).toEqual([what, ENDOWED + issued - received]);
  // Signed only what cash has debited; credited by cash only what is spent, or held for it.
  expect([what, signed <= issued, spent <= received, received <= spent + held]).toEqual([
    what,
    true,
    true,
    true,
  ]);
}

function expectEnded({ simulation, ended }: Awaited<ReturnType<typeof run>>, expected: string, what: string) {
  expectNothingLost(simulation, what);
  const { signed, spent, held } = simulation.totals();
  expect([what, ended, held]).toEqual([what, expected, 0n]);
  // Of a quote that is paid and not minted, nothing is signed: here all are minted.
  expect([what, ENDOWED + signed - spent]).toEqual([what, simulation.cash.notes]);
}

const WELL: Record<string, string> = {
  issue: 'issued',
  'pay and mint': 'minted',
  'move funds': 'moved',
  take: 'taken',
  melt: 'PAID',
};
const REJECTED: Record<string, string> = {
  issue: 'rejected',
  'pay and mint': 'rejected',
  'move funds': 'rejected',
  take: 'rejected',
  melt: 'payment_failed',
};
const CASES = Object.keys(PLAYS).flatMap((name) => [
  ...Object.keys(SCRIPTS).map((script) => [name, script, undefined] as const),
  [name, 'all is well', 'shop_closed'] as const,
]);

test.each(CASES)('a crash anywhere: %s, %s, against it: %s', async (name, scriptName, against) => {
  const play = PLAYS[name]!;
  const script = SCRIPTS[scriptName]!;
  const expected = (against === undefined ? WELL : REJECTED)[name]!;
  const whole = await run(play, script, against, () => {});
  expectEnded(whole, expected, 'no crash');
  expect(whole.points).toBeGreaterThan(5);
  for (let end = 1; end <= whole.points; end++) {
    // What was written and not heard of; where answers are lost, too, that is nothing new, and takes as long again.
    for (const isFlushed of script.length === 0 || isSlow ? [false, true] : [end % 2 === 0]) {
      const what = `crash at point ${end} of ${whole.points}${isFlushed ? ', flushed' : ''}`;
      const crashed = await run(play, script, against, (point, simulation) => {
        if (point !== end) return;
        simulation.crash(isFlushed);
        expectNothingLost(simulation, what);
      });
      expectEnded(crashed, expected, what);
    }
  }
});
