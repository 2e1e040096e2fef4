// What the gateway knows of the wide mint's keysets, and how it hears of new ones.
import { expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import { KeysetWatch } from '../../src/gateway/node/wide-keysets.ts';
import { MintKeysets } from '../../src/mint/keysets.ts';
import { mintCall } from '../../src/mint/mint-call.ts';
import type { MintService } from '../../src/mint/service.ts';
import type { MintCall } from '../../src/roles/issuer/messages.ts';
import { World } from '../roles/flow/world.ts';

const seedOf = (number: number) => ({ number, seed: new Uint8Array(32).fill(number) });

test('asked for at once, again when it fails, and when a keyset comes that is not known', async () => {
  const world = new World(1n);
  const keysetsOf = (...numbers: number[]) =>
    MintKeysets.generate({
      seeds: numbers.map(seedOf),
      units: [
        { unit: 'eur', organisation: '' },
        { unit: 'usd', organisation: '' },
      ],
      ...{ amounts: 2, crypto: noteCrypto },
    });
  let keysets = keysetsOf(1);
  let isUp = false;
  let isLying = false;
  const service = {
    keysets: async () => ({ keysets: keysets.all }),
    keys: async (id?: string) => {
      const found = keysets.get(id!)!;
      const [first, second] = [...found.keys.values()];
      return {
        keysets: [
          isLying
            ? {
                ...found,
                keys: new Map([
                  [1n, second!],
                  [2n, first!],
                ]),
              }
            : found,
        ],
      };
    },
  } as unknown as MintService;
  const asked: string[] = [];
  const warnings: string[] = [];
  const watch = new KeysetWatch({
    issuer: {
      mintCall: async (call: MintCall) => {
        asked.push(call.path);
        if (!isUp) return { kind: 'unknown', reason: 'no answer' };
        return { kind: 'ok', answer: await mintCall(service, call) };
      },
    },
    unit: 'eur',
    setTimer: world.setTimer,
    log: { info: () => {}, warn: (_, message) => void warnings.push(message), error: () => {} },
  });
  await watch.ask();
  expect(watch.active()).toBeUndefined();
  isUp = true;
  isLying = true;
  await world.runUntil(() => warnings.length > 0, 60_000);
  expect(watch.active()).toBeUndefined();
  isLying = false;
  await world.runUntil(() => watch.active() !== undefined, 60_000);
  expect(watch.active()).toEqual(keysets.active('eur'));
  expect(watch.find(keysets.active('usd')!.id)).toBeUndefined();

  // A rotation at the mint: somebody comes with a note of the new keyset.
  keysets = keysetsOf(1, 2);
  const next = keysets.active('eur')!;
  expect(watch.find(next.id)).toBeUndefined();
  asked.length = 0;
  await world.runUntil(() => watch.find(next.id) !== undefined, 120_000);
  expect(watch.active()?.id).toBe(next.id);
  expect(watch.find(keysetsOf(1).active('eur')!.id)).toBeDefined();
  expect(asked).toEqual(['/v1/keysets', `/v1/keys/${next.id}`]);
  // Whoever makes up keysets makes it ask every ten seconds, and not more often.
  for (let i = 0; i < 100; i++) watch.find(`01${'0'.repeat(62)}${i.toString(16).padStart(2, '0')}`);
  asked.length = 0;
  await world.runUntil(() => asked.length > 0, 240_000);
  expect(asked).toEqual(['/v1/keysets']);
  watch.close();
});
