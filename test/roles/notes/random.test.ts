// Whatever is asked at once, of issuer and receiver, with the same notes and outputs, with cash that loses and garbles and
// roles that crash: in the end the notes that are good are worth what the account of notes holds, and no money is lost or
// made. The seed is printed, and can be given back: SPECIE_SEED.
import { expect, test } from 'vitest';
import { noteCrypto } from '../../../src/crypto/index.ts';
import { MintRefused } from '../../../src/mint/errors.ts';
import type { Note } from '../../../src/notes/note.ts';
import type { Output } from '../../../src/notes/outputs.ts';
import { unblindAll } from '../../../src/notes/outputs.ts';
import { encodeNotePayee } from '../../../src/roles/documents/note-payee.ts';
import { Random } from '../../../src/shared/random.ts';
import type { Turn } from './scripted-cash.ts';
import {
  ACTIVE,
  anIssue,
  aPayment,
  aTaking,
  newOutputs,
  noteIdsOf,
  OTHER,
  opened,
  SHOP,
  type Shop,
  Simulation,
} from './support.ts';

const METHOD = 'specie';
const ROUNDS = process.env.SPECIE_SLOW_TESTS === '1' ? 200 : 12;
const AT_ONCE = 4;
const TURNS: readonly Turn[] = ['ok', 'ok', 'lost_before', 'lost_after', 'refused', 'garbage', 'forged'];
const TO_DEVICE = encodeNotePayee({
  kind: 'device',
  sealed: { keyId: new Uint8Array(8), encapsulatedKey: new Uint8Array(32), ciphertext: new Uint8Array(36) },
});

const base = process.env.SPECIE_SEED === undefined ? 1n : BigInt(process.env.SPECIE_SEED);

test.each([base, base + 1n, base + 2n])('seed %s', async (seed) => {
  const random = new Random(seed);
  const simulation = new Simulation();
  const { cash, world } = simulation;
  const owned = (): bigint =>
    [...cash.shops.values()].reduce((sum, balance) => sum + balance, 0n) + cash.devices + cash.notes;
  const before = owned();
  /** All that anybody has ever got. */
  const notes: Note[] = [];
  const spare: Output[][] = [];
  let request = 1n;
  simulation.trace = () => {
    if (random.below(150) === 0) simulation.crash(random.below(2) === 0);
  };
  await simulation.start();

  /** The answer, whatever crashes; a refusal of the mint by its name. */
  async function insistOn<Answer>(ask: () => Promise<Answer>): Promise<Answer | string> {
    for (;;) {
      while (simulation.isDown) await world.later(100);
      const crashed = new Promise<undefined>((resolve) => simulation.whenCrashed(() => resolve(undefined)));
      const asked = ask().catch((error: unknown) => {
        if (error instanceof MintRefused)
          return error.status === 503 ? undefined : (error.error ?? error.message);
        throw error;
      });
      const answer = await Promise.race([asked, crashed]);
      if (answer !== undefined) return answer;
      await world.later(50);
    }
  }
  /** Likewise, of a role: until it is final; undefined: it was refused. */
  async function insist<Answer extends { readonly kind: string }>(
    ask: () => Promise<{ kind: string; answer?: Answer }>,
  ): Promise<Answer | undefined> {
    for (;;) {
      while (simulation.isDown) await world.later(100);
      const { kind, answer } = await ask();
      if (kind === 'refused') return undefined;
      if (answer !== undefined && answer.kind !== 'pending') return answer;
      await world.later(500);
    }
  }

  const aShop = (): Shop => random.pick([SHOP, OTHER]);
  /** Now and then some that were used before, or are being used. */
  function outputsOf(amount: bigint): Output[] {
    const known = random.below(4) === 0 ? spare.find((outputs) => worth(outputs) === amount) : undefined;
    const outputs = known ?? newOutputs(amount);
    if (known === undefined) spare.push(outputs);
    return outputs;
  }
  const worth = (outputs: readonly Output[]): bigint =>
    outputs.reduce((sum, { message }) => sum + message.amount, 0n);
  const someNotes = (): Note[] => notes.filter(() => random.below(notes.length) < 2).slice(0, 8);
  const sumOf = (some: readonly Note[]): bigint => some.reduce((sum, { amount }) => sum + amount, 0n);

  const ways: readonly (() => Promise<void>)[] = [
    async () => {
      const shop = aShop();
      const outputs = outputsOf(BigInt(1 + random.below(31)));
      const asked = anIssue({ request: request++, shop, outputs, applyBy: world.now + 10n ** 15n });
      const answer = await insist(() => simulation.issuer(shop.peer).issueNotes(asked));
      if (answer?.kind !== 'issued') return;
      notes.push(...unblindAll(outputs, opened(answer.notes, asked, shop), ACTIVE, noteCrypto));
    },
    async () => {
      const amount = BigInt(1 + random.below(31));
      const quoted = await insistOn(() =>
        simulation.roles.issuer.mint.openMintQuote(METHOD, { amount, unit: 'eur' }),
      );
      if (typeof quoted === 'string') return;
      const { quote } = quoted;
      const shops = [SHOP, OTHER];
      const payments = shops.map((shop) =>
        aPayment({ request: request++, shop, amount, quote, applyBy: world.now + 10n ** 15n }),
      );
      const paid = await Promise.all(
        payments.map((payment, i) => insist(() => simulation.issuer(shops[i]!.peer).payQuote(payment))),
      );
      if (!paid.some((answer) => answer?.kind === 'paid')) return;
      // What somebody else has had signed is refused; with new ones it is minted.
      for (const outputs of [outputsOf(amount), newOutputs(amount)]) {
        const asked = { quote, outputs: outputs.map(({ message }) => message) };
        const minted = await insistOn(() => simulation.roles.issuer.mint.mint(METHOD, asked));
        if (typeof minted === 'string') continue;
        notes.push(...unblindAll(outputs, minted.signatures, ACTIVE, noteCrypto));
        return;
      }
      throw new Error('expected a quote that is paid to be minted');
    },
    async () => {
      const shop = aShop();
      const some = someNotes();
      if (some.length === 0) return;
      const asked = aTaking({ request: request++, shop, notes: some, applyBy: world.now + 10n ** 15n });
      await insist(() => simulation.receiver(shop.peer).takeNotes(asked));
    },
    async () => {
      const inputs = someNotes();
      if (inputs.length === 0) return;
      const outputs = newOutputs(sumOf(inputs));
      const asked = { inputs, outputs: outputs.map(({ message }) => message) };
      const swapped = await insistOn(() => simulation.roles.receiver.mint.swap(asked));
      if (typeof swapped !== 'string')
        notes.push(...unblindAll(outputs, swapped.signatures, ACTIVE, noteCrypto));
    },
    async () => {
      const inputs = someNotes();
      if (inputs.length === 0) return;
      const quoted = await insistOn(() =>
        simulation.roles.receiver.mint.openMeltQuote(METHOD, {
          ...{ request: TO_DEVICE, unit: 'eur', amount: sumOf(inputs) },
        }),
      );
      if (typeof quoted === 'string') return;
      await insistOn(() => simulation.roles.receiver.mint.melt(METHOD, { quote: quoted.quote, inputs }));
    },
  ];

  for (let round = 0; round < ROUNDS; round++) {
    cash.script.push(...Array.from({ length: AT_ONCE }, () => random.pick(TURNS)));
    cash.against = random.below(6) === 0 ? 'shop_closed' : undefined;
    const asked = Promise.all(Array.from({ length: AT_ONCE }, () => random.pick(ways)()));
    let isOver = false;
    const over = asked.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      if (simulation.isDown) await simulation.start();
      await world.pass(1_000);
    }
    await over;
  }
  await simulation.finish();

  const what = `seed ${seed}`;
  expect([what, owned()]).toEqual([what, before]);
  const { signed, spent, held } = simulation.totals();
  expect([what, signed - spent, held]).toEqual([what, cash.notes, 0n]);
  const { states } = await world.until(simulation.roles.receiver.mint.states({ noteIds: noteIdsOf(notes) }));
  const good = notes.filter((_, i) => states[i]!.state === 'UNSPENT');
  expect([what, sumOf(good)]).toEqual([what, cash.notes]);
  expect(spent).toBeGreaterThan(0n);
});
