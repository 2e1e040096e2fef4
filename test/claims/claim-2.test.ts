// Claim 2: "said electronic cash management apparatus, said settlement apparatus and said management apparatus perform
// predetermined mutual authentication processing before communications."
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Client } from '../../src/channel/client.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { isMintRole, ROLES, type RoleName } from '../../src/identity/roles.ts';
import { cashProtocol } from '../../src/roles/cash/messages.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { Operations, RoleProtocol } from '../../src/roles/common/operation.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { issuerProtocol } from '../../src/roles/issuer/messages.ts';
import { managementProtocol } from '../../src/roles/management/messages.ts';
import { receiverProtocol } from '../../src/roles/receiver/messages.ts';
import { settlementProtocol } from '../../src/roles/settlement/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { ClientIdentity } from '../../src/wire/channel-identity.ts';
import { encodeRequest } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { Device } from './device.ts';
import { closedWith, firstMessage, messageFrame, Raw } from './raw.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, eventually, refusalOf, System } from './system.ts';
import { accountNumberForms, found, keyForms, numberForms, textForms } from './traces.ts';

let system: System;
/** Of another operator: everything in it is valid, elsewhere. */
let other: System;

beforeAll(async () => {
  [system, other] = await Promise.all([System.start({ notes: true }), System.start()]);
});
afterAll(async () => {
  await Promise.all([system?.close(), other?.close()]);
});

/** Nothing that a role answers was answered, and none of it came to a role. */
async function unheard(work: () => Promise<void>): Promise<void> {
  const before = system.heard.length;
  await work();
  expect(system.heard.length).toBe(before);
}

const hello = () =>
  encodeRequest(RequestOperation.hello, 0n, 1, encodeHello({ session: 5n, acknowledged: 0n }));

describe.each(ROLES)('before communications: %s answers nobody', (role) => {
  const to = () => system.channelKey(role);
  const connecting = (identity: ClientIdentity | undefined) => refusalOf(system.connect(role, identity));

  test('who does not authenticate at all', async () => {
    await unheard(async () => {
      expect(await connecting(undefined)).toBe('handshake_failed');
      const { url } = system.tap(role);
      expect(await closedWith(url, hello())).toBe(CloseCode.handshake_expected);
      for (const operation of [32, 33, 34, 48]) {
        const frame = messageFrame(operation, 1n, [new Uint8Array(64)]);
        expect(await closedWith(url, frame)).toBe(CloseCode.handshake_expected);
      }
    });
  });

  test('who authenticates the server only', async () => {
    await unheard(async () => {
      const found = await connecting({ pattern: 'NK', remoteStaticKey: to() });
      // Terminals stay unnamed: what they may do there is below.
      expect(found).toBe(isMintRole(role) ? 'connected' : 'pattern_not_allowed');
    });
  });

  test('who has a key that nobody knows', async () => {
    const { secretKey: staticKey, publicKey } = generateKeyPair('channel');
    await unheard(async () => {
      expect(await connecting({ pattern: 'KK', staticKey, remoteStaticKey: to() })).toBe('handshake_failed');
      const named = firstMessage({ pattern: 'KK', staticKey, remoteStaticKey: to(), claimed: publicKey });
      expect(await closedWith(system.tap(role).url, named)).toBe(CloseCode.unknown_initiator);
      const found = await connecting({ pattern: 'IK', staticKey, remoteStaticKey: to() });
      // A device that is not enrolled yet is let in to be enrolled, and for nothing else: below.
      expect(found).toBe(role === 'management' ? 'connected' : 'unknown_key');
    });
  });

  test('who names himself as a role whose key he does not have', async () => {
    const { secretKey: staticKey } = generateKeyPair('channel');
    await unheard(async () => {
      for (const claimed of ROLES.map((name) => system.channelKey(name))) {
        const message = firstMessage({ pattern: 'KK', staticKey, remoteStaticKey: to(), claimed });
        expect(await closedWith(system.tap(role).url, message)).toBe(CloseCode.handshake_unreadable);
      }
    });
  });

  test('a role of another system, whose keys are valid there', async () => {
    await unheard(async () => {
      for (const stranger of ROLES) {
        const { channel } = await other.stolenKeys(stranger);
        const identity = { pattern: 'KK', staticKey: channel.secretKey, remoteStaticKey: to() } as const;
        expect(await connecting(identity)).toBe('handshake_failed');
        const message = firstMessage({ ...identity, claimed: channel.publicKey });
        expect(await closedWith(system.tap(role).url, message)).toBe(CloseCode.unknown_initiator);
      }
    });
  });

  test('an operator and a device of another system', async () => {
    const operator = other.operator.clientIdentity(role);
    const device = await Device.enrolled(other);
    await unheard(async () => {
      const foreign = { ...device.identity(), remoteStaticKey: to() };
      expect(await connecting(foreign)).toBe(role === 'management' ? 'untrusted_certificate' : 'wrong_role');
      if (role !== 'management') {
        const identity = { pattern: 'IK', staticKey: operator.staticKey, remoteStaticKey: to() } as const;
        expect(await connecting(identity)).toBe('unknown_key');
      }
    });
  });

  test('a role of its own system that does not say so', async () => {
    await unheard(async () => {
      for (const name of ROLES) {
        const { channel } = await system.stolenKeys(name);
        const identity = { pattern: 'IK', staticKey: channel.secretKey, remoteStaticKey: to() } as const;
        expect(await connecting(identity)).toBe('pattern_not_allowed');
      }
    });
  });

  test('a device of its own system, but at management', async () => {
    const device = await Device.enrolled(system);
    const identity = { ...device.identity(), remoteStaticKey: to() };
    await unheard(async () => {
      expect(await connecting(identity)).toBe(role === 'management' ? 'connected' : 'wrong_role');
    });
  });

  test('who means another server', async () => {
    const { channel } = await system.stolenKeys('management');
    const elsewhere = { pattern: 'KK', staticKey: channel.secretKey } as const;
    await unheard(async () => {
      for (const name of ROLES.filter((name) => name !== role)) {
        const remoteStaticKey = system.channelKey(name);
        expect(await connecting({ ...elsewhere, remoteStaticKey })).toBe('handshake_failed');
        const message = firstMessage({ ...elsewhere, remoteStaticKey, claimed: channel.publicKey });
        expect(await closedWith(system.tap(role).url, message)).toBe(CloseCode.unknown_recipient);
      }
    });
  });

  test('who knows a good first message, and not the key behind it', async () => {
    const before = system.tap(role).connections.length;
    const honest = await system.asOperator(role);
    await honest.close();
    const recorded = system.tap(role).connections[before]!.messages('up');
    await unheard(async () => {
      const raw = await Raw.open(system.tap(role).url);
      raw.socket.send(recorded[0]!);
      // It gets what it cannot read, under another key than the first time.
      const answer = await raw.take();
      expect(answer).not.toEqual(system.tap(role).connections[before]!.messages('down')[0]);
      raw.socket.send(recorded[1]!);
      expect(await raw.end()).toBe(CloseCode.record_damaged);
    });
  });
});

describe('the other side authenticates too', () => {
  const impostors: [string, (role: RoleName) => Promise<{ port: number; close(): Promise<void> }>][] = [
    [
      'of another system',
      async (role) => ({ port: Number(new URL(other.roles.get(role)!.url).port), close: async () => {} }),
    ],
    ['that answers noise', () => answering(() => randomBytes(64))],
    ['that echoes', () => answering((message) => message)],
    [
      'that plays back what the server once answered',
      (role) => {
        const recorded = system.tap(role).messages('down')[0]!;
        return answering(() => recorded);
      },
    ],
  ];

  async function answering(answer: (message: Buffer) => Buffer) {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http, path: '/v1', perMessageDeflate: false });
    sockets.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(answer(data))));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return {
      port: (http.address() as AddressInfo).port,
      close: async () => {
        for (const socket of sockets.clients) socket.terminate();
        await new Promise((resolve) => http.close(resolve));
      },
    };
  }

  /** Runs `work` while an impostor listens in the role's place; what it was told is only first messages of handshakes. */
  async function instead(
    role: RoleName,
    impostor: (role: RoleName) => Promise<{ port: number; close(): Promise<void> }>,
    work: () => Promise<void>,
  ): Promise<void> {
    const { port, close } = await impostor(role);
    const tap = system.tap(role);
    const { target } = tap;
    const [strangersHeard, before] = [other.heard.length, tap.connections.length];
    tap.target = port;
    tap.cut();
    try {
      await work();
    } finally {
      tap.target = target;
      tap.cut();
      await close();
    }
    const told = tap.connections.slice(before).map((connection) => connection.messages('up'));
    expect(told.length).toBeGreaterThan(0);
    for (const messages of told) expect(messages.length).toBeLessThanOrEqual(1);
    expect(other.heard.length).toBe(strangersHeard);
  }

  test.each(impostors)('wallet → management: one %s is told nothing', async (_, impostor) => {
    const wallet = await system.wallet('careful');
    await wallet.enrol({ userData: 'careful', accountNumber: accountNumber(1) });
    await instead('management', impostor, async () => {
      await expect(
        wallet.load({ amount: amountOf(1_000n), onFile: true, patienceMs: 1_000 }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(channel_refused|unreachable|timeout)$/) });
    });
    // In the end it is the right one, and the same request goes through.
    const { finished, unfinished } = await wallet.resume();
    expect({ finished, unfinished }).toMatchObject({
      finished: [{ state: { kind: 'loaded' } }],
      unfinished: [],
    });
    expect((await wallet.balance()).balance).toBe(1_000n);
  });

  test.each(['settlement', 'cash'] as const)(
    'management → %s: impostors are told nothing, and the load waits for the right one',
    async (role) => {
      const wallet = await system.wallet(`patient-${role}`);
      await wallet.enrol({ userData: 'patient', accountNumber: accountNumber(2) });
      for (const [, impostor] of impostors) {
        let loading: Promise<unknown> | undefined;
        await instead(role, impostor, async () => {
          const before = system.tap(role).connections.length;
          loading = wallet.load({ amount: amountOf(1_000n), onFile: true });
          await eventually(() => system.tap(role).connections.length > before);
          await new Promise((resolve) => setTimeout(resolve, 100));
        });
        await expect(loading).resolves.toMatchObject({ state: { kind: 'loaded' } });
      }
      expect((await wallet.balance({ online: true })).online).toMatchObject({ verdict: 'agrees' });
    },
  );
});

describe('who is authenticated may still only do what is his', () => {
  const PROTOCOLS: { readonly [role in RoleName]: RoleProtocol<Operations, string> } = {
    management: managementProtocol,
    settlement: settlementProtocol,
    cash: cashProtocol,
    issuer: issuerProtocol,
    receiver: receiverProtocol,
  };
  const LEDGER = 'the ledger';
  /** Everything that is let through to where the message itself is looked at. */
  const ALLOWED: Record<string, Partial<Record<RoleName, string[]>>> = {
    unenrolled: { management: ['enrol', 'get_directory', 'renew_certificate', 'enrol_shop'] },
    device: {
      management: [
        ...['enrol', 'file_account', 'load', 'get_balance', 'get_directory', 'renew_certificate'],
        ...['get_statement', 'open_purse', 'report_transfer', 'close_purse', 'get_purse_statement'],
        ...['get_block_list', 'report_fraud'],
      ],
    },
    operator: {
      management: [
        ...['get_directory', 'lookup_request', 'list_requests', 'list_devices'],
        ...['device_order', 'list_shops', 'approve_shop', 'close_shop', 'list_shop_requests'],
        ...['close_window', 'list_windows', 'show_window', 'device_exposure'],
      ],
      settlement: ['list_outcomes', 'lookup_request', 'list_requests'],
      cash: ['window_report', 'device_exposure', 'lookup_request', LEDGER],
      issuer: ['circulation', 'lookup_request', 'list_requests'],
      receiver: ['circulation', 'lookup_request', 'list_requests'],
    },
    shop: {
      issuer: ['issue_notes', 'pay_quote', 'mint_call', 'move_funds'],
      receiver: ['take_notes', 'mint_call'],
    },
    unnamed: { issuer: ['mint_call'], receiver: ['mint_call'] },
    management: {
      management: ['get_directory'],
      settlement: ['charge', 'reverse', 'pay_out', 'list_outcomes'],
      cash: [
        ...['open_account', 'credit', 'get_balance', 'open_shop', 'pay', 'shop_order', 'device_order'],
        ...['get_statement', 'close_window', 'book_payouts', 'book_outcomes', 'window_report'],
        ...['open_purse', 'settle_transfer', 'close_purse', 'device_exposure', 'close_shop'],
      ],
      issuer: [],
      receiver: [],
    },
    settlement: { management: ['get_directory'], settlement: [], cash: [], issuer: [], receiver: [] },
    cash: { management: ['get_directory'], settlement: [], cash: [], issuer: [], receiver: [] },
    issuer: {
      management: ['get_directory'],
      settlement: [],
      cash: ['note_order'],
      issuer: [],
      receiver: ['mint_call', 'find_signatures'],
    },
    receiver: {
      management: ['get_directory'],
      settlement: [],
      cash: ['receive_notes', 'check_payee'],
      issuer: ['mint_call', 'find_signatures'],
      receiver: [],
    },
  };

  let shop: Promise<HandmadeShop> | undefined;

  async function clientOf(who: string, to: RoleName): Promise<Client> {
    switch (who) {
      case 'unenrolled':
        return new Device(system).connect();
      case 'device':
        return (await Device.enrolled(system)).connect();
      case 'operator':
        return system.asOperator(to);
      case 'shop':
        shop ??= HandmadeShop.open(system, accountNumber(5));
        return (await shop).connect(to);
      case 'unnamed':
        return system.connect(to, { pattern: 'NK', remoteStaticKey: system.channelKey(to) });
      default:
        return system.asRole(who as RoleName, to);
    }
  }

  const pairs = Object.entries(ALLOWED).flatMap(([who, at]) =>
    Object.entries(at).map(([role, allowed]) => [who, role as RoleName, allowed] as const),
  );

  test.each(pairs)('%s at %s: %j', async (who, role, allowed) => {
    const client = await clientOf(who, role);
    const { operations, refusals } = PROTOCOLS[role];
    const permitted: string[] = [];
    for (const [name, { number, answer }] of Object.entries(operations)) {
      const [bytes] = await client.call(number, [new Uint8Array(0)]);
      const told = answerCodec(answer, refusals).decode(bytes!);
      if (!(told instanceof Refusal) || told.code !== 'not_permitted') permitted.push(name);
    }
    if (role === 'cash') {
      const code = await refusalOf(client.createAccounts([{ id: 77n, ledger: 1, code: 1 }]));
      if (code !== 'not_permitted') permitted.push(LEDGER);
      expect(await refusalOf(client.lookupAccounts([77n]))).toBe(code);
    } else {
      expect(await refusalOf(client.createAccounts([{ id: 77n, ledger: 1, code: 1 }]))).toBe(
        'unknown_operation',
      );
    }
    expect(permitted).toEqual(allowed);
    await client.close(0);
  });
});

test('what is answered over plain HTTP, on the same machine only, is health and figures: nobody’s number, key or money', async () => {
  const wallet = await system.wallet('unseen');
  await wallet.enrol({ userData: 'unseen by supervisors', accountNumber: accountNumber(3) });
  await wallet.load({ amount: amountOf(23_456n), onFile: true });
  const secrets = [
    ...accountNumberForms(accountNumber(3)),
    ...numberForms('device number', wallet.device!, 16),
    ...textForms('user data', 'unseen by supervisors'),
    ...keyForms('signing key', await wallet.signingKey()),
    ...textForms('amount', '23456'),
    ...textForms('amount', '234.56'),
  ];
  for (const role of ROLES) {
    const { host } = new URL(system.roles.get(role)!.url);
    for (const path of ['/healthz', '/metrics', '/', '/v1']) {
      const text = await (await fetch(`http://${host}${path}`)).text();
      expect(found(secrets, [Buffer.from(text)]), `${role} ${path}`).toEqual([]);
    }
  }
});

test('no money moved but what the wallets loaded', async () => {
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
  expect(await other.audit()).toMatchObject({ passed: true, open: [], float: 0n });
});
