// NUT-02: ids of keysets.
import { expect } from 'vitest';
import { NotesError } from '../../src/notes/errors.ts';
import { checkKeyset, keysetIdOf, type PublicKeyset } from '../../src/notes/keyset.ts';
import { hex } from '../crypto/vectors.ts';
import { type Blocks, nutTests } from './nuts.ts';

function read(blocks: Blocks, place: number): PublicKeyset {
  const { prose } = blocks.at(place);
  const said = (name: string): string | undefined =>
    new RegExp(`${name}: \`([^\`]+)\``, 'i').exec(prose)?.[1];
  const expiry = said('Final expiry');
  return {
    id: said('Keyset id')!,
    unit: said('Unit') ?? 'sat',
    isActive: true,
    inputFeePpk: Number(said('Input fee ppk') ?? 0),
    ...(expiry === undefined ? {} : { finalExpiry: BigInt(expiry) }),
    keys: new Map(
      Object.entries(blocks.json<Record<string, string>>(place)).map(([amount, key]) => [
        BigInt(amount),
        hex(key),
      ]),
    ),
  };
}

const version = (number: 1 | 2, place: number) => ({
  blocks: [place],
  run(blocks: Blocks) {
    const keyset = read(blocks, place);
    expect(keysetIdOf(keyset, number)).toBe(keyset.id);
    checkKeyset(keyset);
    // Descending keys are the same keyset; another key is another.
    checkKeyset({ ...keyset, keys: new Map([...keyset.keys].reverse()) });
    const [amount, key] = [...keyset.keys][0]!;
    const other = new Map([...keyset.keys, [amount, [...keyset.keys.values()][1] ?? key]]);
    expect(() => checkKeyset({ ...keyset, keys: other as Map<bigint, Uint8Array> })).toThrow(NotesError);
    if (number === 2) {
      expect(() => checkKeyset({ ...keyset, unit: 'eur' })).toThrow(NotesError);
      expect(() => checkKeyset({ ...keyset, inputFeePpk: keyset.inputFeePpk + 1 })).toThrow(NotesError);
      expect(() => checkKeyset({ ...keyset, finalExpiry: 1n })).toThrow(NotesError);
    }
  },
});

nutTests('02-tests.md', {
  'version 1, four keys': version(1, 0),
  'version 1, 64 keys': version(1, 1),
  'version 2, with fee and expiry': version(2, 2),
  'version 2, with expiry': version(2, 3),
  'version 2, with neither': version(2, 4),
});
