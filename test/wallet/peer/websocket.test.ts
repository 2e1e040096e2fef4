// Wallets over WebSocket, and strangers at their door.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import WebSocket from 'ws';
import { nodeClock } from '../../../src/wallet/node/clock.ts';
import { dialPeer, PEER_PATH, PeerListener } from '../../../src/wallet/node/peer-link.ts';
import { askPeer } from '../../../src/wallet/peer/payee.ts';
import { payPeer } from '../../../src/wallet/peer/payer.ts';
import { newWorld, TestWallet } from './support.ts';

const open: PeerListener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function listening(): Promise<PeerListener> {
  const listener = await PeerListener.open();
  open.push(listener);
  return listener;
}

test('two wallets, one after the other, at one listener', async () => {
  const listener = await listening();
  expect(listener.place).toBe(`127.0.0.1:${listener.port}`);
  const world = newWorld();
  const [ada, ben] = [new TestWallet(world, 1, 1_000n), new TestWallet(world, 2, 0n)];
  // The system's timers: what is on the way over a socket does not count as nothing to do.
  const clock = { now: () => world.clock.now(), setTimer: nodeClock.setTimer };
  for (const amount of [300n, 200n]) {
    const asked = listener.next().then((link) => askPeer(link, ben.party({ clock }), { amount }));
    const link = await dialPeer(listener.place);
    const options = { payee: { channelKey: ben.purse.keys.channelKey }, decide: () => ({ amount }) };
    const report = await payPeer(link, ada.party({ clock }), options);
    expect(report.paid!.receipt.document.amount).toBe(amount);
    expect(await asked).toMatchObject({ isDone: true });
    expect(link.isOpen).toBe(false);
  }
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([500n, 500n]);
});

test('one peer at a time, and none while nobody waits', async () => {
  const listener = await listening();
  await expect(dialPeer(listener.place)).rejects.toMatchObject({ code: 'busy' });
  const first = listener.next();
  const link = await dialPeer(listener.place);
  await first;
  await expect(dialPeer(listener.place)).rejects.toMatchObject({ code: 'busy' });
  await expect(listener.next()).rejects.toThrow('expected one peer at a time');
  link.close();
  expect(await (await first).receive()).toBeUndefined();
  const second = listener.next();
  expect((await dialPeer(listener.place)).isOpen).toBe(true);
  expect((await second).isOpen).toBe(true);
});

test('pieces arrive as they were sent, also when the other end has gone since', async () => {
  const listener = await listening();
  const waiting = listener.next();
  const link = await dialPeer(listener.place);
  const other = await waiting;
  await link.send(Uint8Array.of(1, 2, 3));
  await link.send(new Uint8Array(link.pieceBytesMax).fill(7));
  link.close();
  expect(await other.receive()).toEqual(Uint8Array.of(1, 2, 3));
  const long = await other.receive();
  expect([long?.length, long?.every((byte) => byte === 7)]).toEqual([link.pieceBytesMax, true]);
  expect(await other.receive()).toBeUndefined();
  await expect(other.send(Uint8Array.of(1))).rejects.toThrow();
});

test.each([
  ['text', (socket: WebSocket) => socket.send('hello')],
  ['a piece that is too long', (socket: WebSocket) => socket.send(new Uint8Array(40_000))],
  [
    'more than anybody has asked for',
    (socket: WebSocket) => {
      for (let i = 0; i < 2_000; i++) socket.send(new Uint8Array(40));
    },
  ],
])('%s ends the link', async (_, send) => {
  const listener = await listening();
  const waiting = listener.next();
  const socket = new WebSocket(`ws://${listener.place}${PEER_PATH}`);
  socket.on('error', () => {});
  await once(socket, 'open');
  const link = await waiting;
  send(socket);
  await once(socket, 'close');
  await expect.poll(() => link.isOpen).toBe(false);
});

test('whoever is no wallet is turned away, and the next peer still gets in', async () => {
  const listener = await listening();
  const waiting = listener.next();
  const answer = async (text: string): Promise<string> => {
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(text);
    let got = '';
    socket.on('data', (data) => {
      got += data.toString();
    });
    await once(socket, 'close');
    return got.split('\r\n')[0]!;
  };
  const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  expect(await answer(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`)).toContain('426');
  expect(await answer(`GET /other HTTP/1.1\r\n${upgrade}${key}\r\n`)).toContain('404');
  expect(await answer(`GET ${PEER_PATH} HTTP/1.1\r\n${upgrade}${key}Origin: http://x\r\n\r\n`)).toContain(
    '403',
  );
  expect(await answer(`GET ${PEER_PATH} HTTP/1.1\r\n${upgrade}\r\n`)).toContain('400');
  expect(await answer(`GET ${PEER_PATH} HTTP/1.1\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`)).toContain('431');
  const link = await dialPeer(listener.place);
  expect((await waiting).isOpen).toBe(true);
  link.close();
});

test('nobody there, no port to be had, and a listener that closes', async () => {
  const listener = await listening();
  await expect(PeerListener.open({ port: listener.port })).rejects.toMatchObject({
    code: 'link_broken',
    message: expect.stringContaining(`got ${listener.port} (EADDRINUSE)`),
  });
  const waiting = listener.next();
  waiting.catch(() => {});
  const { place } = listener;
  await listener.close();
  await listener.close();
  await expect(waiting).rejects.toMatchObject({ code: 'link_broken' });
  await expect(listener.next()).rejects.toMatchObject({ code: 'link_broken' });
  await expect(dialPeer(place)).rejects.toMatchObject({ code: 'link_broken' });
});
