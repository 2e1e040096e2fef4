// Settlement's keys are found to be in wrong hands, and rotated, while charges are under way: each comes to its end.
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { Directory, signDirectory } from '../../../src/identity/directory.ts';
import type { ListedKeySet } from '../../../src/identity/directory-content.ts';
import { publicKeys } from '../../../src/identity/key-set.ts';
import type { IdentityState } from '../../../src/identity/own-keys.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { FOREVER } from '../../../src/identity/time.ts';
import { ChargeReceipt, type SignedChargeReceipt } from '../../../src/roles/documents/receipts.ts';
import { identityKeys } from '../../../src/roles/settlement/keys.ts';
import { content, keySets, root, rootKeys, START } from '../../identity/support.ts';
import type { Script } from './scripted-institution.ts';
import {
  chargeRequest,
  HOUR_NS,
  KEYS,
  keyIdOf,
  rejectedReversal,
  Simulation,
  type SimulationOptions,
} from './support.ts';

const [first, second] = keySets.settlement;

/** @param until when the first key set was found out; undefined: it is in use */
function stateOf(until?: bigint): IdentityState {
  const end = until ?? FOREVER;
  const ends = { notAfter: end, openUntil: end, verifyUntil: end };
  const forEver = { notAfter: FOREVER, openUntil: FOREVER, verifyUntil: FOREVER };
  const listed: ListedKeySet[] = [{ number: 1, keys: publicKeys(first), notBefore: START, ...ends }];
  if (until !== undefined) {
    listed.push({ number: 2, keys: publicKeys(second), notBefore: until, ...forEver });
  }
  const all = content();
  const roles = all.roles.map((role) => (role.role === 'settlement' ? { ...role, keySets: listed } : role));
  const directory = Directory.verify(
    signDirectory({ ...all, roles }, root),
    rootKeys.publicKey,
    systemCrypto,
  );
  return { directory, keySets: until === undefined ? [first] : [second, first] };
}

class Rotating extends Simulation {
  #state = stateOf();

  constructor(options: SimulationOptions = {}) {
    super(options);
    this.keys = { ...identityKeys({ current: () => this.#state }), cash: KEYS.cash };
  }

  rotate(): void {
    this.#state = stateOf(this.world.now);
    this.world.now += 1n;
  }

  request(request = 7n, to = first) {
    return chargeRequest({ request, applyBy: this.world.now + HOUR_NS, to: to.sealing });
  }
}

function expectBy({ signing }: typeof first, { document, signature }: SignedChargeReceipt): void {
  expect(document.keyId).toEqual(keyIdOf(signing.publicKey));
  expect(ed25519.verify(signing.publicKey, ChargeReceipt.signedBytes(document), signature)).toBe(true);
}

const CASES: readonly (readonly [string, Script, 'charged' | 'reversed'])[] = [
  ['authorising', {}, 'charged'],
  ['inquiring', { authorise: ['lost_after'] }, 'charged'],
  ['capturing', {}, 'charged'],
  ['charged', {}, 'charged'],
  ['reversing', { capture: ['decline'] }, 'reversed'],
];

describe.each([
  ['the process goes on', false],
  ['it starts again', true],
] as const)('keys that are compromised, and %s', (_, crashes) => {
  /** Rotates as soon as that state is on the disk, before anything is done about it. */
  function rotateAt(simulation: Rotating, wanted: string): () => boolean {
    let isDone = false;
    simulation.trace = (point, _id, stateName) => {
      if (isDone || point !== 'after_write' || stateName !== wanted) return;
      isDone = true;
      simulation.rotate();
      if (crashes) simulation.crash();
    };
    return () => isDone;
  }

  test.each(CASES)('while a charge is %s: it comes to its end', async (state, script, end) => {
    const simulation = new Rotating({ script });
    await simulation.start();
    const rotated = rotateAt(simulation, state);
    const request = simulation.request();
    const answer = await simulation.insist((client) => client.charge(request));
    expect(rotated()).toBe(true);
    expect(answer.kind).toBe(end);
    if (answer.kind === 'charged') expectBy(second, answer.receipt);
    await simulation.finish();
    expect(simulation.institution.charged(7n)).toEqual({ times: end === 'charged' ? 1 : 0, held: false });
    expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
  });

  test('while a rejected charge is being given back: it is given back', async () => {
    const simulation = new Rotating();
    await simulation.start();
    const request = simulation.request();
    const answer = await simulation.insist((client) => client.charge(request));
    if (answer.kind !== 'charged') throw new Error(answer.kind);
    expectBy(first, answer.receipt);
    const rotated = rotateAt(simulation, 'reversing');
    const reversal = rejectedReversal(request);
    expect(await simulation.insist((client) => client.reverse(reversal))).toMatchObject({ kind: 'reversed' });
    expect(rotated()).toBe(true);
    expect(simulation.institution.charged(7n)).toEqual({ times: 0, held: false });
  });
});

describe('after the rotation', () => {
  test('a receipt that was given before says the same, by the new key, and nothing else is stored', async () => {
    const simulation = new Rotating();
    await simulation.start();
    const request = simulation.request();
    const before = await simulation.insist((client) => client.charge(request));
    const stored = new Map(simulation.disk.records);
    simulation.rotate();
    await simulation.world.pass(1000);
    const after = await simulation.insist((client) => client.charge(request));
    if (before.kind !== 'charged' || after.kind !== 'charged') throw new Error('expected charges');
    expectBy(first, before.receipt);
    expectBy(second, after.receipt);
    const { keyId: _, ...same } = before.receipt.document;
    expect(after.receipt.document).toMatchObject(same);
    expect(simulation.disk.records).toEqual(stored);
    expect(await simulation.insist((client) => client.charge(request))).toEqual(after);
  });

  test('what comes is taken only when it is sealed to the new key', async () => {
    const simulation = new Rotating();
    await simulation.start();
    simulation.rotate();
    const late = simulation.request(8n);
    await expect(simulation.insist((client) => client.charge(late))).rejects.toThrow('seal_key_unknown');
    const good = simulation.request(9n, second);
    expect(await simulation.insist((client) => client.charge(good))).toMatchObject({ kind: 'charged' });
  });
});
