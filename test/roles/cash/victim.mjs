// A cash role in a process of its own, from the built package so that it starts quickly: `victim.mjs PATH`, on stdin
// {settlementKey, operatorKey, cashSecretKey, cashPublicKey, sealingSecretKey, sealingPublicKey, currency, balanceMax, killAt,
// calls: [{peer, operation, messages}]}.
// Makes the calls one after the other and prints the answers; or kills itself (SIGKILL) at step `killAt`, where a step is
// the moment before or after each write of the ledger and of the store.
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from '../../../dist/ledger/index.js';
import { openCash } from '../../../dist/roles/cash/role.js';
import { openRoleStore } from '../../../dist/store/lmdb-store.js';
import { encodeMessages, parseMessages } from '../../../dist/wire/messages.js';

const path = process.argv[2];
const given = JSON.parse(readFileSync(0, 'utf8'));
const fromHex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const toHex = (bytes) => Buffer.from(bytes).toString('hex');

let steps = 0;
async function around(what, run) {
  step(`before ${what}`);
  const result = await run();
  step(`after ${what}`);
  return result;
}
function step(name) {
  if (steps++ !== given.killAt) return;
  writeSync(1, name);
  process.kill(process.pid, 'SIGKILL');
}

const WRITES = new Set(['createAccounts', 'createTransfers', 'createPaymentOrders', 'setOrderTerms']);

const ledger = await Ledger.open({ path: join(path, 'ledger') });
const store = await openRoleStore({ path: join(path, 'store') });
const watched = new Proxy(ledger, {
  get(target, name) {
    const value = target[name];
    if (typeof value !== 'function') return value;
    if (!WRITES.has(name)) return value.bind(target);
    return (records) => around(name, () => target[name](records));
  },
});
const cash = await openCash({
  ledger: watched,
  store: {
    get: store.get.bind(store),
    range: store.range.bind(store),
    transaction: (run) => around('transaction', () => store.transaction(run)),
    close: () => store.close(),
  },
  identity: {
    settlementKey: () => fromHex(given.settlementKey),
    operatorKey: () => fromHex(given.operatorKey),
    sealingKey: () => ({
      publicKey: fromHex(given.sealingPublicKey),
      secretKey: fromHex(given.sealingSecretKey),
    }),
    receiptKey: () => ({ publicKey: fromHex(given.cashPublicKey), secretKey: fromHex(given.cashSecretKey) }),
  },
  currencies: [{ currency: given.currency, balanceMax: BigInt(given.balanceMax) }],
});
const answers = [];
for (const { peer, operation, messages } of given.calls) {
  const payload = encodeMessages(messages.map(fromHex));
  const reply = await cash.engine.submit({
    operation,
    peer: { kind: peer, role: peer === 'role' ? 'management' : undefined },
    session: 0n,
    request: 0n,
    payload,
    count: messages.length,
  });
  if (reply.status !== 0) throw new Error(`${reply.status}: ${reply.message}`);
  answers.push(parseMessages(reply.body, reply.count).map(toHex));
}
await cash.close();
await store.close();
await ledger.close();
writeSync(1, JSON.stringify(answers));
