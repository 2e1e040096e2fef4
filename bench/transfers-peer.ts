// `npm run bench:transfers-peer -- [--small]`: transfers a second from wallet to wallet (claims 6 and 7), each wallet a process of its
// own, no server. Each transfer is a session of its own, as when people meet: WebSocket, Noise XX with both certificates, ask,
// payment, receipt, and four writes that are flushed before what they stand for is said.
//
//     payer     a purse makes 64 payments, then the next one is opened
//     payee     one purse, which takes them all
//
// At the end both sides' books are compared; without the last line, no number above it counts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { id } from '../src/shared/id.ts';
import {
  askPeer,
  dialPeer,
  nodeClock,
  nodeCrypto,
  PeerListener,
  type PeerParty,
  payPeer,
  WalletStore,
} from '../src/wallet/index.ts';
import { StoredLedger } from '../test/wallet/peer/stored-ledger.ts';
import { NOW, openPurse, trust } from '../test/wallet/peer/support.ts';
import { LOADER } from './loader.ts';

const { values: flags } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    transfers: { type: 'string' },
    path: { type: 'string', default: tmpdir() },
    /** Of the other process: its store. */
    payee: { type: 'string' },
  },
});

const COUNT = Number(flags.transfers ?? (flags.small ? 8 : 640));
const WARM = flags.small ? 2 : 64;
const PAYMENTS_A_PURSE = 64;
const PAYEE_SEED = 1;
const AMOUNT = 3n;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function partyOf(store: WalletStore, seed: number, amount: bigint): PeerParty & { ledger: StoredLedger } {
  return {
    purse: openPurse(seed, amount),
    ledger: new StoredLedger(store.storage(`purse-${seed}`)),
    trust,
    isBlocked: () => false,
    crypto: nodeCrypto,
    // The papers of tests are of one day.
    clock: { now: () => NOW, setTimer: nodeClock.setTimer },
    newId: id,
  };
}

const cpuMicroseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** The other process: takes COUNT + WARM payments, then says what it has. */
async function payee(path: string): Promise<void> {
  const store = await WalletStore.open({ path });
  const party = partyOf(store, PAYEE_SEED, 0n);
  const listener = await PeerListener.open();
  let peer = listener.next();
  print(JSON.stringify({ place: listener.place }));
  let cpu = cpuMicroseconds();
  for (let transfer = 0; transfer < COUNT + WARM; transfer++) {
    if (transfer === WARM) cpu = cpuMicroseconds();
    await askPeer(await peer, party, { amount: AMOUNT });
    if (transfer < COUNT + WARM - 1) peer = listener.next();
  }
  cpu = cpuMicroseconds() - cpu;
  print(JSON.stringify({ added: String(await party.ledger.added()), cpu }));
  await listener.close();
  await store.close();
}

/** The payee may still say goodbye to the one before. */
async function dialled(place: string): ReturnType<typeof dialPeer> {
  for (;;) {
    try {
      return await dialPeer(place);
    } catch (error) {
      if ((error as { code?: string }).code !== 'busy') throw error;
      await setTimeout(1);
    }
  }
}

async function payer(): Promise<void> {
  const folder = mkdtempSync(join(flags.path, 'specie-transfers-'));
  const args = [
    '--payee',
    join(folder, 'payee'),
    '--transfers',
    String(COUNT),
    ...(flags.small ? ['--small'] : []),
  ];
  const child = spawn(process.execPath, [...LOADER, fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done)
      throw new Error(`payee: expected a line, but it ended with ${child.exitCode ?? child.signalCode}`);
    return value;
  };
  const store = await WalletStore.open({ path: join(folder, 'payer') });
  try {
    const { place } = JSON.parse(await line()) as { place: string };
    const { channelKey } = openPurse(PAYEE_SEED, 0n).keys;
    const purses: ReturnType<typeof partyOf>[] = [];
    const times: number[] = [];
    let [cpu, begun] = [0, 0];
    for (let transfer = 0; transfer < COUNT + WARM; transfer++) {
      if (transfer === WARM) [cpu, begun] = [cpuMicroseconds(), performance.now()];
      if (transfer % PAYMENTS_A_PURSE === 0) purses.push(partyOf(store, 2 + purses.length, 1_000_000n));
      const start = performance.now();
      const link = await dialled(place);
      await payPeer(link, purses.at(-1)!, { payee: { channelKey }, decide: () => ({ amount: AMOUNT }) });
      if (transfer >= WARM) times.push(performance.now() - start);
    }
    const perSecond = Math.round((1_000 * COUNT) / (performance.now() - begun));
    cpu = cpuMicroseconds() - cpu;
    const { added, cpu: payeeCpu } = JSON.parse(await line()) as { added: string; cpu: number };
    times.sort((a, b) => a - b);
    const at = (part: number): number => Number(times[Math.floor(part * (times.length - 1))]!.toFixed(2));
    const result = {
      ...{ count: COUNT, perSecond, p50: at(0.5), p99: at(0.99) },
      cpu: { payer: Math.round(cpu / COUNT), payee: Math.round(payeeCpu / COUNT) },
    };
    print(
      `transfers ${perSecond}/s  p50 ${result.p50} ms  p99 ${result.p99} ms  CPU a transfer: payer ${result.cpu.payer} µs, payee ${result.cpu.payee} µs`,
    );
    const subtracted = await Promise.all(purses.map(({ ledger }) => ledger.subtracted()));
    const sum = subtracted.reduce((total, amount) => total + amount, 0n);
    const expected = BigInt(COUNT + WARM) * AMOUNT;
    if (sum !== expected || BigInt(added) !== expected) {
      throw new Error(`books: expected ${expected} on both sides, got ${sum} subtracted and ${added} added`);
    }
    print(`books: ${COUNT + WARM} transfers subtracted and added, each once`);
    print(JSON.stringify({ result }));
    await exited;
  } finally {
    child.kill();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await (flags.payee === undefined ? payer() : payee(flags.payee));
