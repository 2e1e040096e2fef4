// The two jobs of US 6,487,542, claim 1, step by step, with the notes' real arithmetic.
import { expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import { Place } from './world.ts';

test('second job, then first: wide notes come in as local ones, and local ones go out as wide ones', async () => {
  const place = new Place({ crypto: noteCrypto, amounts: 5 });
  const till = await place.terminal('till', 'lan');
  const visitor = await place.terminal('visitor', 'wan');
  const other = await place.terminal('other', 'wan');

  // A visitor brings wide notes of 12: 10, and 2 for the gateway.
  const brought = place.wide.mint(12n);
  expect(place.total).toBe(12n);
  expect(await visitor.send(visitor.message(1n, till, 10n, brought))).toEqual({ state: 'taken', reason: '' });
  await place.until(1n, 'generated');
  expect(place.stepsOf(1n)).toEqual([
    'receive',
    'decrypt',
    'confirm amount',
    'encrypt for receiver',
    'transmit to receiver',
    'acknowledge',
    'generate local',
    'encrypt for destination',
  ]);
  // The receiver has them, the money is in the gateway's account, and local notes of the same amount stand against it.
  expect(place.wide.state).toMatchObject({ balance: 12n, outstanding: 0n });
  expect(brought.every((note) => place.wide.isSpent(note))).toBe(true);
  expect(place.open.status()).toMatchObject({
    local: { outstanding: 10n },
    counters: { taken: 12n, issued: 0n, fees: 2n, waitingLocal: 10n },
    backing: 12n,
  });
  const local = await till.receive();
  await place.until(1n, 'delivered');
  expect(place.stepsOf(1n).slice(-2)).toEqual(['transmit', 'delivered']);
  expect(local.map(({ amount }) => amount)).toEqual([2n, 8n]);
  expect(new Set(local.map(({ keysetId }) => keysetId))).toEqual(new Set(place.open.status().keysets));

  // The till sends them out, to somebody else: 8, and 2 for the gateway.
  expect(await till.send(till.message(2n, other, 8n, local))).toEqual({ state: 'taken', reason: '' });
  await place.until(2n, 'erased');
  expect(place.stepsOf(2n)).toEqual([
    'receive',
    'decrypt',
    'confirm amount',
    'request issuance',
    'receive wide',
    'decrypt wide',
    'confirm wide amount',
    'erase local',
    'encrypt for destination',
  ]);
  expect(place.open.status()).toMatchObject({
    local: { outstanding: 0n, held: 0n },
    counters: { taken: 12n, issued: 8n, fees: 4n, waitingWide: 8n },
    backing: 4n,
  });
  expect(place.wide.state.balance).toBe(4n);
  const wide = await other.receive();
  await place.until(2n, 'delivered');
  expect(place.stepsOf(2n).slice(-2)).toEqual(['transmit', 'delivered']);
  expect(wide.map(({ amount }) => amount)).toEqual([8n]);
  // Whoever has them proves to himself that they are the wide mint's, and spends them there.
  expect(
    noteCrypto.verifyNoteDleq(
      wide.map(({ secret, signature, dleq, amount }) => ({
        ...{ message: new TextEncoder().encode(secret), signature },
        publicKey: place.wide.keyset.public.keys.get(amount)!,
        ...{ blindingFactor: dleq!.r, dleq: dleq! },
      })),
    ),
  ).toEqual([true]);
  expect(place.wide.swap(wide)).toBe(true);

  expect(place.total).toBe(12n);
  expect(await till.ask('lookup_exchange', { request: 2n })).toEqual({ state: 'delivered', reason: '' });
  expect(await visitor.ask('lookup_exchange', { request: 1n })).toEqual({ state: 'delivered', reason: '' });
  expect(await till.deliveries()).toEqual([]);
  expect(await other.deliveries()).toEqual([]);
  expect(place.open.status()).toMatchObject({
    counters: { waitingWide: 0n, waitingLocal: 0n, delivered: 2n },
    underWay: 0,
  });
});
