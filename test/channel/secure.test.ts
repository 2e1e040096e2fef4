// The encrypted channel as its users see it: who is let in, as whom, and what the others are told.
import { describe, expect, test } from 'vitest';
import type { EngineRequest } from '../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { MemoryEngine } from './memory-engine.ts';
import { keyPair, System, utf8 } from './secure-support.ts';
import { client, pause, serve } from './support.ts';

/** A ledger that also answers message operation 40: each message with its bytes reversed. */
class EchoEngine extends MemoryEngine {
  readonly peers: Peer[] = [];
  understands(operation: number): boolean {
    return operation < 32 || operation === 40;
  }
  override async submit(request: EngineRequest) {
    this.peers.push(request.peer);
    if (request.operation !== 40) return super.submit(request);
    const answers = parseMessages(request.payload, request.count).map((message) => message.reverse());
    await pause(1);
    return { status: 0, timestamp: 1n, count: answers.length, body: encodeMessages(answers) };
  }
}

describe('who is let in', () => {
  test('a device (IK), a role (KK), one without a name (NK); the engine sees who asks', async () => {
    const system = new System();
    const engine = new EchoEngine();
    const server = await serve({ engine, identity: system });
    const key = keyPair();
    const device = await client(server, { identity: system.device(7, key) });
    await device.createAccounts([{ id: 1n, ledger: 978, code: 1 }]);
    const role = await client(server, { identity: system.role('management') });
    await role.lookupAccounts([1n]);
    const unnamed = await client(server, { identity: system.unnamed() });
    expect(await unnamed.lookupAccounts([1n])).toMatchObject([{ id: 1n }]);
    expect(engine.peers).toMatchObject([
      { kind: 'device', device: 7n, channelKey: key.publicKey },
      { kind: 'role', role: 'management' },
      { kind: 'unnamed' },
    ]);
    expect(system.asked.map(({ pattern }) => pattern)).toEqual(['IK', 'KK', 'NK']);
  });
});

test('full batches and messages there and back', async () => {
  const system = new System();
  const engine = new EchoEngine();
  const server = await serve({ engine, identity: system });
  const c = await client(server, { identity: system.device(1) });
  const records = Array.from({ length: 8190 }, (_, i) => ({ id: BigInt(i + 1), ledger: 978, code: 1 }));
  expect(await c.createAccounts(records)).toHaveLength(8190);
  expect(await c.lookupAccounts(records.map(({ id }) => id))).toHaveLength(8190);
  const answers = await c.call(40, [utf8('abc'), new Uint8Array(0), new Uint8Array(300_000).fill(7)]);
  expect(answers.map((answer) => answer.length)).toEqual([3, 0, 300_000]);
  expect(Buffer.from(answers[0]!).toString()).toBe('cba');
});
