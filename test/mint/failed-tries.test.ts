// Signatures of conditions and of quotes' keys that are wrong: so many in a time.
import { describe, expect, test } from 'vitest';
import { lockedSecret } from '../../src/notes/conditions/condition.ts';
import { signInputs } from '../../src/notes/conditions/sign.ts';
import type { Note } from '../../src/notes/note.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { type NoteSecret, randomSecrets } from '../../src/notes/secrets.ts';
import { METHOD, messages, refusalOf, UNIT, World } from './world.ts';

describe('signatures that are tried for nothing', () => {
  const keys = randomSecrets(12).map(({ blindingFactor }) => blindingFactor);
  const locked = () => lockedSecret({ publicKeys: keys.map(publicKeyOf) });
  const witness = (signatures: readonly string[]): string => JSON.stringify({ signatures });

  async function lockedNote(world: World): Promise<Note> {
    const [plain] = await world.minted([1n]);
    const [{ blindingFactor }] = randomSecrets(1) as [NoteSecret];
    const outputs = world.outputs([1n], world.keysetId, [{ secret: locked(), blindingFactor }]);
    const { signatures } = await world.mint.swap({ inputs: [plain!], outputs: messages(outputs) });
    return world.notes(outputs, signatures)[0]!;
  }

  test('are so many in a time; who has no condition to meet goes on, and who has comes again', async () => {
    const world = new World();
    const note = await lockedNote(world);
    const swap = (inputs: readonly Note[]) =>
      refusalOf(world.mint.swap({ inputs, outputs: messages(world.outputs([1n])) }));
    // No point has such an x: refused without arithmetic, and counted.
    const wrong = {
      ...note,
      witness: witness(Array.from({ length: 16 }, (_, i) => 'f'.repeat(126) + String(10 + i))),
    };
    for (let tried = 0; tried < 512; tried += 12 * 16) expect(await swap([wrong])).toBe('note_not_valid');
    const right = signInputs({ inputs: [note] }, { secretKeys: [keys[0]!] });
    const before = world.totals();
    expect(await swap([wrong])).toMatch(/^503/);
    expect(await swap(right)).toMatch(/^503/);
    expect(world.totals()).toEqual(before);
    expect(await swap(await world.minted([1n]))).toBe('none');
    world.seconds(10n);
    expect(await swap(right)).toBe('none');
  });

  test('count of quotes with a key too; of unpaid ones nothing is tried', async () => {
    const world = new World();
    const publicKey = publicKeyOf(keys[0]!);
    const { quote } = await world.mint.openMintQuote(METHOD, { amount: 1n, unit: UNIT, publicKey });
    const signature = new Uint8Array(64).fill(255);
    const mint = () =>
      refusalOf(world.mint.mint(METHOD, { quote, outputs: messages(world.outputs([1n])), signature }));
    for (let tried = 0; tried < 600; tried += 2) expect(await mint()).toBe('quote_not_paid');
    await world.markPaid(quote);
    for (let tried = 0; tried < 512; tried += 2) expect(await mint()).toBe('quote_signature');
    expect(await mint()).toMatch(/^503/);
    world.seconds(1n);
    expect(await mint()).toBe('quote_signature');
  });
});
