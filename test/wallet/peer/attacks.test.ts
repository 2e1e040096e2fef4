// Others on the line, and peers that do not follow the protocol.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noise } from '../../../src/crypto/index.ts';
import { PeerError } from '../../../src/wallet/peer/errors.ts';
import { FramedLink, piecesOf } from '../../../src/wallet/peer/frames.ts';
import { checkFunding, fundingFor } from '../../../src/wallet/peer/funding.ts';
import { MESSAGE_BYTES_MAX, PEER_TIMES } from '../../../src/wallet/peer/limits.ts';
import { PeerIdentity, PeerMessage } from '../../../src/wallet/peer/messages.ts';
import { askPeer } from '../../../src/wallet/peer/payee.ts';
import { payPeer } from '../../../src/wallet/peer/payer.ts';
import { flipped } from '../../identity/support.ts';
import { memoryPair, type Pair, type Side } from './memory-link.ts';
import { element, payment, rogueSession } from './rogue.ts';
import { cash, EUR, meet, NOW, newWorld, type PurseChanges, paid, TestWallet, trust } from './support.ts';

const PROLOGUE = new TextEncoder().encode('specie peer v1\0');

function newPair(changes?: PurseChanges): { ada: TestWallet; ben: TestWallet } {
  const world = newWorld();
  return { ada: new TestWallet(world, 1, 1_000n, changes), ben: new TestWallet(world, 2, 0n) };
}

const moved = async ({ ada, ben }: { ada: TestWallet; ben: TestWallet }): Promise<[bigint, bigint]> => [
  await ada.ledger.subtracted(),
  await ben.ledger.added(),
];

describe('somebody on the line', () => {
  test('passes everything on: gains nothing, learns no purse, no key and no amount', async () => {
    const { ada, ben } = newPair();
    const { pair } = await meet(ada, ben, { ask: { amount: 500n, memo: 'for the concert tickets' } });
    const line = Buffer.concat(pair.pieces.map(({ bytes }) => bytes));
    for (const { purse } of [ada, ben]) {
      for (const bytes of [purse.certificate, purse.keys.signingKey, purse.keys.channelKey]) {
        expect(line.includes(Buffer.from(bytes.subarray(0, 16)))).toBe(false);
      }
    }
    expect(line.includes('concert')).toBe(false);
  });

  test('changes any bit of any piece: nothing is added that was not agreed on', async () => {
    const pieces = (await meet(newPair().ada, newPair().ben)).pair.pieces.length;
    for (let number = 0; number < pieces; number++) {
      for (const bit of [0, 8 * 20 + 3, -1]) {
        const { ada, ben } = newPair();
        const { payer, payee } = await meet(ada, ben, {
          dials: {
            meddle: ({ bytes }, at) =>
              at === number
                ? [flipped(bytes, bit < 0 || bit >= 8 * bytes.length ? 8 * bytes.length - 1 : bit)]
                : [bytes],
          },
        });
        const isEnd = number === pieces - 1;
        if (!isEnd) expect([payer, payee].some((report) => report instanceof PeerError)).toBe(true);
        const [subtracted, added] = await moved({ ada, ben });
        expect(subtracted <= added && added <= 500n).toBe(true);
        // And what it has cost is mended by meeting again.
        const isPaid = (await ada.ledger.sent()).length > 0;
        await meet(ada, ben, { pay: { decide: ({ amount }) => (isPaid ? undefined : { amount: amount! }) } });
        expect(await moved({ ada, ben })).toEqual([500n, 500n]);
      }
    }
  });

  test('plays a whole session back to the payee: nothing is added again', async () => {
    const { ada, ben } = newPair();
    const { pair } = await meet(ada, ben);
    const replayed = memoryPair();
    const asked = askPeer(replayed.payee, ben.party(), { amount: 500n }).catch(
      (error: PeerError) => error.code,
    );
    for (const { from, bytes } of pair.pieces) if (from === 'payer') await replayed.payer.send(bytes);
    expect(await asked).toBe('channel_damaged');
    expect(await moved({ ada, ben })).toEqual([500n, 500n]);
    expect(await ben.ledger.allReceived()).toHaveLength(1);
  });

  test.each(['payer', 'payee'] as const)(
    'repeats a message of the %s: refused, the first one stands',
    async (side) => {
      const { ada, ben } = newPair();
      let again: Uint8Array | undefined;
      let numberOfSide = 0;
      await meet(ada, ben, {
        dials: {
          // The payment, or the receipt: sent once more as a further message of its side.
          meddle: ({ from, bytes }) => {
            if (from !== side) return [bytes];
            numberOfSide += 1;
            if (numberOfSide !== 3) return [bytes];
            again = Uint8Array.from(bytes);
            again[0] = 128 + 3;
            return [bytes, again];
          },
        },
      });
      expect(again).toBeDefined();
      expect(await moved({ ada, ben })).toEqual([500n, 500n]);
    },
  );

  test('stands in between with a purse of its own: a payer that has an address pays it nothing', async () => {
    const { ada, ben } = newPair();
    const mallory = new TestWallet(ada.world, 3, 1_000n);
    const { payer } = await meet(ada, mallory, { pay: { payee: { channelKey: ben.purse.keys.channelKey } } });
    expect(payer).toMatchObject({ code: 'peer_refused', refusal: { code: 'payee_differs' } });
    expect(await ada.ledger.sent()).toEqual([]);
  });

  test("stands in between with somebody else's certificate: it has not the key", async () => {
    const { ada, ben } = newPair();
    const mallory = new TestWallet(ada.world, 3, 1_000n);
    Object.assign(mallory, { purse: { ...mallory.purse, certificate: ben.purse.certificate } });
    for (const payee of [{}, { purse: ben.number }]) {
      const { payer } = await meet(ada, mallory, { pay: { payee } });
      expect(payer).toMatchObject({ refusal: { code: 'channel_key_differs' } });
    }
  });

  test("hands a payer's order on to another payee, or in its own name: it is good for one payee, of its payer", async () => {
    const { ada, ben } = newPair();
    const mallory = new TestWallet(ada.world, 3, 1_000n);
    await paid(ada, mallory, 400n);
    const [{ message } = { message: undefined }] = await mallory.ledger.allReceived();
    const { answers } = await rogueSession(mallory, ben, () => [{ kind: 'payment', ...message! }], {});
    expect(answers).toMatchObject([{ code: 'payer_differs' }]);
    expect(await ben.ledger.added()).toBe(0n);
  });

  test('gives the payer a receipt of another purse: the payment stays in doubt', async () => {
    const { ada, ben } = newPair();
    const eve = new TestWallet(ada.world, 3, 0n);
    const stranger = eve.purse.keys.signingSecret;
    Object.assign(ben.purse.keys, { signingSecret: stranger });
    const { payer } = await meet(ada, ben);
    expect(payer).toMatchObject({ code: 'answer_invalid', inDoubt: expect.any(BigInt) });
    expect(await ada.ledger.subtracted()).toBe(0n);
    expect(await ada.ledger.inDoubt(ben.number)).toHaveLength(1);
  });
});

describe('a peer that does not follow', () => {
  /** Whoever sends `identity` after a handshake as it should be. */
  async function identified(payee: TestWallet, staticKey: Uint8Array, identity: Uint8Array): Promise<string> {
    const { pair, frames } = rogueEnd(payee, 'payer');
    const asked = askPeer(pair.payee, payee.party(), {}).catch((error: PeerError) => error);
    const handshake = noise.initiate({ pattern: 'XX', prologue: PROLOGUE, staticKey });
    await frames.send(handshake.writeMessage());
    handshake.readMessage(await frames.receive(1_000));
    await frames.send(handshake.writeMessage(identity));
    const refusal = PeerMessage.decode(handshake.transport().open(await frames.receive(1_000)));
    frames.close();
    expect(await asked).toMatchObject({ code: 'peer_refused' });
    return refusal.kind === 'refusal' ? refusal.code : refusal.kind;
  }

  function rogueEnd(wallet: TestWallet, side: Side): { pair: Pair; frames: FramedLink } {
    const pair = memoryPair();
    return { pair, frames: new FramedLink(pair[side], wallet.world.clock, PEER_TIMES) };
  }

  test('no identity, and a payer without an allowance', async () => {
    const { ada, ben } = newPair();
    const { certificate, keys } = ada.purse;
    expect(await identified(ben, keys.channelSecret, new Uint8Array(0))).toBe('identity_malformed');
    expect(await identified(ben, keys.channelSecret, new Uint8Array(500).fill(255))).toBe(
      'identity_malformed',
    );
    const poor = PeerIdentity.encode({ certificate, allowance: undefined });
    expect(await identified(ben, keys.channelSecret, poor)).toBe('allowance_missing');
  });

  test.each([
    ['nothing', [] as Uint8Array[], 'timed_out'],
    ['noise', [new Uint8Array(40).fill(1)], 'piece_invalid'],
    ['a message of no sense', piecesOf(new Uint8Array(200), 2_000, 0).pieces, 'protocol_error'],
    ['a message that is too short', piecesOf(new Uint8Array(5), 2_000, 0).pieces, 'channel_damaged'],
    [
      'a message without an end',
      Array.from({ length: 40 }, (_, number) =>
        Uint8Array.of(number, ...new Uint8Array(MESSAGE_BYTES_MAX / 30)),
      ),
      'message_too_long',
    ],
    ['the same piece for ever', Array.from({ length: 400 }, () => Uint8Array.of(0, 1)), 'flooded'],
  ])('%s to a payee that listens: it ends in its time, and nothing was written', async (_, pieces, code) => {
    const { ben } = newPair();
    const pair = memoryPair();
    const asked = askPeer(pair.payee, ben.party(), {}).catch((error: PeerError) => error.code);
    for (const piece of pieces) await pair.payer.send(piece);
    expect(await asked).toBe(code);
    expect(ben.world.clock.now() - NOW).toBeLessThanOrEqual(BigInt(PEER_TIMES.handshakeMs) * 1_000_000n);
    expect(ben.storage.writes).toBe(0);
    expect(pair.payee.isOpen).toBe(false);
  });

  test('a payer that stalls after it was asked, and a payee that stalls after it was paid', async () => {
    const { ada, ben } = newPair();
    const late = await meet(ada, ben, {
      pay: {
        decide: async ({ amount }) => {
          await ada.world.clock.pause(PEER_TIMES.decisionMs + 1);
          return { amount: amount! };
        },
      },
    });
    expect(late.payee).toMatchObject({ code: 'timed_out' });
    // It has noticed in time that nobody is there any more.
    expect(late.payer).toMatchObject({ code: 'link_broken', inDoubt: undefined });
    expect(await ada.ledger.sent()).toEqual([]);

    const silent = await meet(ada, ben, {
      dials: { meddle: ({ from, bytes }, number) => (from === 'payee' && number > 4 ? [] : [bytes]) },
    });
    expect(silent.payer).toMatchObject({ code: 'timed_out', inDoubt: expect.any(BigInt) });
    expect(silent.payee).toMatchObject({ received: [{ again: false }], isDone: false });
    await meet(ada, ben, { pay: { decide: () => undefined } });
    expect(await moved({ ada, ben })).toEqual([500n, 500n]);
  });

  test('a message out of turn', async () => {
    const { ada, ben } = newPair();
    const { payee } = await rogueSession(ada, ben, () => [
      { kind: 'ask', nonce: new Uint8Array(32), amount: 1n, memo: '' },
    ]);
    expect(payee).toMatchObject({ code: 'protocol_error', message: expect.stringContaining('got ask') });
  });

  test('a memo that is no plain text: nobody says, sees or takes one', async () => {
    const { ada, ben } = newPair();
    for (const memo of ['\u001b[2J', '\u202e', 'two\nlines', 'x'.repeat(65)]) {
      const told = await meet(ada, ben, { ask: { amount: 500n, memo } });
      expect(told.payee).toMatchObject({ code: 'invalid_argument' });
      const own = await meet(ada, ben, { pay: { decide: () => ({ amount: 500n, memo }) } });
      expect(own.payer).toMatchObject({ code: 'invalid_argument', inDoubt: undefined });
    }
    expect(await ada.ledger.sent()).toEqual([]);
    const rogue = rogueEnd(ben, 'payee');
    const { keys, certificate } = ben.purse;
    const options = { payee: {}, decide: () => ({ amount: 1n }) };
    const ended = payPeer(rogue.pair.payer, ada.party(), options).catch((error: PeerError) => error.message);
    const handshake = noise.respond({ pattern: 'XX', prologue: PROLOGUE, staticKey: keys.channelSecret });
    handshake.readMessage(await rogue.frames.receive(1_000));
    await rogue.frames.send(
      handshake.writeMessage(PeerIdentity.encode({ certificate, allowance: undefined })),
    );
    handshake.readMessage(await rogue.frames.receive(1_000));
    const ask = PeerMessage.encode({ kind: 'ask', nonce: new Uint8Array(32), amount: 1n, memo: '\u001b[2J' });
    await rogue.frames.send(handshake.transport().seal(ask));
    expect(await ended).toBe('ask: expected a memo of plain text, got another');
  });

  test('a refusal of any text does no harm', async () => {
    const { ada, ben } = newPair();
    const { payee } = await rogueSession(ada, ben, () => [
      { kind: 'refusal', code: '__proto__', message: 'x\u001b[2J\u202e' },
    ]);
    expect(payee).toMatchObject({ declined: { code: 'unknown', message: 'x?[2J?' } });
  });

  test('garbage inside the channel, either way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), fc.boolean(), async (garbage, isToPayee) => {
        const { ada, ben } = newPair();
        const side: Side = isToPayee ? 'payer' : 'payee';
        const { pair, frames } = rogueEnd(ada, side);
        const rogue = isToPayee ? ada : ben;
        const { keys, certificate, allowance } = rogue.purse;
        const other = isToPayee
          ? askPeer(pair.payee, ben.party(), {})
          : payPeer(pair.payer, ada.party(), { payee: {}, decide: () => ({ amount: 1n }) });
        const ended = other.catch((error: Error) => error);
        const options = { pattern: 'XX', prologue: PROLOGUE, staticKey: keys.channelSecret } as const;
        const identity = PeerIdentity.encode({ certificate, allowance });
        const handshake = isToPayee ? noise.initiate(options) : noise.respond(options);
        if (isToPayee) {
          await frames.send(handshake.writeMessage());
          handshake.readMessage(await frames.receive(1_000));
          await frames.send(handshake.writeMessage(identity));
        } else {
          handshake.readMessage(await frames.receive(1_000));
          await frames.send(handshake.writeMessage(identity));
          handshake.readMessage(await frames.receive(1_000));
        }
        await frames.send(handshake.transport().seal(garbage));
        const end = await ended;
        // One byte of it is `done`.
        if (!(end instanceof PeerError)) expect(end).toMatchObject({ received: [], isDone: true });
        expect([...(await ada.ledger.sent()), ...(await ben.ledger.allReceived())]).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('money that is not there', () => {
  const checks = {
    cashKey: (keyId: Uint8Array) => trust.cashKey(keyId, NOW),
    isBlocked: () => false,
    ...{ currency: EUR.ledger, now: NOW },
  };

  test('goes round in a circle: it covers nothing, in whatever order it is shown', async () => {
    const world = newWorld();
    const poor = [1, 2, 3].map((seed) => new TestWallet(world, seed, 0n));
    const ben = new TestWallet(world, 4, 0n);
    const nonce = new Uint8Array(32);
    const circle = poor.map((payer, i) => {
      const payee = poor[(i + 1) % 3]!;
      return element(payment(payer, payee, { nonce, memo: '' }, { request: BigInt(i) + 1n }), payer);
    });
    for (let turn = 0; turn < 3; turn++) {
      const funding = [...circle.slice(turn), ...circle.slice(0, turn)];
      const found = checkFunding(funding, { ...checks, crypto: ben.crypto });
      expect(found).toMatchObject({ wrong: { code: 'funding_uncovered' }, credits: new Map() });
      const { answers } = await rogueSession(poor[0]!, ben, (ask) => [
        { kind: 'payment', ...payment(poor[0]!, ben, ask, { sequence: 2n, total: 1_000n, funding }) },
      ]);
      expect(answers).toMatchObject([{ code: 'funding_uncovered' }]);
    }
  });

  test('a link is cut out of the chain: what leaned on it is not covered', async () => {
    const world = newWorld();
    const [ada, ben, eve] = [
      new TestWallet(world, 1, 1_000n),
      new TestWallet(world, 2, 0n),
      new TestWallet(world, 3, 0n),
    ];
    const last = new TestWallet(world, 4, 0n);
    await paid(ada, ben, 500n);
    await paid(ben, eve, 400n);
    const [{ message } = { message: undefined }] = await eve.ledger.allReceived();
    const [{ elements } = { elements: [] }] = await eve.ledger.sources();
    expect(elements).toHaveLength(2);
    expect(message!.funding).toHaveLength(1);
    for (const [funding, code] of [
      [elements, 'receipt'],
      [elements.slice(1), 'funding_uncovered'],
      [elements.slice(0, 1), 'not_covered'],
      [[], 'not_covered'],
      [elements.toReversed(), 'funding_uncovered'],
    ] as const) {
      const { answers } = await rogueSession(
        eve,
        last.restart(),
        (ask) => [{ kind: 'payment', ...payment(eve, last, ask, { amount: 300n, request: 9n, funding }) }],
        { amount: 300n },
      );
      const [answer] = answers;
      expect(answer?.kind === 'refusal' ? answer.code : answer?.kind).toBe(code);
      last.storage.disk.clear();
    }
  });

  test('the reserve is spent: the wallet signs nothing more, and a payee takes nothing more', async () => {
    const { ada, ben } = newPair();
    await paid(ada, ben, 1_000n);
    const { payer } = await meet(ada, ben, { ask: { amount: 1n } });
    expect(payer).toMatchObject({ code: 'not_covered', inDoubt: undefined });
    const { answers } = await rogueSession(
      ada,
      ben,
      (ask) => [{ kind: 'payment', ...payment(ada, ben, ask, { amount: 1n, sequence: 2n, total: 1_001n }) }],
      { amount: 1n },
    );
    expect(answers).toMatchObject([{ code: 'not_covered' }]);
  });

  test('64 payments, and not one more', async () => {
    const { ada, ben } = newPair();
    const eve = new TestWallet(ada.world, 3, 0n);
    const ask = { nonce: new Uint8Array(32), memo: '' };
    for (let total = 1n; total <= 63n; total++) {
      const message = payment(ada, eve, ask, { request: total, amount: 1n, sequence: total, total });
      await ada.ledger.prepare({ message, payee: eve.purse.certificate, preparedAt: NOW });
    }
    await paid(ada, ben, 1n);
    expect((await meet(ada, ben, { ask: { amount: 1n } })).payer).toMatchObject({ code: 'payments_used_up' });
    expect(await moved({ ada, ben })).toEqual([1n, 1n]);
  });

  test('an allowance that has run out meanwhile: nothing is signed', async () => {
    const { ada, ben } = newPair();
    const { payer } = await meet(ada, ben, {
      pay: {
        decide: ({ amount }) => {
          ada.world.clock.advance(8n * 86_400_000_000_000n);
          return { amount: amount! };
        },
      },
    });
    expect(payer).toMatchObject({ code: 'peer_refused', refusal: { code: 'allowance_expired' } });
    expect(await ada.ledger.sent()).toEqual([]);
  });

  test('what funds a payment is chosen to be short, and never longer than it may be', () => {
    const source = (seed: number, amount: bigint, deep = 1) => {
      const world = newWorld();
      const wallet = new TestWallet(world, 1, 0n);
      const nonce = new Uint8Array(32);
      const elements = Array.from({ length: deep }, (_, i) =>
        element(payment(wallet, wallet, { nonce, memo: '' }, { request: BigInt(100 * seed + i) }), wallet),
      );
      return { amount, elements };
    };
    const [deep, small, large] = [source(1, 500n, 20), source(2, 30n), source(3, 90n)];
    expect(fundingFor(0n, [deep])).toEqual([]);
    expect(fundingFor(100n, [deep, small, large])).toEqual([...large.elements, ...small.elements]);
    expect(fundingFor(600n, [deep, small, large])).toHaveLength(22);
    expect(fundingFor(621n, [deep, small, large])).toBeUndefined();
    expect(fundingFor(1_000n, [deep, source(4, 500n, 13)])).toBeUndefined();
    // What two have in common is shown once.
    const shared = { amount: 500n, elements: [...deep.elements, ...small.elements] };
    expect(fundingFor(1_000n, [deep, shared])).toHaveLength(21);
  });
});

test('cash is the one that the directory names', () => {
  expect(trust.cashKey(cash.keyId, NOW)).toBeDefined();
});
