// Spending conditions beyond the vectors: what payer and payee do, and what a mint refuses.
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { checkConditions } from '../../src/notes/conditions/check.ts';
import { conditionOf, type LockOptions, lockedSecret } from '../../src/notes/conditions/condition.ts';
import { signInputs } from '../../src/notes/conditions/sign.ts';
import { readWitness, writeWitness } from '../../src/notes/conditions/witness.ts';
import { NotesError } from '../../src/notes/errors.ts';
import type { Note } from '../../src/notes/note.ts';
import { fromScalar } from '../../src/notes/point.ts';
import { publicKeyOf, signMessage } from '../../src/notes/schnorr.ts';
import { toHex } from '../crypto/vectors.ts';

const [ANNA, BEN, CARL] = [11n, 12n, 13n].map(fromScalar) as [Uint8Array, Uint8Array, Uint8Array];
const [anna, ben, carl] = [ANNA, BEN, CARL].map(publicKeyOf) as [Uint8Array, Uint8Array, Uint8Array];
const PREIMAGE = new Uint8Array(32).fill(7);
const HASH = sha256(PREIMAGE);

const noteOf = (secret: string, witness?: string): Note => ({
  amount: 1n,
  keysetId: '00456a94ab4e1c46',
  secret,
  signature: new Uint8Array(33).fill(2),
  ...(witness === undefined ? {} : { witness }),
});

const locked = (options: LockOptions): Note => noteOf(lockedSecret(options));

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    return (error as NotesError).code;
  }
  throw new Error('expected a refusal');
}

const spends = (note: Note, secretKeys: Uint8Array[], now = 0n, preimage?: Uint8Array): boolean => {
  try {
    const keys = preimage === undefined ? { secretKeys } : { secretKeys, preimage };
    checkConditions({ inputs: signInputs({ inputs: [note] }, keys) }, now);
    return true;
  } catch (error) {
    expect((error as NotesError).code).toBe('condition');
    return false;
  }
};

test('notes without conditions need no witness, whatever their secrets look like', () => {
  for (const secret of [
    '',
    'ab'.repeat(32),
    '{"a":1}',
    '[',
    '["FOO",{"nonce":"a","data":"b"}]',
    '[1,2]',
    'P2PK',
    '[[]]',
  ])
    checkConditions({ inputs: [noteOf(secret)] }, 0n);
  const note = noteOf('ab');
  expect(signInputs({ inputs: [note] }, { secretKeys: [ANNA] })).toEqual([note]);
});

test('what looks locked and is not well-formed is refused, never taken for unlocked', () => {
  const key = toHex(anna);
  const p2pk = (content: string): string => `["P2PK",${content}]`;
  for (const secret of [
    '["P2PK"]',
    '["P2PK",{}]',
    '["HTLC",{"nonce":"a"}]',
    '["P2PK",{"nonce":"a","data":"b"},1]',
    p2pk('{"nonce":"a","data":"02"}'),
    p2pk(`{"nonce":1,"data":"${key}"}`),
    p2pk(`{"nonce":"a","data":"${key}","data":"${key}"}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":{}}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[[]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":["n_sigs"]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["n_sigs","0"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["n_sigs","2"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["n_sigs","x"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["n_sigs","1"],["n_sigs","1"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["sigflag","SIG_NONE"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["sigflag","SIG_ALL","SIG_INPUTS"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["pubkeys","${key}"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["pubkeys","03${key.slice(2)}"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["refund","04${key.slice(2)}"]]}`),
    p2pk(`{"nonce":"a","data":"${key}","tags":[["pubkeys"${`,"${key}"`.repeat(17)}]]}`),
    `["HTLC",{"nonce":"a","data":"${key}"}]`,
    '["P2PK",',
    ' ["P2PK",{"nonce":"a","data":"\\x"}]',
  ]) {
    expect(
      refusal(() => checkConditions({ inputs: [noteOf(secret)] }, 1n << 60n)),
      secret,
    ).toBe('condition');
  }
});

test('a key', () => {
  const note = locked({ publicKeys: [anna] });
  expect(spends(note, [ANNA])).toBe(true);
  expect(spends(note, [ANNA, BEN])).toBe(true);
  expect(spends(note, [BEN])).toBe(false);
  expect(refusal(() => checkConditions({ inputs: [note] }, 0n))).toBe('condition');
});

test('two of three keys: keys are counted, not signatures', () => {
  const note = locked({ publicKeys: [anna, ben, carl], requiredSignatures: 2 });
  expect(spends(note, [CARL, ANNA])).toBe(true);
  expect(spends(note, [ANNA])).toBe(false);
  const signatures = [1, 2, 3].map((i) =>
    signMessage(note.secret, ANNA, (size) => new Uint8Array(size).fill(i)),
  );
  expect(new Set(signatures.map(toHex)).size).toBe(3);
  const thrice = noteOf(note.secret, writeWitness({ signatures }));
  expect(refusal(() => checkConditions({ inputs: [thrice] }, 0n))).toBe('condition');
  // One signs after the other.
  const [half] = signInputs({ inputs: [note] }, { secretKeys: [BEN] });
  expect(spends(half!, [CARL])).toBe(true);
});

test('before and after the locktime', () => {
  const refundable = locked({
    publicKeys: [anna],
    locktime: 100n,
    refundKeys: [ben, carl],
    requiredRefundSignatures: 2,
  });
  expect([99n, 100n].map((now) => spends(refundable, [ANNA], now))).toEqual([true, true]);
  expect([99n, 100n].map((now) => spends(refundable, [BEN, CARL], now))).toEqual([false, true]);
  expect(spends(refundable, [BEN], 100n)).toBe(false);
  // Keys of both kinds do not add up.
  const both = locked({
    publicKeys: [anna, ben],
    requiredSignatures: 2,
    locktime: 100n,
    refundKeys: [ben, carl],
    requiredRefundSignatures: 2,
  });
  expect(spends(both, [ANNA, CARL], 100n)).toBe(false);

  const open = locked({ publicKeys: [anna], locktime: 100n });
  expect(refusal(() => checkConditions({ inputs: [open] }, 99n))).toBe('condition');
  checkConditions({ inputs: [open] }, 100n);
  checkConditions({ inputs: [noteOf(open.secret, 'no JSON')] }, 100n);
});

test('what is no time locks for ever', () => {
  for (const time of ['0', '-1', '1e3', 'soon', '9'.repeat(19)]) {
    const secret = `["P2PK",{"nonce":"a","data":"${toHex(anna)}","tags":[["locktime","${time}"]]}]`;
    expect(conditionOf(secret)!.locktime, time).toBeUndefined();
    expect(refusal(() => checkConditions({ inputs: [noteOf(secret)] }, 1n << 62n))).toBe('condition');
  }
});

describe('a hash', () => {
  test('alone: the preimage spends', () => {
    const note = locked({ hash: HASH });
    expect(spends(note, [], 0n, PREIMAGE)).toBe(true);
    expect(spends(note, [], 0n, HASH)).toBe(false);
    expect(refusal(() => checkConditions({ inputs: [note] }, 0n))).toBe('condition');
    expect(refusal(() => checkConditions({ inputs: [noteOf(note.secret, '{"preimage":"07"}')] }, 0n))).toBe(
      'condition',
    );
  });

  test('and a key: both are needed', () => {
    const note = locked({ hash: HASH, publicKeys: [anna, ben], locktime: 100n, refundKeys: [carl] });
    expect(spends(note, [BEN], 0n, PREIMAGE)).toBe(true);
    expect(spends(note, [BEN], 0n, HASH)).toBe(false);
    const [shown] = signInputs({ inputs: [note] }, { secretKeys: [CARL], preimage: PREIMAGE });
    expect(refusal(() => checkConditions({ inputs: [shown!] }, 0n))).toBe('condition');
    expect(spends(note, [CARL], 100n)).toBe(true);
    expect(spends(note, [BEN], 100n)).toBe(false);
    expect(spends(note, [BEN], 100n, PREIMAGE)).toBe(true);
  });
});

describe('SIG_ALL', () => {
  const options: LockOptions = { publicKeys: [anna], flag: 'SIG_ALL' };
  const inputs = [locked(options), locked(options)];
  const outputs = [{ amount: 2n, keysetId: '00456a94ab4e1c46', blinded: new Uint8Array(33).fill(3) }];
  const signed = signInputs({ inputs, outputs, quote: 'q' }, { secretKeys: [ANNA] });

  test('the first input has the witness of all', () => {
    expect(signed.map(({ witness }) => witness === undefined)).toEqual([false, true]);
    checkConditions({ inputs: signed, outputs, quote: 'q' }, 0n);
  });

  test('no input, output, amount or quote can be exchanged', () => {
    const other = [{ ...outputs[0]!, amount: 1n }];
    const point = [{ ...outputs[0]!, blinded: new Uint8Array(33).fill(2) }];
    for (const request of [
      { inputs: signed, outputs: other, quote: 'q' },
      { inputs: signed, outputs: point, quote: 'q' },
      { inputs: signed, outputs: [], quote: 'q' },
      { inputs: signed, outputs, quote: 'r' },
      { inputs: signed, outputs },
      { inputs: signed.slice(0, 1), outputs, quote: 'q' },
      { inputs: [...signed].reverse(), outputs, quote: 'q' },
    ]) {
      expect(refusal(() => checkConditions(request, 0n))).toBe('condition');
    }
  });

  test('all inputs have the same condition', () => {
    for (const stranger of [
      noteOf('ab'),
      locked({ publicKeys: [anna] }),
      locked({ publicKeys: [ben], flag: 'SIG_ALL' }),
      locked({ publicKeys: [anna], flag: 'SIG_ALL', locktime: 1n }),
    ]) {
      for (const mixed of [
        [inputs[0]!, stranger],
        [stranger, inputs[0]!],
      ]) {
        const request = {
          inputs: signInputs({ inputs: mixed, outputs }, { secretKeys: [ANNA, BEN] }),
          outputs,
        };
        expect(refusal(() => checkConditions(request, 0n))).toBe('condition');
      }
    }
  });
});

test('a condition that nobody could meet is not written', () => {
  for (const options of [
    {},
    { publicKeys: [new Uint8Array(33)] },
    { publicKeys: [anna], requiredSignatures: 2 },
    { publicKeys: [anna], refundKeys: [ben] },
    { publicKeys: [anna, anna] },
    { publicKeys: [anna], locktime: 1n, requiredRefundSignatures: 1 },
    { hash: new Uint8Array(31) },
    { publicKeys: Array.from({ length: 16 }, (_, i) => publicKeyOf(fromScalar(BigInt(i + 1)))) },
  ]) {
    expect(refusal(() => lockedSecret(options))).toBe('condition');
  }
  expect(lockedSecret({ publicKeys: [anna] })).not.toBe(lockedSecret({ publicKeys: [anna] }));
});

test('witnesses', () => {
  expect(readWitness(undefined)).toEqual({ signatures: [] });
  for (const wrong of [
    'x',
    '[]',
    '{"signatures":1}',
    '{"signatures":["aa"]}',
    '{"preimage":1}',
    `{"signatures":[${Array.from({ length: 17 }, () => `"${'0'.repeat(128)}"`).join(',')}]}`,
    ' '.repeat(5000),
  ]) {
    expect(
      refusal(() => readWitness(wrong)),
      wrong,
    ).toBe('condition');
  }
});

test('a request cannot have more than so many signatures tried', () => {
  const secretKeys = Array.from({ length: 10 }, (_, i) => fromScalar(BigInt(i + 1)));
  const { secret } = locked({ publicKeys: secretKeys.map(publicKeyOf) });
  // Fifteen that are tried with all ten keys, and one that the last key made: 160 tries a note.
  const wrong = Array.from({ length: 15 }, () => new Uint8Array(64).fill(255));
  const witness = writeWitness({ signatures: [...wrong, signMessage(secret, secretKeys[9]!)] });
  const inputs = Array.from({ length: 2 }, () => noteOf(secret, witness));
  checkConditions({ inputs: inputs.slice(0, 1) }, 0n);
  expect(refusal(() => checkConditions({ inputs }, 0n))).toBe('too_large');
});
