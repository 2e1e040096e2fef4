// Who has seen what, and who has not: messages in the clear at each role, logs, stores, and the bytes on each line.
//
//                    account number   amount   device number   user data
//     management     sealed           yes      yes             yes
//     settlement     in memory        yes      no              no
//     cash           no               yes      yes             no
//     institution    yes              yes      no              no
//     on the lines   no               no       no              no          but the institution's, whose format is what it is
import { expect } from 'vitest';
import type { System } from './system.ts';
import { accountNumberForms, found, keyForms, numberForms, textForms } from './traces.ts';

export interface Secrets {
  readonly accountNumbers: readonly string[];
  /** Minor units. */
  readonly amounts: readonly bigint[];
  readonly devices: readonly bigint[];
  readonly userData: readonly string[];
  readonly certificates: readonly Uint8Array[];
  readonly signingKeys: readonly Uint8Array[];
}

const ROLE_LINES = ['management', 'settlement', 'cash'] as const;

/** Each expectation has one beside it that shows that the same search does find what is there. */
export function expectSeparation(system: System, secrets: Secrets): void {
  const accounts = secrets.accountNumbers.flatMap(accountNumberForms);
  const amounts = secrets.amounts.flatMap((amount) => numberForms('amount', amount, 16));
  const devices = secrets.devices.flatMap((device) => numberForms('device number', device, 16));
  const userData = secrets.userData.flatMap((text) => textForms('user data', text));
  const certificates = secrets.certificates.flatMap((certificate) =>
    // Its signature: no other bytes are like it.
    keyForms('certificate', certificate.subarray(-64)),
  );
  const signingKeys = secrets.signingKeys.flatMap((key) => keyForms('signing key', key));

  const knownTo = (role: 'management' | 'settlement' | 'cash') => [
    ...system.readBy(role),
    ...system.logOf(role),
    ...system.storeOf(role),
  ];

  const management = knownTo('management');
  expect(found(accounts, management), 'account number at management').toEqual([]);
  expect(found(devices, management)).toContain('device number, little-endian');
  expect(found(userData, management)).toContain('user data, ASCII');

  const cash = knownTo('cash');
  expect(found([...accounts, ...userData], cash), 'account number or user data at cash').toEqual([]);
  expect(found(devices, cash)).toContain('device number, little-endian');

  const settlement = knownTo('settlement');
  expect(
    found([...accounts, ...devices, ...userData], settlement),
    'account number, device number or user data in what settlement was sent, logs or keeps',
  ).toEqual([]);
  expect(found(signingKeys, settlement)).toContain('signing key');

  const institution = system.tap('institution').everything();
  expect(
    found([...devices, ...userData, ...signingKeys], [...institution, ...system.institutionStore()]),
    'device number, user data or device key at the institution',
  ).toEqual([]);
  expect(found(accounts, institution)).toContain('account number, ASCII');
  expect(found(accounts, system.institutionStore())).toContain('account number, ASCII');

  const lines = ROLE_LINES.flatMap((role) => system.tap(role).everything());
  expect(
    found([...accounts, ...amounts, ...devices, ...userData, ...certificates, ...signingKeys], lines),
    'anything in the clear between the parties',
  ).toEqual([]);
  // All of it went over these lines.
  const inTheClear = ROLE_LINES.flatMap((role) => system.readBy(role));
  expect(found(amounts, inTheClear)).toContain('amount, little-endian');
  expect(found(signingKeys, inTheClear)).toContain('signing key');
  expect(lines.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(5_000);
}
