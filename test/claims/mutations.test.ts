// Ten thousand changed messages to each operation of each role, from whoever may call it: each is answered with a refusal of
// the role's list or with an answer, none with an internal error; no money moves, and the role lives on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/channel/client.ts';
import { isMintRole, type MintRole, type RoleName } from '../../src/identity/roles.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import { type CashOperations, cashProtocol, type PayRequest } from '../../src/roles/cash/messages.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { MessageOperation, RequestOf } from '../../src/roles/common/operation.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { DeviceOrder } from '../../src/roles/documents/device-order.ts';
import type { SignedChargeReceipt } from '../../src/roles/documents/receipts.ts';
import {
  type IssuerOperations,
  issuerProtocol,
  type PayQuoteRequest,
} from '../../src/roles/issuer/messages.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { type ManagementOperations, managementProtocol } from '../../src/roles/management/messages.ts';
import { type ReceiverOperations, receiverProtocol } from '../../src/roles/receiver/messages.ts';
import { SettlementClient } from '../../src/roles/settlement/client.ts';
import { type SettlementOperations, settlementProtocol } from '../../src/roles/settlement/messages.ts';
import { id } from '../../src/shared/id.ts';
import { Random } from '../../src/shared/random.ts';
import { encodeRequest } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { taking, toDevice, toShop } from '../roles/cash/note-support.ts';
import { paymentOrder, payRequest, sealedTo } from '../roles/cash/pay-support.ts';
import { closingOf, openingOf, pays } from '../roles/cash/purse-support.ts';
import { Device, now, revocation, signedBy, soon } from './device.ts';
import { Holder } from './holder.ts';
import { mintCallOf, NoteHolder } from './notes.ts';
import { messageFrame, Raw, sealed } from './raw.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, answerOf, EUR, eventually, System, toldBy } from './system.ts';

const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : 20_261_121n;
const COUNT = process.env.SPECIE_SLOW_TESTS === '1' ? 200_000 : 10_000;
/** Issuer and receiver look into what others only compare: seals, points, JSON. */
const NOTES_COUNT = COUNT / 10;
const FRAMES = 8;
const FRAME_MESSAGES = 512;
/** Management takes frames of 64 KiB. */
const FRAME_BYTES = 56 * 1024;

/** What a fuzzer is given of each operation: valid messages, of requests that are through or that will not come through. */
type Bases = {
  readonly management: {
    readonly [Name in keyof ManagementOperations]: RequestOf<ManagementOperations[Name]>[];
  };
  readonly settlement: {
    readonly [Name in keyof SettlementOperations]: RequestOf<SettlementOperations[Name]>[];
  };
  readonly cash: { readonly [Name in keyof CashOperations]: RequestOf<CashOperations[Name]>[] };
  readonly issuer: { readonly [Name in keyof IssuerOperations]: RequestOf<IssuerOperations[Name]>[] };
  readonly receiver: { readonly [Name in keyof ReceiverOperations]: RequestOf<ReceiverOperations[Name]>[] };
};
const PROTOCOLS = {
  management: managementProtocol,
  settlement: settlementProtocol,
  cash: cashProtocol,
  issuer: issuerProtocol,
  receiver: receiverProtocol,
};
const OF_DEVICES = [
  'file_account',
  'load',
  'get_balance',
  'get_directory',
  'renew_certificate',
  'get_statement',
];
const OF_HOLDERS = [
  'open_purse',
  'report_transfer',
  'close_purse',
  'get_purse_statement',
  'get_block_list',
  'report_fraud',
];
const OF_SHOPS = ['pay', 'shop_order'];
const OF_OPERATORS = [
  'lookup_request',
  'list_requests',
  'list_devices',
  'device_order',
  'list_shops',
  'approve_shop',
  'close_shop',
  'list_shop_requests',
  'close_window',
  'list_windows',
  'show_window',
  'device_exposure',
];

let system: System;
let device: Device;
let handmade: HandmadeShop;
let holder: Holder;
let bases: Bases;

beforeAll(async () => {
  system = await System.start({ deaf: true, notes: true });
  device = await Device.enrolled(system, accountNumber(1));
  const bare = await Device.enrolled(system);
  const revoked = await Device.enrolled(system);
  const operator = managementClient(await system.asOperator('management'));
  answerOf(await operator.deviceOrder(revocation(system, revoked.number)));

  const management = await device.management();
  const settlement = new SettlementClient(await system.asRole('management', 'settlement'));
  const through = device.orderGiven(1_000n);
  const { request } = through.document;
  const account = device.seal(accountNumber(1), { purpose: 'load', request });
  await eventually(async () => toldBy(await management.load({ order: through, account })) === 'loaded');
  const binding = { purpose: 'load', request } as const;
  const charge = { order: through, account, binding };
  const { receipt } = answerOf(await settlement.charge(charge)) as { receipt: SignedChargeReceipt };
  // Good but for its account number, which no institution takes.
  const hopeless = bare.order(1_000n);
  const hopelessSeal = bare.seal('DE02120300000000202051', {
    purpose: 'load',
    request: hopeless.document.request,
  });
  const filing = device.filing(account);
  answerOf(await management.fileAccount({ filing }));
  const lookups = [{ request }, { request: id() }];
  const cash = new CashClient(await system.asRole('management', 'cash'));
  const shop = id();
  answerOf(await cash.openShop({ shop, signingKey: device.signing.publicKey, currency: EUR }));
  // Beyond what it has, so that whatever a change makes of it moves nothing.
  const hopelessPurchase = aPurchase(device, shop, 10n ** 12n);
  expect(answerOf(await cash.pay(hopelessPurchase)).kind).toBe('rejected');
  const purses = [await aPurse(cash, device), await aPurse(cash, bare)] as const;
  const handedOn = { device: device.number, order: pays(purses[0].test, purses[1].test, 100n) };
  expect(answerOf(await cash.settleTransfer(handedOn)).outcome.kind).toBe('waiting');
  holder = await Holder.open(system, 0n);
  handmade = await HandmadeShop.open(system, accountNumber(5));
  const purchase = aPurchase(device, handmade.number, 300n);
  const hopelessForwarded = handmade.forwards(aPurchase(device, handmade.number, 10n ** 12n));
  const forwarded = handmade.forwards(purchase);
  const shopsOwn = managementClient(await handmade.connect());
  for (const message of [hopelessForwarded, forwarded]) {
    await eventually(async () => answerOf(await shopsOwn.pay(message)).kind !== 'pending');
  }
  const refund = { order: handmade.refund(forwarded.request, 100n) };
  await eventually(async () => answerOf(await shopsOwn.shopOrder(refund)).kind === 'done');
  const funding = handmade.noteOrder('fund', 100n);
  const issuer = new CashClient(await system.asRole('issuer', 'cash'));
  expect(answerOf(await issuer.noteOrder({ order: funding })).kind).toBe('done');
  const noteHolder = await NoteHolder.open(handmade);
  // Issued and taken in again, so that none are out.
  const notesThrough = await noteHolder.roundTrip(50n);
  const payment = await noteHolder.payment(20n);
  const payee = { device: device.number };
  const cashKey = { publicKey: system.directory().currentKeySet('cash', now()).keys.sealing };
  const blocking = signedBy(
    DeviceOrder,
    {
      ...{ request: id(), operator: system.operator.name, device: bare.number, reason: 'for the test' },
      ...{ action: { kind: 'block' } as const, applyBy: soon() },
    },
    system.operator.signing,
  );
  // Beyond the last: what is answered to ten thousand of them should be short.
  const lists = [{ after: 2n ** 127n, limit: 2 }];
  bases = {
    management: {
      enrol: [
        { enrolment: device.enrolment! },
        { enrolment: new Device(system).anEnrolment(accountNumber(3)) },
      ],
      file_account: [{ filing }],
      load: [
        { order: through, account },
        { order: hopeless, account: hopelessSeal },
      ],
      get_balance: [{ currency: EUR }],
      get_directory: [{}],
      renew_certificate: [{}],
      lookup_request: lookups,
      list_requests: lists,
      list_devices: lists,
      get_statement: [{ query: { currency: EUR, after: 0n, purchases: [request, forwarded.request] } }],
      enrol_shop: [{ enrolment: handmade.enrolment }],
      pay: [forwarded, hopelessForwarded],
      shop_order: [refund, { order: handmade.refund(hopelessForwarded.request, 1n) }],
      // Of a device that has no money, so that none moves.
      device_order: [{ order: blocking }, revocation(system, revoked.number)],
      list_shops: lists,
      approve_shop: [{ shop: handmade.number }],
      list_shop_requests: [{ shop: handmade.number, after: undefined, limit: 2 }],
      close_shop: [{ shop: id() >> 2n, reason: 'for the test' }],
      // In a currency that is not offered, so that nothing is booked.
      close_window: [{ window: id(), currency: 1 }],
      list_windows: lists,
      show_window: [{ window: id(), after: undefined, limit: 2 }],
      ...purseMessages(holder, await Holder.open(system, 0n)),
    },
    settlement: {
      charge: [
        charge,
        {
          order: hopeless,
          account: hopelessSeal,
          binding: { purpose: 'load', request: hopeless.document.request },
        },
      ],
      // Of charges that never come.
      reverse: [{ request: id() ^ (1n << 100n), reason: 'for the test', rejection: undefined }],
      // With another's signature.
      pay_out: [
        {
          page: id(),
          payouts: [
            {
              order: {
                document: {
                  ...{ keyId: receipt.document.keyId, payout: id(), window: id(), shop },
                  ...{ signingKey: device.signing.publicKey, amount: 100n, currency: EUR, timestamp: 1n },
                },
                signature: receipt.signature,
              },
              enrolment: handmade.enrolment,
            },
          ],
        },
      ],
      list_outcomes: [{ after: 2n ** 62n, limit: 2 }],
      lookup_request: lookups,
      list_requests: lists,
    },
    cash: {
      open_account: [{ device: device.number, signingKey: device.signing.publicKey, currency: EUR }],
      credit: [
        { device: device.number, order: through, receipt },
        { device: bare.number, order: hopeless, receipt },
      ],
      get_balance: [{ device: device.number, currency: EUR }],
      open_shop: [{ shop, signingKey: device.signing.publicKey, currency: EUR }],
      pay: [purchase, hopelessPurchase],
      shop_order: [refund],
      close_shop: [{ shop: id() >> 2n }],
      device_order: [{ order: blocking }, revocation(system, revoked.number)],
      get_statement: [
        { device: device.number, query: { currency: EUR, after: 0n, purchases: [forwarded.request, id()] } },
      ],
      close_window: [{ window: id(), currency: 1 }],
      book_payouts: [{ window: id(), after: undefined }],
      book_outcomes: [
        {
          receipts: [
            {
              document: {
                ...{ keyId: receipt.document.keyId, payout: id(), orderDigest: receipt.document.orderDigest },
                ...{ amount: 100n, currency: EUR, outcome: 'rejected', reason: 'AC04' },
                ...{ institutionReference: '', at: 1n },
              },
              signature: receipt.signature,
            },
          ],
        },
      ],
      window_report: [{ window: id(), after: undefined }],
      // Of purses that have nothing.
      open_purse: purses.map(({ opening }) => opening),
      settle_transfer: [handedOn],
      close_purse: [{ closing: closingOf(purses[0].test) }],
      device_exposure: [{ device: device.number }],
      note_order: [{ order: funding }, { order: handmade.noteOrder('issue', 10n ** 12n) }],
      // There are no notes, so that none can be taken in.
      receive_notes: [taking(toShop({ shop: handmade.number })), taking(toDevice(payee, { key: cashKey }))],
      check_payee: [
        { payee: toShop({ shop: handmade.number }), currency: EUR },
        { payee: toDevice(payee, { key: cashKey }), currency: EUR },
      ],
      lookup_request: lookups,
    },
    ...noteMessages(noteHolder, notesThrough, payment, { lookup_request: lookups, list_requests: lists }),
  };
});
afterAll(() => system?.close());

/** Of notes that are spent, and of orders that a change leaves without a signature. */
function noteMessages(
  holder: NoteHolder,
  { issue, notes, taking }: Awaited<ReturnType<NoteHolder['roundTrip']>>,
  payment: PayQuoteRequest,
  shared: Pick<Bases['issuer'], 'lookup_request' | 'list_requests'>,
): Pick<Bases, 'issuer' | 'receiver'> {
  const blinded = issue.outputs.map((output) => output.blinded);
  const both = {
    ...shared,
    mint_call: [
      mintCallOf('/v1/keysets'),
      mintCallOf(`/v1/mint/quote/specie/${payment.quote}`),
      mintCallOf('/v1/swap', {
        inputs: notes.map(({ amount, keysetId, secret, signature }) => ({
          ...{ amount: Number(amount), id: keysetId, secret, C: Buffer.from(signature).toString('hex') },
        })),
        outputs: issue.outputs.map(({ amount, keysetId, blinded }) => ({
          ...{ amount: Number(amount), id: keysetId, B_: Buffer.from(blinded).toString('hex') },
        })),
      }),
    ],
    find_signatures: [{ blinded }],
    circulation: [{ currency: EUR }],
  };
  return {
    issuer: {
      ...both,
      issue_notes: [issue, holder.issue(20n).request],
      pay_quote: [payment],
      move_funds: [{ order: holder.shop.noteOrder('withdraw', 10n) }],
    },
    receiver: { ...both, take_notes: [taking, holder.take(notes)] },
  };
}

/** Of purses that only receive, so that no money moves: what the holder reports waits for ever. */
function purseMessages(holder: Holder, other: Holder) {
  const first = holder.pays(other, 5n);
  const second = other.pays(holder, 7n);
  const orders = { first: first.order, second: holder.pays(other, 6n, false).order };
  return {
    open_purse: [{ opening: holder.opening }],
    report_transfer: [{ transfer: first }, { transfer: second }],
    close_purse: [holder.closing()],
    get_purse_statement: [{ purse: holder.purse, query: { currency: EUR, after: 0n, purchases: [id()] } }],
    get_block_list: [{ serial: 0n, part: 0 }],
    report_fraud: [
      { proof: { signingKey: holder.signing.publicKey, evidence: { kind: 'orders' as const, ...orders } } },
    ],
    device_exposure: [{ device: holder.device.number }],
  };
}

/** A purse that only receives, and what it was opened with. */
async function aPurse(cash: CashClient, { number: device, signing }: Device) {
  const opening = openingOf({ device, key: signing }, { amount: 0n, key: signing, currency: EUR });
  const answer = answerOf(await cash.openPurse(opening));
  if (answer.kind !== 'opened') throw new Error(`expected an allowance, got ${answer.reason}`);
  const { purse } = opening;
  const { document: allowance } = answer.allowance;
  return {
    opening,
    test: { purse, key: signing, device: { device, key: signing }, allowance, sequence: 0n, total: 0n },
  };
}

/** What management sends to cash when the device pays at the shop. */
function aPurchase({ number: payer, signing }: Device, number: bigint, amount: bigint): PayRequest {
  const [payerOf, shop] = [
    { device: payer, key: signing },
    { shop: number, key: signing },
  ];
  const order = paymentOrder(payerOf, shop, { amount, ledger: EUR });
  const request = payRequest(order, payerOf, shop);
  const { keys } = system.directory().currentKeySet('cash', now());
  const binding = { request: request.request, shop: number };
  return { ...request, payment: sealedTo(binding, order, { publicKey: keys.sealing }) };
}

/** One to three changes of the kinds that programs make by mistake, and people on purpose. */
function mutated(random: Random, messages: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(messages));
  const at = (): number => random.below(Math.max(1, bytes.length));
  const changes: (() => Buffer)[] = [
    () => {
      if (bytes.length > 0) bytes[at()]! ^= 1 << random.below(8);
      return bytes;
    },
    () => {
      if (bytes.length > 0) bytes[at()] = random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff, random.below(256)]);
      return bytes;
    },
    () => Buffer.from(bytes).fill(random.pick([0, 0xff]), at(), Math.min(bytes.length, at() + 8)),
    () => Buffer.from(bytes.subarray(0, at())),
    () => Buffer.from(bytes.subarray(at())),
    () => Buffer.concat([bytes, randomBytes(random, random.pick([1, 2, 16, 64, 700]))]),
    () => {
      const where = at();
      return Buffer.concat([
        bytes.subarray(0, where),
        randomBytes(random, 1 + random.below(8)),
        bytes.subarray(where),
      ]);
    },
    () => {
      const from = at();
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(8))]);
    },
    () => {
      const [left, right] = [random.pick(messages), random.pick(messages)];
      const where = random.below(left.length + 1);
      return Buffer.concat([left.subarray(0, where), right.subarray(where)]);
    },
    () => {
      const [a, b] = [at(), at()];
      if (bytes.length > 0) [bytes[a], bytes[b]] = [bytes[b]!, bytes[a]!];
      return bytes;
    },
    () => randomBytes(random, random.below(Math.max(2, 2 * bytes.length))),
  ];
  for (let left = 1 + random.below(3); left > 0; left--) bytes = random.pick(changes)();
  return bytes;
}

function randomBytes(random: Random, size: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4)).map(() => random.uint32());
  return Buffer.from(words.buffer, 0, size);
}

function clientFor(role: RoleName, name: string): Promise<Client> {
  if (isMintRole(role)) return clientForNotes(role, name);
  // Cash and settlement take operations of the same names from management.
  if (name.startsWith('lookup_') || name === 'list_requests') return system.asOperator(role);
  if (name === 'note_order') return system.asRole('issuer', role);
  if (name === 'receive_notes' || name === 'check_payee') return system.asRole('receiver', role);
  if (role !== 'management') return system.asRole('management', role);
  if (OF_OPERATORS.includes(name)) return system.asOperator(role);
  if (OF_SHOPS.includes(name)) return handmade.connect();
  if (OF_HOLDERS.includes(name)) return holder.device.connect();
  return OF_DEVICES.includes(name) ? device.connect() : new Device(system).connect();
}

function clientForNotes(role: MintRole, name: string): Promise<Client> {
  if (['circulation', 'lookup_request', 'list_requests'].includes(name)) return system.asOperator(role);
  if (name === 'find_signatures') return system.asRole(role === 'issuer' ? 'receiver' : 'issuer', role);
  return handmade.connect(role);
}

const cases = (Object.keys(PROTOCOLS) as (keyof typeof PROTOCOLS)[]).flatMap((role) =>
  Object.keys(PROTOCOLS[role].operations).map((name) => [role, name] as const),
);

describe.each(cases)('%s: %s', (role, name) => {
  const count = role === 'issuer' || role === 'receiver' ? NOTES_COUNT : COUNT;
  test(`${count} changed messages: each is answered, no money moves`, async () => {
    const { operations, refusals } = PROTOCOLS[role];
    // biome-ignore lint/suspicious/noExplicitAny: operations of any types
    const operation = (operations as Record<string, MessageOperation<any, any>>)[name]!;
    const answers = answerCodec<unknown, string>(operation.answer, refusals);
    const valid = (bases[role] as Record<string, unknown[]>)[name]!.map((message) =>
      Buffer.from(operation.request.encode(message)),
    );
    const random = new Random(seed + BigInt(operation.number) + BigInt(role.length << 8));
    const before = await system.money();
    const client = await clientFor(role, name);
    const counts: Record<string, number> = {};
    const frame = (size: number): Buffer[] => {
      const messages: Buffer[] = [];
      for (let bytes = 0; messages.length < size && bytes < FRAME_BYTES; ) {
        const message = mutated(random, valid);
        if (valid.some((one) => one.equals(message))) continue;
        messages.push(message);
        bytes += message.length + 4;
      }
      return messages;
    };
    for (let left = count; left > 0; ) {
      const frames: Promise<Uint8Array[]>[] = [];
      for (let i = 0; i < FRAMES && left > 0; i++) {
        const messages = frame(Math.min(left, FRAME_MESSAGES, operation.messagesMax));
        left -= messages.length;
        frames.push(client.call(operation.number, messages));
      }
      for (const bytes of (await Promise.all(frames)).flat()) {
        const answer = answers.decode(bytes);
        const code = answer instanceof Refusal ? answer.code : 'answered';
        counts[code] = (counts[code] ?? 0) + 1;
      }
    }
    await client.close(0);
    expect(Object.values(counts).reduce((sum, of) => sum + of, 0)).toBe(count);
    expect(counts, `seed ${seed}`).not.toHaveProperty('internal_error');
    expect(counts).toHaveProperty('malformed');
    expect(await system.money()).toBe(before);
  });
});

test('hundreds of changed frames on proven connections: each costs its own connection at most', async () => {
  const random = new Random(seed);
  const hello = encodeRequest(RequestOperation.hello, 0n, 1, encodeHello({ session: 3n, acknowledged: 0n }));
  const message = Buffer.from(managementProtocol.operations.get_balance.request.encode({ currency: EUR }));
  const frames = [
    hello,
    messageFrame(35, 1n << 62n, [message, message]),
    messageFrame(36, 5n, [Buffer.alloc(0)]),
  ];
  const before = await system.money();
  const ends: Record<number, number> = {};
  for (let i = 0; i < 150; i++) {
    const raw = await Raw.open(system.tap('management').url);
    const channel = await raw.handshake(device.identity());
    raw.socket.send(sealed(channel, hello));
    await raw.take();
    const frame = mutated(
      random,
      frames.map((one) => Buffer.from(one)),
    );
    if (frame.length < 32) continue;
    raw.socket.send(sealed(channel, frame));
    await Promise.race([raw.end(), raw.take().catch(() => {})]);
    const code = raw.closed?.code ?? 0;
    ends[code] = (ends[code] ?? 0) + 1;
    raw.socket.terminate();
  }
  // Answered with a refusal, or closed as a record that does not agree with itself, or as a frame that is none.
  for (const code of Object.keys(ends)) {
    expect([0, CloseCode.record_damaged, CloseCode.bad_frame]).toContain(Number(code));
  }
  expect(await system.money()).toBe(before);
});

test('afterwards each role does what it did before', async () => {
  const wallet = await system.wallet('after');
  await wallet.enrol({ userData: 'after', accountNumber: accountNumber(4) });
  expect(await wallet.load({ amount: 2_000n as never, onFile: true })).toMatchObject({
    state: { kind: 'loaded' },
  });
  expect((await wallet.balance({ online: true })).online).toMatchObject({ verdict: 'agrees' });
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
  // Cash says where a request that it knows comes again with another device or receipt: management's doing, not its own.
  const errors = Object.values(system.logs).flatMap((lines) =>
    lines.filter((line) => line.startsWith('error')),
  );
  const known =
    /^error (credit (conflicts with another transfer|asked for against another receipt)|account opened for another key) /;
  expect(errors.filter((line) => !known.test(line))).toEqual([]);
});
