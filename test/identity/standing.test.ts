import { expect, test } from 'vitest';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { hasLostStanding, isStillKey } from '../../src/identity/standing.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import {
  DAY,
  directory,
  keySets,
  OPERATOR_END,
  OVERLAP_END,
  operatorKeys,
  ROTATION,
  START,
} from './support.ts';

const idOf = (key: Uint8Array): Uint8Array => keyIdOf(key, systemCrypto.sha256);
const first = keySets.management[0].channel.publicKey;
const role = (keyId: Uint8Array, name = 'management') => ({ kind: 'role', role: name, keyId }) as const;

test('a role stands as long as its key opens channels, in the overlap too', () => {
  const peer = role(idOf(first));
  expect(hasLostStanding(peer, directory(), START)).toBe(false);
  expect(hasLostStanding(peer, directory(), OVERLAP_END)).toBe(false);
  expect(hasLostStanding(peer, directory(), OVERLAP_END + 1n)).toBe(true);
  expect(hasLostStanding(peer, directory(), START - 1n)).toBe(true);
});

test('a key of another use, of another role, or of nobody has no standing', () => {
  expect(hasLostStanding(role(idOf(keySets.management[0].sealing.publicKey)), directory(), START)).toBe(true);
  expect(hasLostStanding(role(idOf(first), 'cash'), directory(), START)).toBe(true);
  expect(hasLostStanding(role(new Uint8Array(8)), directory(), START)).toBe(true);
});

test('an operator stands while he is listed, from his first moment to his last', () => {
  const peer = { kind: 'operator', channelKey: operatorKeys.channel.publicKey } as const;
  expect(hasLostStanding(peer, directory(), START)).toBe(false);
  expect(hasLostStanding(peer, directory(), OPERATOR_END)).toBe(false);
  expect(hasLostStanding(peer, directory(), OPERATOR_END + 1n)).toBe(true);
  expect(hasLostStanding({ kind: 'operator', channelKey: first }, directory(), START)).toBe(true);
});

test('devices are judged anew, strangers have nothing to lose', () => {
  expect(hasLostStanding({ kind: 'device' }, directory(), START)).toBe(true);
  expect(hasLostStanding({ kind: 'unenrolled' }, directory(), START)).toBe(false);
});

test("a partner's key", () => {
  const key = keySets.cash[0].channel.publicKey;
  expect(isStillKey(directory(), 'cash', key, ROTATION + DAY)).toBe(true);
  expect(isStillKey(directory(), 'cash', key, OVERLAP_END + 1n)).toBe(false);
  expect(isStillKey(directory(), 'settlement', key, START)).toBe(false);
  expect(isStillKey(directory(), 'cash', new Uint8Array(32), START)).toBe(false);
});
