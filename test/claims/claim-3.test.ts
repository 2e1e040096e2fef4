// Claim 3: "data transmitted between said electronic cash management apparatus, said settlement apparatus and said
// management apparatus is encrypted."
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePreamble, keyIdOf, prologueOf } from '../../src/channel/secure/preamble.ts';
import { noise } from '../../src/crypto/noise/noise.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import { SettlementOperation, settlementProtocol } from '../../src/roles/settlement/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { encodeRequest } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { REKEY_MESSAGES } from '../../src/wire/limits.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { Raw } from './raw.ts';
import { accountNumber, answerOf, eventually, System } from './system.ts';

const LINES = ['management', 'settlement', 'cash'] as const;

let system: System;
let wallet: Wallet;

beforeAll(async () => {
  system = await System.start();
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
  for (const amount of [1_111n, 2_222n, 3_333n])
    await wallet.load({ amount: amountOf(amount), onFile: true });
});
afterAll(() => system?.close());

/** Every piece of so many bytes that is not mostly of one kind. */
function pieces(message: Buffer, size = 12): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + size <= message.length; at += 4) {
    const piece = message.subarray(at, at + size);
    if (new Set(piece).size > size / 2) found.push(piece);
  }
  return found;
}

/** Those that are on the line, in any of its connections, either way. */
function inTheClear(line: (typeof LINES)[number], wanted: readonly Buffer[]): Buffer[] {
  const passed = Buffer.concat(system.tap(line).everything());
  return wanted.filter((piece) => passed.includes(piece));
}

describe('"data transmitted … is encrypted"', () => {
  test.each(LINES)('nothing that %s has read or answered was on its line', (line) => {
    const heard = system.heard.filter(({ role }) => role === line);
    const wanted = heard.flatMap(({ messages, answers }) =>
      [...messages, ...answers].flatMap((m) => pieces(m)),
    );
    expect(wanted.length).toBeGreaterThan(50);
    expect(inTheClear(line, wanted)).toEqual([]);
  });

  test.each(LINES)('a connection to %s is a handshake, and then noise', (line) => {
    for (const connection of system.tap(line).connections) {
      const [first] = connection.messages('up');
      expect(first!.subarray(0, 4).toString()).toBe('SPCH');
      const rest = [...connection.messages('up').slice(1), ...connection.messages('down').slice(1)];
      for (const message of rest) expect(message.includes('SPCE')).toBe(false);
      const all = Buffer.concat(rest);
      if (all.length < 1_024) continue;
      // Uniform bytes: 256 expected of each value in 64 KiB. The bound is passed by chance once in more than 10^9 runs.
      const counts = new Float64Array(256);
      for (const byte of all) counts[byte]!++;
      const expected = all.length / 256;
      const deviation = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(deviation).toBeLessThan(255 + 7 * Math.sqrt(2 * 255));
    }
  });
});

describe('different every time', () => {
  test('the same request, again and again, on one connection and on others', async () => {
    const tap = system.tap('settlement');
    const before = tap.connections.length;
    const { request } = (await wallet.receipts())[0]!.receipt.document;
    for (let i = 0; i < 3; i++) {
      const client = await system.asOperator('settlement');
      const settlement = new RoleClient({ protocol: settlementProtocol, transport: client });
      for (let j = 0; j < 20; j++) {
        const { report } = answerOf(await settlement.call('lookup_request', { request }));
        expect(report).toMatchObject({ request, state: 'charged' });
      }
      await client.close();
    }
    const connections = tap.connections.slice(before);
    expect(connections).toHaveLength(3);
    for (const way of ['up', 'down'] as const) {
      const sent = connections.flatMap((connection) => connection.messages(way));
      const blocks = sent.flatMap((message) => {
        const found: string[] = [];
        // What stands in the clear before a handshake is the same each time.
        for (
          let at = message.subarray(0, 4).equals(Buffer.from('SPCH')) ? 24 : 0;
          at + 8 <= message.length;
          at += 8
        ) {
          found.push(message.toString('hex', at, at + 8));
        }
        return found;
      });
      expect(blocks.length).toBeGreaterThan(300);
      expect(new Set(blocks).size).toBe(blocks.length);
    }
  });
});

describe('rekeyed', () => {
  /** Through a handshake as operator; what seals and opens then is at hand, with no one that changes its keys. */
  async function transport() {
    const { staticKey, remoteStaticKey } = system.operator.clientIdentity('settlement');
    const preamble = encodePreamble({
      pattern: 'IK',
      recipient: keyIdOf(remoteStaticKey),
      initiator: undefined,
    });
    const handshake = noise.initiate({
      pattern: 'IK',
      prologue: prologueOf(preamble),
      staticKey,
      remoteStaticKey,
    });
    const raw = await Raw.open(system.tap('settlement').url);
    raw.socket.send(Buffer.concat([preamble, handshake.writeMessage()]));
    handshake.readMessage(new Uint8Array(await raw.take()));
    return { raw, channel: handshake.transport() };
  }

  const hello = () =>
    encodeRequest(RequestOperation.hello, 0n, 1, encodeHello({ session: 9n, acknowledged: 0n }));
  const ping = (number: number) => encodeRequest(RequestOperation.ping, BigInt(number), 0, new Uint8Array(0));

  /** As many frames as one key seals, the first one among them. */
  async function exhaust({ raw, channel }: Awaited<ReturnType<typeof transport>>): Promise<void> {
    raw.socket.send(channel.seal(hello()));
    channel.open(new Uint8Array(await raw.take()));
    for (let sent = 1; sent < REKEY_MESSAGES; sent++) {
      raw.socket.send(channel.seal(ping(sent)));
      channel.open(new Uint8Array(await raw.take()));
    }
  }

  test('who stays with the old key is not understood any more', async () => {
    const { raw, channel } = await transport();
    await exhaust({ raw, channel });
    raw.socket.send(channel.seal(ping(5_000)));
    expect(await raw.end()).toBe(CloseCode.record_damaged);
  });

  test('who takes the next key goes on, and is answered under the next key', async () => {
    const { raw, channel } = await transport();
    await exhaust({ raw, channel });
    channel.rekeySend();
    raw.socket.send(channel.seal(ping(5_000)));
    const answer = new Uint8Array(await raw.take());
    expect(() => channel.open(answer)).toThrowError(
      expect.objectContaining({ code: 'authentication_failed' }),
    );
    channel.rekeyReceive();
    expect(channel.open(answer)).toHaveLength(32);
    raw.socket.terminate();
  });

  test('the roles’ own connections pass the change without a break', async () => {
    const before = system.tap('cash').connections.length;
    const management = await system.asRole('management', 'cash');
    for (let i = 0; i < REKEY_MESSAGES + 10; i++) await management.ping();
    expect(system.tap('cash').connections).toHaveLength(before + 1);
    await management.close();
  });
});

describe('what is changed on its way is noticed, and does no harm', () => {
  test.each(['settlement', 'cash'] as const)('one bit on the line to %s', async (line) => {
    const tap = system.tap(line);
    for (const way of ['up', 'down'] as const) {
      let changed = 0;
      const before = tap.connections.length;
      tap.meddle = (at, piece) => {
        if (at !== way || changed > 0 || piece.length < 120) return piece;
        changed++;
        const copy = Buffer.from(piece);
        copy[copy.length - 20]! ^= 1;
        return copy;
      };
      const outcome = await wallet.load({ amount: amountOf(4_444n), onFile: true });
      tap.meddle = undefined;
      expect(outcome.state.kind).toBe('loaded');
      expect(changed).toBe(1);
      // That connection is over; the next one has carried the request again, which counts once.
      expect(tap.connections.length).toBeGreaterThan(before);
    }
  });

  test('afterwards everything agrees', async () => {
    await eventually(async () => (await system.audit()).open.length === 0);
    expect(await system.audit()).toMatchObject({ passed: true, open: [] });
    expect((await wallet.balance({ online: true })).online).toMatchObject({
      balance: 1_111n + 2_222n + 3_333n + 4n * 4_444n,
      verdict: 'agrees',
    });
    const charges = system.heard.filter(
      ({ role, operation }) => role === 'settlement' && operation === SettlementOperation.charge,
    );
    expect(charges.length).toBeGreaterThanOrEqual(7);
  });
});
