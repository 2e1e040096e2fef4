// Many at once: strangers that enrol, connections that stop half way, messages of every size. What a role holds of them is
// bounded, and who is honest is served meanwhile.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { Device } from './device.ts';
import { Raw } from './raw.ts';
import { accountNumber, answerOf, eventually, System, toldBy } from './system.ts';

const ROLES = ['management', 'cash', 'settlement'] as const;
const DEVICES_MAX = 60;
const MIB = 1024 * 1024;

let system: System;
let honest: Wallet;

beforeAll(async () => {
  system = await System.start({ deaf: true, limits: { devicesMax: DEVICES_MAX } });
  honest = await system.wallet('honest');
  await honest.enrol({ userData: 'honest', accountNumber: accountNumber(1) });
});
afterAll(() => system?.close());

const served = async () => {
  const outcome = await honest.load({ amount: amountOf(200n), onFile: true });
  expect(outcome).toMatchObject({ state: { kind: 'loaded' } });
};

/** Growth of the process, simulator, wallets and test included, by `work` done twice: the first time warms up. */
async function growthOf(work: () => Promise<void>): Promise<number> {
  await work();
  const before = process.memoryUsage().rss;
  await work();
  return process.memoryUsage().rss - before;
}

test('a flood of enrolments: as many devices as the system takes, the rest refused and not kept', async () => {
  const told: Record<string, number> = {};
  const bytes = () => system.storeOf('management').reduce((sum, { length }) => sum + length, 0);
  const flood = async (): Promise<void> => {
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let i = 0; i < 3; i++) {
          const stranger = new Device(system);
          const client = await stranger.connect();
          const management = managementClient(client);
          const asked = await Promise.all(
            Array.from({ length: 40 }, () => {
              stranger.signing = generateKeyPair('signing');
              return management.enrol({ enrolment: stranger.anEnrolment() });
            }),
          );
          for (const result of asked) told[toldBy(result)] = (told[toldBy(result)] ?? 0) + 1;
          await client.close(0);
        }
      }),
    );
  };
  expect(await growthOf(flood)).toBeLessThan(100 * MIB);
  // One key enrols once: 40 with the same channel key make one device.
  expect(told).toHaveProperty(['refused: already_enrolled']);
  const more = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const stranger = new Device(system);
      const client = await stranger.connect();
      const result = await managementClient(client).enrol({ enrolment: stranger.anEnrolment() });
      await client.close(0);
      return toldBy(result);
    }),
  );
  expect(new Set(more)).toContain('refused: devices_exhausted');
  const operator = managementClient(await system.asOperator('management'));
  await eventually(async () => {
    const { devices } = answerOf(await operator.listDevices({ after: undefined, limit: 1_024 }));
    return devices.length === DEVICES_MAX;
  });
  const full = bytes();
  for (let i = 0; i < 100; i += 50) {
    const again = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const stranger = new Device(system);
        const client = await stranger.connect();
        const result = await managementClient(client).enrol({ enrolment: stranger.anEnrolment() });
        await client.close(0);
        return toldBy(result);
      }),
    );
    expect(new Set(again)).toEqual(new Set(['refused: devices_exhausted']));
  }
  // What was refused has left nothing behind.
  expect(bytes()).toBeLessThanOrEqual(full);
  await served();
});

test.each(ROLES)('%s: hundreds of connections that stop half way', async (role) => {
  const { url } = system.roles.get(role)!;
  const sockets: WebSocket[] = [];
  let pushedOut = 0;
  const flood = async (): Promise<void> => {
    const crowd = Array.from({ length: 200 }, () => new WebSocket(url, { perMessageDeflate: false }));
    sockets.push(...crowd);
    for (const socket of crowd) {
      socket.on('error', () => {});
      socket.on('close', (code) => {
        if (code === CloseCode.try_later) pushedOut++;
      });
    }
    await eventually(() => crowd.every(({ readyState }) => readyState !== WebSocket.CONNECTING));
  };
  try {
    expect(await growthOf(flood)).toBeLessThan(100 * MIB);
    await eventually(() => pushedOut >= 200);
    // The crowd is still there, as far as the role lets it.
    await served();
  } finally {
    for (const socket of sockets) socket.terminate();
  }
});

test.each(ROLES)('%s: bytes that are no WebSocket, and messages beyond all size', async (role) => {
  const { url } = system.roles.get(role)!;
  const { port } = new URL(url);
  const flood = async (): Promise<void> => {
    const tcp = Array.from({ length: 50 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
    for (const socket of tcp) {
      socket.write('GET /v1 HTTP/1.1\r\nX: ');
      socket.write(Buffer.alloc(64 * 1024, 'x'));
    }
    const closes = await Promise.all(
      [4_097, 65_536, MIB - 1, MIB + 1, 3 * MIB].map(async (size) => {
        const raw = await Raw.open(url);
        raw.socket.send(Buffer.alloc(size));
        return raw.end();
      }),
    );
    // Too long for a handshake, or too long for any message: 1006, 1009 is WebSocket's own.
    for (const code of closes) expect([1006, 1009, CloseCode.handshake_unreadable]).toContain(code);
    for (const socket of tcp) socket.destroy();
  };
  const many = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await flood();
  };
  expect(await growthOf(many)).toBeLessThan(120 * MIB);
  await served();
});

test('afterwards everything agrees', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => honest.balance({ online: true })));
  expect(new Set(answers.map(({ online }) => online!.verdict))).toEqual(new Set(['agrees']));
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});
