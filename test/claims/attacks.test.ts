// What dishonest parties can try with keys that they have, or have stolen, against real servers. Every attempt is refused by
// a code of its own, and no money moves.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import {
  DeviceCertificate,
  issueDeviceCertificate,
  type SignedDeviceCertificate,
} from '../../src/identity/device-certificate.ts';
import { type KeySet, keyIdOf } from '../../src/identity/key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import { LoadOrder, type SignedLoadOrder } from '../../src/roles/documents/load-order.ts';
import { ChargeReceipt, type SignedChargeReceipt } from '../../src/roles/documents/receipts.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { type LoadAnswer, LoadRequest, ManagementOperation } from '../../src/roles/management/messages.ts';
import { SettlementClient } from '../../src/roles/settlement/client.ts';
import type { ChargeRequest } from '../../src/roles/settlement/messages.ts';
import { amountOf, parseAmount } from '../../src/shared/amount.ts';
import { id } from '../../src/shared/id.ts';
import { encodeRequest } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { Device, MINUTE, now, revocation, sealTo, signedBy } from './device.ts';
import { messageFrame, Raw, sealed } from './raw.ts';
import { accountNumber, answerOf, auditOf, EUR, eventually, refusalOf, System, toldBy } from './system.ts';

let system: System;
let other: System;
/** Honest, with account 1 on file; and one that is not, with account 2. */
let alice: Device;
let mallory: Device;
/** What a thief of each role's keys has. */
let stolen: { readonly [role in 'management' | 'cash' | 'settlement']: KeySet };
let settlement: SettlementClient;
let cash: CashClient;

beforeAll(async () => {
  [system, other] = await Promise.all([System.start(), System.start()]);
  alice = await Device.enrolled(system, accountNumber(1));
  mallory = await Device.enrolled(system, accountNumber(2));
  stolen = {
    management: await system.stolenKeys('management'),
    cash: await system.stolenKeys('cash'),
    settlement: await system.stolenKeys('settlement'),
  };
  await asManagement();
});
afterAll(async () => {
  await Promise.all([system?.close(), other?.close()]);
});

/** With management's keys, straight to the others. */
async function asManagement(): Promise<void> {
  settlement = new SettlementClient(await system.asRole('management', 'settlement'));
  cash = new CashClient(await system.asRole('management', 'cash'));
}

/** Runs `work`, and expects that no money has moved. */
async function harmless(work: () => Promise<void>): Promise<void> {
  const before = await system.money();
  await work();
  expect(await system.money()).toBe(before);
}

afterEach(async () => {
  expect(await auditOf(system)).toEqual({ passed: true, open: [], findings: [] });
});

/** Asks until it is through. */
async function load(device: Device, request: LoadRequest): Promise<LoadAnswer | string> {
  const management = await device.management();
  let told: LoadAnswer | string = '';
  await eventually(async () => {
    const result = await management.load(request);
    told = result.kind === 'ok' ? result.answer : toldBy(result);
    return !(result.kind === 'unknown' || (result.kind === 'ok' && result.answer.kind === 'pending'));
  });
  return told;
}

const loadOnFile = (device: Device, order: SignedLoadOrder) => load(device, { order, account: undefined });

async function charged(device: Device, amount: bigint) {
  const order = device.orderGiven(amount);
  const seal = device.seal(accountNumber(1), { purpose: 'load', request: order.document.request });
  const charge = {
    order,
    account: seal,
    binding: { purpose: 'load', request: order.document.request },
  } as const;
  let receipt: SignedChargeReceipt | undefined;
  await eventually(async () => {
    const answer = answerOf(await settlement.charge(charge));
    if (answer.kind === 'charged') receipt = answer.receipt;
    return receipt !== undefined;
  });
  return { order, charge, receipt: receipt! };
}

const keyId = (publicKey: Uint8Array) => keyIdOf(publicKey, systemCrypto.sha256);
const hello = () =>
  encodeRequest(RequestOperation.hello, 0n, 1, encodeHello({ session: 3n, acknowledged: 0n }));

// ---- What goes over the line

describe('a line that lies', () => {
  async function connected() {
    const raw = await Raw.open(system.tap('management').url);
    const channel = await raw.handshake(alice.identity());
    raw.socket.send(sealed(channel, hello()));
    await raw.take();
    const order = alice.order(1_000n);
    const message = LoadRequest.encode({ order, account: undefined });
    return { raw, channel, order, frame: messageFrame(ManagementOperation.load, 1n << 62n, [message]) };
  }
  const loadsHeard = () =>
    system.heard.filter(
      ({ role, operation }) => role === 'management' && operation === ManagementOperation.load,
    ).length;

  test('plays a frame again: it counts once', async () => {
    const { raw, channel, order, frame } = await connected();
    const before = loadsHeard();
    const record = sealed(channel, frame);
    raw.socket.send(record);
    raw.socket.send(record);
    expect(await raw.end()).toBe(CloseCode.record_damaged);
    expect(loadsHeard()).toBe(before + 1);
    expect(await loadOnFile(alice, order)).toMatchObject({ kind: 'loaded' });
  });

  test.each([
    ['holds one back', (a: Uint8Array, b: Uint8Array) => [b, a]],
    ['drops one', (_: Uint8Array, b: Uint8Array) => [b]],
    ['cuts one short', (a: Uint8Array) => [a.subarray(0, -1)]],
    ['cuts one to its tag', (a: Uint8Array) => [a.subarray(0, 16)]],
    ['makes one longer', (a: Uint8Array) => [Buffer.concat([a, Buffer.alloc(1)])]],
    ['joins two', (a: Uint8Array, b: Uint8Array) => [Buffer.concat([a, b])]],
    ['sends nothing instead', () => [new Uint8Array(0)]],
  ])('%s: nothing of it is read', async (_, lie) => {
    const { raw, channel, frame } = await connected();
    const before = loadsHeard();
    const [first, second] = [sealed(channel, frame), sealed(channel, frame)];
    await harmless(async () => {
      for (const message of lie(first, second)) raw.socket.send(message);
      expect(await raw.end()).toBe(CloseCode.record_damaged);
    });
    expect(loadsHeard()).toBe(before);
  });

  test('plays whole recorded connections again, to each role', async () => {
    await loadOnFile(alice, alice.order(700n));
    const recorded = (['management', 'settlement', 'cash'] as const).map((role) => ({
      role,
      connections: system.tap(role).connections.filter((connection) => connection.messages('up').length > 2),
    }));
    const before = system.heard.length;
    for (const { role, connections } of recorded) {
      expect(connections.length).toBeGreaterThan(0);
      for (const connection of connections.slice(0, 5)) {
        const raw = await Raw.open(system.tap(role).url);
        const [first, ...rest] = connection.messages('up');
        raw.socket.send(first!);
        await raw.take();
        for (const message of rest) raw.socket.send(message);
        expect(await raw.end()).toBe(CloseCode.record_damaged);
      }
    }
    expect(system.heard.length).toBe(before);
  });
});

// ---- The same again

describe('requests come again', () => {
  test('the same bytes of the same device: the same answer, for ever, and the money once', async () => {
    const order = alice.order(1_500n);
    const first = await loadOnFile(alice, order);
    expect(first).toMatchObject({ kind: 'loaded' });
    await harmless(async () => {
      for (let i = 0; i < 5; i++) expect(await loadOnFile(alice, order)).toEqual(first);
      for (const role of ['management', 'settlement', 'cash'] as const) {
        await system.stopRole(role);
        await system.startRole(role);
      }
      expect(await loadOnFile(alice, order)).toEqual(first);
    });
    await asManagement();
  });

  test('a hundred times at once: the money once', async () => {
    const order = alice.order(1_100n);
    const before = await system.money();
    const management = await alice.management();
    await Promise.all(Array.from({ length: 100 }, () => management.load({ order, account: undefined })));
    expect(await loadOnFile(alice, order)).toMatchObject({ kind: 'loaded' });
    const amounts = (text: string) => [...text.matchAll(/\d+/g)].map(([digits]) => BigInt(digits));
    const grown = amounts(await system.money()).map((after, i) => after - amounts(before)[i]!);
    expect(grown).toEqual([1_100n, 1_100n, 1_100n, 1n]);
  });

  test('of another device: not its order', async () => {
    const order = alice.order(1_600n);
    expect(await loadOnFile(alice, order)).toMatchObject({ kind: 'loaded' });
    await harmless(async () => {
      expect(await loadOnFile(mallory, order)).toBe('refused: key_mismatch');
    });
  });

  test('with the same id and another content', async () => {
    const order = alice.order(1_700n);
    expect(await loadOnFile(alice, order)).toMatchObject({ kind: 'loaded' });
    const { request } = order.document;
    await harmless(async () => {
      expect(await loadOnFile(alice, alice.order(1_800n, { request }))).toBe('refused: request_differs');
      expect(await loadOnFile(mallory, mallory.order(1_700n, { request }))).toBe('refused: request_differs');
      const account = alice.seal(accountNumber(1), { purpose: 'load', request });
      expect(await load(alice, { order, account })).toBe('refused: request_differs');
    });
  });

  test('charges and credits, with management’s keys: each counts once', async () => {
    const { order, charge, receipt } = await charged(alice, 1_900n);
    const credit = { device: alice.number, order, receipt };
    const first = answerOf(await cash.credit(credit));
    expect(first).toMatchObject({ kind: 'credited' });
    // Management has to know of it, or the audit would miss it there; asked for as a load, it is the same.
    expect(await load(alice, { order, account: charge.account })).toEqual({
      kind: 'loaded',
      receipt: (first as { receipt: unknown }).receipt,
    });
    await harmless(async () => {
      for (let i = 0; i < 3; i++) {
        expect(answerOf(await settlement.charge(charge))).toEqual({ kind: 'charged', receipt });
        expect(answerOf(await cash.credit(credit))).toEqual(first);
      }
    });
  });

  test('an enrolment: of whoever else brings it, nothing; of its device, the same number', async () => {
    const stranger = new Device(system);
    const enrolment = alice.enrolment!;
    expect(toldBy(await (await stranger.management()).enrol({ enrolment }))).toBe('refused: key_mismatch');
    expect(toldBy(await (await mallory.management()).enrol({ enrolment }))).toBe('refused: key_mismatch');
    const again = answerOf(await (await alice.management()).enrol({ enrolment }));
    expect(again).toMatchObject({ kind: 'enrolled', device: alice.number });
  });
});

// ---- Somebody else

describe('a device pretends to be another', () => {
  test('with an order that another key has signed', async () => {
    const { publicKey: signingKey } = alice.signing;
    await harmless(async () => {
      const forged = mallory.order(1_000n, { signingKey });
      expect(await loadOnFile(mallory, forged)).toBe('refused: key_mismatch');
      expect(await loadOnFile(alice, alice.order(1_000n, {}, mallory.signing))).toBe(
        'refused: signature_invalid',
      );
      const { document, signature } = alice.order(1_000n);
      const raised = { document: { ...document, amount: 40_000n }, signature };
      expect(await loadOnFile(alice, raised)).toBe('refused: signature_invalid');
    });
  });

  /** What a connection with that certificate comes to, with mallory's channel key. */
  const comesTo = (certificate: SignedDeviceCertificate) =>
    refusalOf(mallory.connect(DeviceCertificate.signed.encode(certificate)));

  test('with its certificate', async () => {
    expect(await comesTo(alice.certificate!)).toBe('untrusted_certificate');
  });

  test('with its number in a certificate of its own', async () => {
    const { document, signature } = mallory.certificate!;
    const forged = { ...document, device: alice.number };
    expect(await comesTo({ document: forged, signature })).toBe('untrusted_certificate');
    // Signed by whoever has a key: its own, a role's that is no management.
    for (const key of [mallory.signing, stolen.cash.signing, stolen.settlement.signing]) {
      const signer = { publicKey: key.publicKey, sign: (m: Uint8Array) => ed25519.sign(key.secretKey, m) };
      expect(await comesTo(DeviceCertificate.sign(forged, signer))).toBe('untrusted_certificate');
      expect(await comesTo(issueDeviceCertificate(forged, signer, systemCrypto))).toBe(
        'untrusted_certificate',
      );
    }
    for (const field of ['signingKey', 'notAfter', 'serial'] as const) {
      const changed = { ...document, [field]: field === 'signingKey' ? alice.signing.publicKey : 2n ** 63n };
      expect(await comesTo({ document: changed, signature })).toBe('untrusted_certificate');
    }
  });

  test('with a certificate that management’s own key has signed, but its registry does not know', async () => {
    const { secretKey, publicKey } = stolen.management.signing;
    const signer = { publicKey, sign: (m: Uint8Array) => ed25519.sign(secretKey, m) };
    const forged = issueDeviceCertificate(
      { ...mallory.certificate!.document, device: alice.number },
      signer,
      systemCrypto,
    );
    await harmless(async () => {
      const management = await mallory.management(DeviceCertificate.signed.encode(forged));
      expect(toldBy(await management.getBalance({ currency: EUR }))).toBe('refused: device_unknown');
      expect(toldBy(await management.load({ order: mallory.order(1_000n), account: undefined }))).toBe(
        'refused: device_unknown',
      );
      expect(toldBy(await management.renewCertificate({}))).toBe('refused: device_unknown');
    });
  });

  test('with keys that are another’s, at its enrolment', async () => {
    const newcomer = new Device(system);
    const management = await newcomer.management();
    const { secretKey, publicKey } = alice.signing;
    const taken = newcomer.anEnrolment();
    expect(
      toldBy(
        await management.enrol({
          enrolment: { ...taken, document: { ...taken.document, signingKey: publicKey } },
        }),
      ),
    ).toMatch(/^refused: (signature_invalid|already_enrolled)$/);
    expect(
      toldBy(
        await management.enrol({
          enrolment: newcomer.anEnrolment(undefined, { channelKey: alice.channel.publicKey }),
        }),
      ),
    ).toBe('refused: key_mismatch');
    // Even with its signature: a key has one device.
    newcomer.signing = { secretKey, publicKey };
    expect(toldBy(await management.enrol({ enrolment: newcomer.anEnrolment() }))).toBe(
      'refused: already_enrolled',
    );
  });

  test('an operator’s key is no device’s', async () => {
    const operator = managementClient(await system.asOperator('management'));
    const newcomer = new Device(system);
    await harmless(async () => {
      const order = alice.order(1_000n);
      expect(toldBy(await operator.load({ order, account: undefined }))).toBe('refused: not_permitted');
      expect(toldBy(await operator.enrol({ enrolment: newcomer.anEnrolment() }))).toBe(
        'refused: not_permitted',
      );
      // And with a device's certificate it is not that device's either.
      const identity = system.operator.clientIdentity('management');
      const payload = DeviceCertificate.signed.encode(alice.certificate!);
      const mixed = {
        pattern: 'IK',
        staticKey: identity.staticKey,
        remoteStaticKey: identity.remoteStaticKey,
        payload,
      } as const;
      expect(await refusalOf(system.connect('management', mixed))).toBe('untrusted_certificate');
    });
  });
});

describe('an account number is moved', () => {
  const onFile = () => alice.enrolment!.document.account!;

  test('to another device’s file', async () => {
    const thief = await Device.enrolled(system);
    await harmless(async () => {
      const management = await thief.management();
      const filing = thief.filing(onFile());
      expect(toldBy(await management.fileAccount({ filing }))).toBe('ok');
      const order = thief.order(1_000n, { account: filing.document.request });
      const outcome = await loadOnFile(thief, order);
      expect(outcome).toMatchObject({ kind: expect.stringMatching(/^(declined|reversed)$/) });
      // Under the id of the enrolment that it was sealed for, there is something else already.
      const { request } = alice.enrolment!.document;
      expect(toldBy(await management.fileAccount({ filing: thief.filing(onFile(), request) }))).toBe(
        'refused: request_differs',
      );
    });
  });

  test('from one load to another, from the file to a load, from a load to the file', async () => {
    const used = alice.orderGiven(1_000n);
    const usedSeal = alice.seal(accountNumber(1), { purpose: 'load', request: used.document.request });
    expect(await load(alice, { order: used, account: usedSeal })).toMatchObject({ kind: 'loaded' });
    const careless = await Device.enrolled(system);
    await harmless(async () => {
      for (const account of [usedSeal, onFile()]) {
        const outcome = await load(alice, { order: alice.orderGiven(1_000n), account });
        expect(outcome).toMatchObject({ kind: expect.stringMatching(/^(declined|reversed)$/) });
        const stolenSeal = await load(mallory, { order: mallory.orderGiven(1_000n), account });
        expect(stolenSeal).toMatchObject({ kind: expect.stringMatching(/^(declined|reversed)$/) });
      }
      const request = id();
      const filing = careless.filing(careless.seal(accountNumber(3), { purpose: 'load', request }));
      const order = careless.order(1_000n, { request, account: filing.document.request });
      const management = await careless.management();
      expect(toldBy(await management.fileAccount({ filing }))).toBe('ok');
      expect(await loadOnFile(careless, order)).toMatchObject({
        kind: expect.stringMatching(/^(declined|reversed)$/),
      });
    });
  });

  test('straight to settlement, with management’s keys: every way is closed by its own code', async () => {
    const { request } = alice.enrolment!.document;
    const file = { purpose: 'file', request } as const;
    const order = alice.orderGiven(1_000n);
    const orderBinding = { purpose: 'load', request: order.document.request } as const;
    const foreign = sealTo(
      (await other.stolenKeys('settlement')).sealing.publicKey,
      accountNumber(1),
      orderBinding,
      alice.signing.publicKey,
    );
    const mine = mallory.order(1_000n, { account: request });
    const another = { purpose: 'file', request: id() } as const;
    await harmless(async () => {
      const attempts = {
        'another device’s order': { order: mine, account: onFile(), binding: file },
        'the seal of another load': {
          order,
          account: alice.seal(accountNumber(1), { purpose: 'load', request: order.document.request + 1n }),
          binding: orderBinding,
        },
        'a binding to another load': {
          order,
          account: onFile(),
          binding: { purpose: 'load', request: order.document.request + 1n },
        },
        'from the file to a load': { order, account: onFile(), binding: orderBinding },
        'from another filing': {
          order: alice.order(1_000n, { account: request + 1n }),
          account: onFile(),
          binding: { ...file, request: request + 1n },
        },
        'another account that the device has filed': {
          order: alice.order(1_000n),
          account: alice.seal(accountNumber(1), another),
          binding: another,
        },
        'the account on file in place of the one that is given': { order, account: onFile(), binding: file },
        'of another system': { order, account: foreign, binding: orderBinding },
        'of another key under this key’s id': {
          order,
          account: { ...foreign, keyId: onFile().keyId },
          binding: orderBinding,
        },
        'an account that is none': {
          order,
          account: alice.seal('DE02120300000000202051', orderBinding),
          binding: orderBinding,
        },
      } satisfies Record<string, ChargeRequest>;
      const told: Record<string, string> = {};
      for (const [name, attempt] of Object.entries(attempts))
        told[name] = toldBy(await settlement.charge(attempt));
      expect(told).toEqual({
        'another device’s order': 'refused: key_mismatch',
        'the seal of another load': 'refused: seal_invalid',
        'a binding to another load': 'refused: binding_mismatch',
        'from the file to a load': 'refused: seal_invalid',
        'from another filing': 'refused: seal_invalid',
        'another account that the device has filed': 'refused: binding_mismatch',
        'the account on file in place of the one that is given': 'refused: binding_mismatch',
        'of another system': 'refused: seal_key_unknown',
        'of another key under this key’s id': 'refused: seal_invalid',
        'an account that is none': 'refused: account_not_chargeable',
      });
    });
  });
});

// ---- Certificates

describe('a certificate that does not count', () => {
  const issued = (more: Partial<SignedDeviceCertificate['document']>) => {
    const { secretKey, publicKey } = stolen.management.signing;
    const signer = { publicKey, sign: (m: Uint8Array) => ed25519.sign(secretKey, m) };
    const content = { ...alice.certificate!.document, ...more };
    return DeviceCertificate.signed.encode(issueDeviceCertificate(content, signer, systemCrypto));
  };

  test('expired, not yet valid, of another system, not one at all', async () => {
    const tomorrow = now() + 1_440n * MINUTE;
    expect(await refusalOf(alice.connect(issued({ notBefore: 1n, notAfter: now() - 1n })))).toBe(
      'expired_certificate',
    );
    expect(await refusalOf(alice.connect(issued({ notBefore: tomorrow, notAfter: tomorrow + 1n })))).toBe(
      'not_yet_valid',
    );
    const stranger = await Device.enrolled(other);
    stranger.channel = alice.channel;
    const theirs = DeviceCertificate.signed.encode(stranger.certificate!);
    expect(await refusalOf(alice.connect(theirs))).toBe('untrusted_certificate');
    for (const bytes of [Buffer.alloc(1), Buffer.alloc(209), issued({}).subarray(0, -1)]) {
      expect(await refusalOf(alice.connect(bytes))).toMatch(/^(malformed_payload|untrusted_certificate)$/);
    }
  });

  test('one that ends while it is used: the connection ends with it', async () => {
    const raw = await Raw.open(system.tap('management').url);
    const channel = await raw.handshake(alice.identity(issued({ notAfter: now() + 1_500_000_000n })));
    raw.socket.send(sealed(channel, hello()));
    await raw.take();
    expect(await raw.end()).toBe(CloseCode.authority_ended);
  });

  test('one that is revoked while it is used: nothing more, neither on this channel nor on another', async () => {
    const victim = await Device.enrolled(system, accountNumber(5));
    const done = victim.order(1_000n);
    expect(await loadOnFile(victim, done)).toMatchObject({ kind: 'loaded' });
    const management = await victim.management();
    expect(toldBy(await management.getBalance({ currency: EUR }))).toBe('ok');
    const operator = managementClient(await system.asOperator('management'));
    answerOf(await operator.deviceOrder(revocation(system, victim.number)));
    await harmless(async () => {
      const filing = victim.filing(victim.seal(accountNumber(5), { purpose: 'file', request: 5n }));
      const told = [
        await management.load({ order: victim.order(1_000n), account: undefined }),
        await management.getBalance({ currency: EUR }),
        await management.renewCertificate({}),
        await management.fileAccount({ filing }),
      ].map(toldBy);
      // Refused, or the connection was ended.
      for (const what of told) expect(what).toMatch(/^(refused: device_revoked|unknown: .*revoked)/);
      // Of what was there before it is told nothing definite.
      const before = toldBy(await management.load({ order: done, account: undefined }));
      expect(before).toMatch(/^(pending|unknown: .*revoked)/);
      expect(await refusalOf(victim.connect())).toBe('revoked_certificate');
    });
    // Its keys do not come in as new ones either.
    victim.certificate = undefined;
    const again = await (await victim.management()).enrol({ enrolment: victim.anEnrolment() });
    expect(toldBy(again)).toBe('refused: already_enrolled');
  });
});

// ---- Management turns dishonest

describe('with management’s keys alone', () => {
  test('no account is charged without an order of its device', async () => {
    const { request } = alice.enrolment!.document;
    const charge = (order: SignedLoadOrder) =>
      settlement.charge({
        order,
        account: alice.enrolment!.document.account!,
        binding: { purpose: 'file', request },
      });
    await harmless(async () => {
      const { publicKey: signingKey } = stolen.management.signing;
      expect(toldBy(await charge(alice.order(1_000n, { signingKey }, stolen.management.signing)))).toBe(
        'refused: key_mismatch',
      );
      expect(toldBy(await charge(alice.order(1_000n, {}, stolen.management.signing)))).toBe(
        'refused: signature_invalid',
      );
      const { document, signature } = alice.order(1_000n);
      for (const more of [
        { amount: 2_000n },
        { request: document.request + 1n },
        { currency: 840 },
        { applyBy: document.applyBy + 1n },
      ]) {
        expect(toldBy(await charge({ document: { ...document, ...more }, signature }))).toMatch(
          /^refused: (signature_invalid|currency_not_offered)$/,
        );
      }
    });
  });

  test('no balance grows without settlement’s receipt of that very order', async () => {
    const { order, charge, receipt } = await charged(alice, 2_100n);
    const forged = (
      more: Partial<SignedChargeReceipt['document']>,
      key: { readonly secretKey: Uint8Array },
    ) => signedBy(ChargeReceipt, { ...receipt.document, ...more }, key);
    const larger = alice.order(4_200n, { request: order.document.request });
    const another = alice.order(2_100n);
    const { management, cash: cashKeys, settlement: settlementKeys } = stolen;
    const foreign = (await other.stolenKeys('settlement')).signing;
    const credit = async (
      used: SignedLoadOrder,
      proof: SignedChargeReceipt,
      device = alice.number,
    ): Promise<string> => toldBy(await cash.credit({ device, order: used, receipt: proof }));
    await harmless(async () => {
      expect({
        'signed by management': await credit(order, forged({}, management.signing)),
        'signed by management, as itself': await credit(
          order,
          forged({ keyId: keyId(management.signing.publicKey) }, management.signing),
        ),
        'signed by cash': await credit(
          order,
          forged({ keyId: keyId(cashKeys.signing.publicKey) }, cashKeys.signing),
        ),
        'signed by another system’s settlement': await credit(
          order,
          forged({ keyId: keyId(foreign.publicKey) }, foreign),
        ),
        'signed with settlement’s key, under another id': await credit(
          order,
          forged({ keyId: keyId(settlementKeys.sealing.publicKey) }, settlementKeys.signing),
        ),
        'of another amount': await credit(order, {
          ...receipt,
          document: { ...receipt.document, amount: 4_200n },
        }),
        'for a larger order of the same id': await credit(larger, receipt),
        'for another order': await credit(another, receipt),
        'for another order, both changed': await credit(another, {
          ...receipt,
          document: { ...receipt.document, request: another.document.request },
        }),
        'for another order, digest too': await credit(another, {
          ...receipt,
          document: {
            ...receipt.document,
            request: another.document.request,
            orderDigest: sha256(LoadOrder.codec.encode(another.document)),
          },
        }),
        'to another device': await credit(order, receipt, mallory.number),
        'to no device': await credit(order, receipt, alice.number + 1n),
        'with the order of another device': await credit(
          mallory.order(2_100n, { request: order.document.request }),
          receipt,
          mallory.number,
        ),
        'with an order that management signed': await credit(
          alice.order(2_100n, { request: order.document.request }, management.signing),
          receipt,
        ),
      }).toEqual({
        'signed by management': 'refused: receipt_invalid',
        'signed by management, as itself': 'refused: receipt_invalid',
        'signed by cash': 'refused: receipt_invalid',
        'signed by another system’s settlement': 'refused: receipt_invalid',
        'signed with settlement’s key, under another id': 'refused: receipt_invalid',
        'of another amount': 'refused: receipt_mismatch',
        'for a larger order of the same id': 'refused: receipt_mismatch',
        'for another order': 'refused: receipt_mismatch',
        'for another order, both changed': 'refused: receipt_mismatch',
        'for another order, digest too': 'refused: receipt_invalid',
        'to another device': 'refused: key_mismatch',
        'to no device': 'refused: device_unknown',
        'with the order of another device': 'refused: receipt_mismatch',
        'with an order that management signed': expect.stringMatching(
          /^refused: (signature_invalid|receipt_mismatch)$/,
        ),
      });
    });
    // The right one is good, once: the same again is the same credit.
    expect(await load(alice, { order, account: charge.account })).toMatchObject({ kind: 'loaded' });
    await harmless(async () => {
      expect(await credit(order, receipt)).toBe('credited');
      expect(await credit(another, receipt)).toBe('refused: receipt_mismatch');
    });
  });

  test('no device’s account is given to another key', async () => {
    await harmless(async () => {
      const request = { device: alice.number, signingKey: mallory.signing.publicKey, currency: EUR };
      expect(toldBy(await cash.openAccount(request))).toBe('refused: device_differs');
      expect(toldBy(await cash.openAccount({ ...request, device: 1n }))).toBe('refused: malformed');
      expect(toldBy(await cash.openAccount({ ...request, device: id() >> 1n, currency: 840 }))).toBe(
        'refused: currency_not_offered',
      );
    });
  });

  test('the ledger takes no transfer of it', async () => {
    await harmless(async () => {
      for (const role of ['management', 'settlement'] as const) {
        const client = await system.asRole(role, 'cash');
        const transfer = {
          id: id(),
          debitAccountId: alice.number,
          creditAccountId: mallory.number,
          amount: 1n,
          ledger: EUR,
          code: 1,
        };
        expect(await refusalOf(client.createTransfers([transfer]))).toBe('not_permitted');
      }
    });
  });
});

// ---- Amounts and times

describe('amounts that are none', () => {
  test('a device’s: 0, below, above, beyond, in another currency', async () => {
    const told: Record<string, unknown> = {};
    await harmless(async () => {
      for (const amount of [0n, 1n, 99n, 50_001n, 2n ** 64n, 2n ** 127n, 2n ** 128n - 1n]) {
        told[String(amount)] = await loadOnFile(alice, alice.order(amount));
      }
      for (const currency of [0, 840, 1_000, 2 ** 32 - 1]) {
        told[`currency ${currency}`] = await loadOnFile(alice, alice.order(1_000n, { currency }));
      }
    });
    const [small, large, elsewhere] = ['amount_too_small', 'amount_too_large', 'currency_not_offered'].map(
      (code) => `refused: ${code}`,
    );
    expect(told).toEqual({
      '0': small,
      '1': small,
      '99': small,
      '50001': large,
      [String(2n ** 64n)]: large,
      [String(2n ** 127n)]: large,
      // What -1 is, in so many bits.
      [String(2n ** 128n - 1n)]: large,
      'currency 0': elsewhere,
      'currency 840': elsewhere,
      'currency 1000': elsewhere,
      [`currency ${2 ** 32 - 1}`]: elsewhere,
    });
  });

  test('negative, fractional, beyond u128: there is no way to say them', async () => {
    for (const amount of [-1n, 2n ** 128n]) {
      expect(() => alice.order(amount)).toThrow(RangeError);
      expect(() => amountOf(amount)).toThrow(RangeError);
    }
    expect(() => amountOf(1.5 as unknown as bigint)).toThrow();
    for (const text of ['-1', '1.005', '1e3', '0x10', '', '1 000', '1,00', '٣', 'NaN', 'Infinity']) {
      expect(() => parseAmount(text, system.currency)).toThrow(RangeError);
    }
    const wallet = await system.wallet(`amounts-${id()}`);
    await wallet.enrol({ userData: '', accountNumber: accountNumber(6) });
    await expect(wallet.load({ amount: 0n as never, onFile: true })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    for (const amount of [-1n, 2n ** 128n, 1.5, '100', null]) {
      await expect(wallet.load({ amount: amount as never, onFile: true })).rejects.toThrow();
    }
    expect(await wallet.balance({ online: true })).toMatchObject({ balance: 0n, online: { balance: 0n } });
  });

  test('straight to settlement and to cash', async () => {
    const told: Record<string, string> = {};
    await harmless(async () => {
      for (const [amount, currency] of [
        [0n, EUR],
        [50_001n, EUR],
        [2n ** 64n, EUR],
        [2n ** 128n - 1n, EUR],
        [1_000n, 840],
      ] as const) {
        const order = alice.orderGiven(amount, { currency });
        const { request } = order.document;
        const binding = { purpose: 'load', request } as const;
        const charge = { order, account: alice.seal(accountNumber(1), binding), binding };
        // Even settlement's own signature does not make cash take it.
        const receipt = signedBy(
          ChargeReceipt,
          {
            keyId: keyId(stolen.settlement.signing.publicKey),
            request,
            orderDigest: sha256(LoadOrder.codec.encode(order.document)),
            amount,
            currency,
            institutionReference: 'A00001',
            chargedAt: now(),
          },
          stolen.settlement.signing,
        );
        told[`settlement: ${amount} of ${currency}`] = toldBy(await settlement.charge(charge));
        if (amount === 50_001n) continue;
        told[`cash: ${amount} of ${currency}`] = toldBy(
          await cash.credit({ device: alice.number, order, receipt }),
        );
      }
    });
    expect(told).toEqual({
      'settlement: 0 of 978': 'refused: amount_too_small',
      'cash: 0 of 978': 'refused: malformed',
      'settlement: 50001 of 978': 'refused: amount_too_large',
      [`settlement: ${2n ** 64n} of 978`]: 'refused: amount_too_large',
      [`cash: ${2n ** 64n} of 978`]: 'refused: amount_too_large',
      [`settlement: ${2n ** 128n - 1n} of 978`]: 'refused: amount_too_large',
      [`cash: ${2n ** 128n - 1n} of 978`]: 'refused: amount_too_large',
      'settlement: 1000 of 840': 'refused: currency_not_offered',
      // Rejected for good, so that settlement may give back what it has charged.
      'cash: 1000 of 840': 'rejected',
    });
  });

  test('more than a device may hold: charged, found too much, given back', async () => {
    const rich = await Device.enrolled(system, accountNumber(8));
    for (const amount of [50_000n, 49_950n]) {
      expect(await loadOnFile(rich, rich.order(amount))).toMatchObject({ kind: 'loaded' });
    }
    await harmless(async () => {
      expect(await loadOnFile(rich, rich.order(100n))).toMatchObject({ kind: 'reversed' });
    });
    expect(system.institution.books.account(accountNumber(8))).toMatchObject({ captured: 99_950n, held: 0n });
  });
});

describe('times that are none', () => {
  test('a device’s: over, far ahead', async () => {
    const day = 1_440n * MINUTE;
    const told: unknown[] = [];
    await harmless(async () => {
      for (const applyBy of [0n, now() - day, now() - 1n, now() + 8n * day, 2n ** 64n - 1n]) {
        told.push(await loadOnFile(alice, alice.order(1_000n, { applyBy })));
      }
    });
    expect(told).toEqual([
      'refused: expired',
      'refused: expired',
      'refused: expired',
      'refused: applies_too_late',
      'refused: applies_too_late',
    ]);
    const newcomer = new Device(system);
    const management = await newcomer.management();
    expect(
      toldBy(await management.enrol({ enrolment: newcomer.anEnrolment(undefined, { applyBy: 1n }) })),
    ).toBe('refused: expired');
  });

  test('straight to settlement: an order whose time is over charges nothing', async () => {
    const asked = system.tap('institution').connections.reduce((sum, one) => sum + one.bytes('up').length, 0);
    await harmless(async () => {
      const order = alice.orderGiven(1_000n, { applyBy: now() - 1n });
      const binding = { purpose: 'load', request: order.document.request } as const;
      const charge = { order, account: alice.seal(accountNumber(1), binding), binding };
      await eventually(async () => {
        const answer = answerOf(await settlement.charge(charge));
        if (answer.kind === 'pending') return false;
        expect(answer).toEqual({ kind: 'expired' });
        return true;
      });
    });
    const after = system.tap('institution').connections.reduce((sum, one) => sum + one.bytes('up').length, 0);
    expect(after).toBe(asked);
  });
});

test('the wallet trusts no other root', async () => {
  const wallet = await system.wallet('loyal');
  await expect(wallet.replaceDirectory(other.directoryBytes())).rejects.toMatchObject({
    code: 'directory_invalid',
  });
  const bytes = Buffer.from(system.directoryBytes());
  for (let i = 0; i < 50; i++) {
    const changed = Buffer.from(bytes);
    changed[Math.floor((i * bytes.length) / 50)]! ^= 1;
    await expect(wallet.replaceDirectory(changed)).rejects.toMatchObject({ code: 'directory_invalid' });
  }
});
