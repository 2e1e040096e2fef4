import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountFlags } from '../../../src/layout/generated.ts';
import { furtherAccountId } from '../../../src/roles/cash/accounts.ts';
import type { OpenAccountRequest } from '../../../src/roles/cash/messages.ts';
import { CashConfigurationError } from '../../../src/roles/cash/role.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  answerOf,
  creditOf,
  EUR,
  keyIdOf,
  keyPair,
  newDevice,
  short,
  TestCash,
  type TestDevice,
  USD,
} from './support.ts';

let cash: TestCash;
beforeAll(async () => {
  cash = await TestCash.open();
});
afterAll(() => cash.close());

const asked = (
  { device, key }: TestDevice,
  changes: Partial<OpenAccountRequest> = {},
): OpenAccountRequest => ({
  device,
  signingKey: key.publicKey,
  currency: EUR,
  ...changes,
});
/** `opened`, or the code of the refusal. */
async function openAll(requests: readonly OpenAccountRequest[], at = cash): Promise<string[]> {
  const client = at.client();
  const results = await Promise.all(requests.map((request) => client.openAccount(request)));
  return results.map((result) => (result.kind === 'refused' ? result.refusal.code : result.kind));
}

describe('open_account', () => {
  test('the account names the device and its key, and has the bound of its currency', async () => {
    const one = newDevice();
    const { timestamp } = answerOf(await cash.client().openAccount(asked(one)));
    const [account] = await cash.ledger.lookupAccounts([one.device]);
    expect(account).toMatchObject({
      timestamp,
      ledger: EUR,
      code: 20,
      userData128: one.device,
      userData64: BigInt(`0x${Buffer.from(keyIdOf(one.key.publicKey)).reverse().toString('hex')}`),
      balanceLimit: 15_000,
    });
    expect(account!.flags & AccountFlags.credit_balance_limited).not.toBe(0);
  });

  test('again: the same answer', async () => {
    const one = newDevice();
    const client = cash.client();
    const first = await Promise.all([client.openAccount(asked(one)), client.openAccount(asked(one))]);
    const again = await client.openAccount(asked(one));
    const times = [...first, again].map((result) => answerOf(result).timestamp);
    expect(new Set(times).size).toBe(1);
  });

  test('with another key: device_differs, now and in the same batch', async () => {
    const one = newDevice();
    const otherKey = { signingKey: keyPair(5).publicKey };
    expect(await openAll([asked(one), asked(one, otherKey)])).toEqual(['ok', 'device_differs']);
    expect(await openAll([asked(one, otherKey), asked(one)])).toEqual(['device_differs', 'ok']);
    expect(await openAll([asked(one, { ...otherKey, currency: USD })])).toEqual(['device_differs']);
  });

  test('in several currencies at once: the first account has the device number, the next a derived one', async () => {
    const one = newDevice();
    expect(await openAll([asked(one, { currency: USD }), asked(one), asked(one, { currency: USD })])).toEqual(
      ['ok', 'ok', 'ok'],
    );
    const ids = [one.device, furtherAccountId(one.device, EUR)];
    const accounts = await cash.ledger.lookupAccounts(ids);
    expect(accounts.map(({ ledger, userData128 }) => [ledger, userData128])).toEqual([
      [USD, one.device],
      [EUR, one.device],
    ]);
  });

  const refused: Record<string, [Partial<OpenAccountRequest>, string]> = {
    'a currency that is not offered': [{ currency: 826 }, 'currency_not_offered'],
    'the number of a system account': [{ device: 978_001n }, 'malformed'],
    'a number where derived ids lie': [{ device: 1n << 127n }, 'malformed'],
    'a key of small order': [{ signingKey: new Uint8Array(32) }, 'malformed'],
    'a key that is no point': [{ signingKey: new Uint8Array(32).fill(0xff) }, 'malformed'],
  };
  for (const [name, [changes, code]] of Object.entries(refused)) {
    test(`${name}: ${code}, and the rest of the batch is opened`, async () => {
      const bad = asked(newDevice(), changes);
      expect(await openAll([asked(newDevice()), bad, asked(newDevice())])).toEqual(['ok', code, 'ok']);
      const found = await cash.ledger.lookupAccounts([bad.device]);
      expect(found.filter(({ code }) => code === 20)).toEqual([]);
    });
  }

  test('an account that only the ledger knows of is taken in, for the same key only', async () => {
    // Another store: as if nothing had been written after the ledger's answer.
    const [one, two, three] = [newDevice(), newDevice(), newDevice()];
    await openAll([one, two, three].map((device) => asked(device)));
    const other = await TestCash.open({ path: cash.path, ledger: cash.ledger });
    expect(short((await other.credit(creditOf(one)))[0]!)).toBe('refused: device_unknown');
    const otherKey = { signingKey: keyPair(6).publicKey };
    expect(
      await openAll([asked(one), asked(two, otherKey), asked(three, { currency: USD }), asked(three)], other),
    ).toEqual(['ok', 'device_differs', 'ok', 'ok']);
    expect(
      (await other.credit(creditOf(one), creditOf(three), creditOf(three, { currency: USD }))).map(short),
    ).toEqual(['credited', 'credited', 'credited']);
    expect(other.logged).toEqual([
      {
        level: 'error',
        fields: { device: String(two.device), currency: EUR },
        message: 'account opened for another key',
      },
    ]);
    await other.cash.close();
  });

  test('the first account keeps its place when a further one is asked for before it is registered', async () => {
    const one = await cash.opened();
    const other = await TestCash.open({ path: cash.path, ledger: cash.ledger });
    expect(await openAll([asked(one, { currency: USD })], other)).toEqual(['ok']);
    // Registered with it, without having been asked for.
    expect((await other.credit(creditOf(one, { amount: 9n }))).map(short)).toEqual(['credited']);
    const [account] = await cash.ledger.lookupAccounts([one.device]);
    expect(account).toMatchObject({ ledger: EUR, creditsPosted: 9n });
    expect(await openAll([asked(one)], other)).toEqual(['ok']);
    expect(await cash.ledger.lookupAccounts([furtherAccountId(one.device, EUR)])).toEqual([]);
    await other.cash.close();
  });

  test('an account opened under another bound keeps that, and is still the same account', async () => {
    const one = newDevice();
    const first = answerOf(await cash.client().openAccount(asked(one)));
    const other = await TestCash.open({
      path: cash.path,
      ledger: cash.ledger,
      currencies: [{ currency: EUR, balanceMax: amountOf(99n) }],
    });
    expect(answerOf(await other.client().openAccount(asked(one)))).toEqual(first);
    await other.cash.close();
  });

  test('an account in a currency that is not offered any more is still there', async () => {
    const one = newDevice();
    const first = answerOf(await cash.client().openAccount(asked(one)));
    const other = await TestCash.open({
      path: cash.path,
      ledger: cash.ledger,
      store: cash.store,
      currencies: [{ currency: USD }],
    });
    expect(answerOf(await other.client().openAccount(asked(one)))).toEqual(first);
    expect((await other.credit(creditOf(one))).map(short)).toEqual(['credited']);
    expect(await openAll([asked(newDevice())], other)).toEqual(['currency_not_offered']);
    await other.cash.close();
  });

  test('a damaged record is a matter of its own device', async () => {
    const [good, bad] = [await cash.opened(), await cash.opened()];
    await cash.store.transaction((tx) => tx.put('devices', bad.device, new Uint8Array(5)));
    const other = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
    const client = other.client();
    const all = [good, bad, good];
    const results = [
      ...(await Promise.all(all.map((one) => client.openAccount(asked(one))))),
      ...(await other.credit(...all.map((one) => creditOf(one)))),
      ...(await Promise.all(all.map(({ device }) => client.getBalance({ device, currency: EUR })))),
    ];
    expect(results.map(({ kind }) => kind)).toEqual(Array(3).fill(['ok', 'unknown', 'ok']).flat());
    expect(other.logged.map(({ level, message }) => `${level}: ${message}`)).toEqual(
      Array(3).fill('error: a device could not be read'),
    );
    await other.cash.close();
  });

  test('more devices than are kept in memory', async () => {
    const small = await TestCash.open({
      path: cash.path,
      ledger: cash.ledger,
      store: cash.store,
      limits: { devicesInMemoryMax: 2 },
    });
    const all = Array.from({ length: 9 }, newDevice);
    await openAll(
      all.map((one) => asked(one)),
      small,
    );
    for (const batch of [all, all]) {
      const results = await small.credit(...batch.map((device) => creditOf(device)));
      expect(results.map(short)).toEqual(all.map(() => 'credited'));
    }
    await small.cash.close();
  });
});

describe('start', () => {
  test('system accounts of each currency are opened once', async () => {
    const ids = [978n, 840n].flatMap((currency) =>
      [1n, 3n, 4n, 5n, 6n].map((code) => currency * 1000n + code),
    );
    const before = await cash.ledger.lookupAccounts(ids);
    expect(before.map(({ id, code }) => `${id} ${code}`)).toEqual(ids.map((id) => `${id} ${id % 1000n}`));
    const again = await TestCash.open({ path: cash.path, ledger: cash.ledger, store: cash.store });
    await again.cash.close();
    expect(await cash.ledger.lookupAccounts(ids)).toEqual(before);
  });

  test('an account of another kind in the place of a system account', async () => {
    await cash.ledger.createAccounts([{ id: 826001n, ledger: 826, code: 9 }]);
    const open = TestCash.open({ path: cash.path, ledger: cash.ledger, currencies: [{ currency: 826 }] });
    await expect(open).rejects.toThrow(
      'account 826001 of currency 826: expected code 1 and flags 12 as in the chart of accounts, got exists_with_different_flags',
    );
    await expect(open).rejects.toBeInstanceOf(CashConfigurationError);
  });

  const wrong: Record<
    string,
    {
      readonly currencies: { currency: number; balanceMax?: ReturnType<typeof amountOf> }[];
      readonly text: RegExp;
    }
  > = {
    'no currency': { currencies: [], text: /currencies: expected 1 to 32, got 0/ },
    'a currency twice': {
      currencies: [{ currency: EUR }, { currency: EUR }],
      text: /each once, got 978 again/,
    },
    'a number that is no currency': {
      currencies: [{ currency: 1 }],
      text: /currency 1: .*expected an ISO 4217/,
    },
    'a bound that does not fit': {
      currencies: [{ currency: EUR, balanceMax: amountOf(1_234_567_891n) }],
      text: /currency 978: balance limit: expected one that 27 bits/,
    },
  };
  for (const [name, { currencies, text }] of Object.entries(wrong)) {
    test(name, async () => {
      await expect(TestCash.open({ path: cash.path, ledger: cash.ledger, currencies })).rejects.toThrow(text);
    });
  }
});

test('as many devices have accounts as there may be, whatever management counts', async () => {
  const store = memoryRoleStore(new MemoryDisk());
  const limits = { devicesMax: 3 };
  const small = await TestCash.open({ store, limits });
  const devices = Array.from({ length: 5 }, newDevice);
  expect(await openAll([asked(devices[0]!), asked(devices[1]!)], small)).toEqual(['ok', 'ok']);
  // In one turn and one after the other; a second currency, or the same again, takes no room.
  const rest = [devices[2]!, devices[3]!, devices[4]!].map((device) => asked(device));
  expect(await openAll(rest, small)).toEqual(['ok', 'devices_exhausted', 'devices_exhausted']);
  expect(await openAll([asked(devices[0]!, { currency: USD }), rest[0]!, rest[1]!], small)).toEqual([
    'ok',
    'ok',
    'devices_exhausted',
  ]);
  expect(await small.ledger.lookupAccounts(devices.map(({ device }) => device))).toHaveLength(3);

  const { ledger } = small;
  const reopened = await TestCash.open({ store, ledger, limits });
  expect(await openAll([rest[2]!, rest[0]!], reopened)).toEqual(['devices_exhausted', 'ok']);
  await reopened.cash.close();
  await small.close();
});
