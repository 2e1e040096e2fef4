// A wallet in a process of its own that kills itself at a given point. Management and the shop are the parent, behind messages.
//
//     node wallet-process.mjs PATH run|buy|resume POINT        POINT: 0 for never; points are counted from 1
//
// Points: before and after each write, before each message, once it is sent, once it is answered. At its end it reports
// how many it passed, and what it has.
import { nodeCrypto, TransportError, Wallet, WalletStore } from '../../dist/wallet/index.js';

const [path, mode, pointText] = process.argv.slice(2);
const killAt = Number(pointText);
let points = 0;

async function point() {
  points += 1;
  if (points !== killAt) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
}

const waiting = new Map();
let number = 0;
let setup;
const ready = new Promise((resolve) => {
  process.on('message', (message) => {
    if (message.setup) {
      setup = message.setup;
      resolve();
      return;
    }
    const { resolve: answered, reject } = waiting.get(message.number);
    waiting.delete(message.number);
    if (message.error) reject(new TransportError('unreachable', message.error));
    else answered(Buffer.from(message.answer, 'base64'));
  });
});

function ask(content) {
  number += 1;
  const mine = number;
  return new Promise((resolve, reject) => {
    waiting.set(mine, { resolve, reject });
    process.send({ number: mine, ...content }, async () => point());
  });
}

const channelTo = (whom) => ({
  async call(operation, messages) {
    const answers = [];
    for (const message of messages) {
      await point();
      answers.push(
        new Uint8Array(await ask({ ...whom, operation, message: Buffer.from(message).toString('base64') })),
      );
      await point();
    }
    return answers;
  },
  close: async () => {},
});

const transport = {
  connect: async ({ as }) => channelTo({ as }),
  connectShop: async () => channelTo({ as: 'shop' }),
};

await ready;
const store = await WalletStore.open({ path });
const inner = store.storage();
const storage = {
  read: (key) => inner.read(key),
  list: (prefix) => inner.list(prefix),
  async write(batch) {
    await point();
    await inner.write(batch);
    await point();
  },
};
const clock = {
  now: () => BigInt(setup.now) + BigInt(Math.floor(performance.now() * 1e6)),
  setTimer(run, milliseconds) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
const options = {
  storage,
  crypto: nodeCrypto,
  clock,
  transport,
  times: { pauseFirstMs: 5, pauseLastMs: 20 },
};
const account = setup.account;

async function opened() {
  try {
    return await Wallet.open(options);
  } catch (error) {
    if (error.code !== 'wallet_missing') throw error;
    return Wallet.create(options, {
      directory: new Uint8Array(Buffer.from(setup.directory, 'base64')),
      rootFingerprint: setup.rootFingerprint,
      currency: { ledger: 978, code: 'EUR', exponent: 2 },
      name: 'test',
    });
  }
}

const wallet = await opened();
if (mode === 'run') {
  await wallet.enrol({ userData: 'Ada', accountNumber: account });
  await wallet.load({ amount: 100n, accountNumber: account });
  await wallet.fileAccount({ accountNumber: account });
  await Promise.all([
    wallet.load({ amount: 20n, onFile: true }),
    wallet.load({ amount: 3n, accountNumber: account }),
  ]);
} else if (mode === 'buy') {
  const { card } = setup;
  await wallet.buy({ shop: card, articles: [{ article: 'coffee', price: 320n }] });
  await wallet.buy({ shop: card, articles: [{ article: 'fuel', price: 5000n }], kind: 'authorisation' });
  // The shop has taken a part of it by then.
  await wallet.sync();
} else {
  const { unfinished } = await wallet.resume();
  if (unfinished.length > 0) throw unfinished[0].error;
}
const { balance, open } = await wallet.balance();
const { problems, sum } = await wallet.verify();
const receipts = (await wallet.receipts()).map(({ receipt }) => `${receipt.document.request}`);
const history = (await wallet.history()).map(({ event }) => event);
const device = wallet.device === undefined ? null : `${wallet.device}`;
process.send(
  {
    report: {
      points,
      balance: `${balance}`,
      sum: `${sum}`,
      open: open.length,
      problems,
      receipts,
      history,
      device,
    },
  },
  async () => {
    await wallet.close();
    await store.close();
    process.disconnect();
  },
);
