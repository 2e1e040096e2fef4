// @cashu/cashu-ts as oracle, over random inputs: tokens, ids, secrets, blinding, conditions, payment requests.
import {
  Amount,
  createBlindSignature,
  createDLEQProof,
  createP2PKsecret,
  deriveKeysetId,
  deriveSecretAndBlindingFactor,
  getDecodedToken,
  getDecodedTokenBinary,
  getEncodedToken,
  getEncodedTokenBinary,
  hasValidDleq,
  isHTLCSpendAuthorised,
  isP2PKSpendAuthorised,
  type Token as OracleToken,
  OutputData,
  decodePaymentRequest as oracleRequest,
  splitAmount as oracleSplit,
  PaymentRequest,
  type Proof,
  pointFromHex,
  signMintQuote,
  signP2PKProofs,
  verifyMintQuoteSignature,
  verifyUnblindedSignature,
} from '@cashu/cashu-ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import { checkConditions } from '../../src/notes/conditions/check.ts';
import { lockedSecret } from '../../src/notes/conditions/condition.ts';
import { signInputs } from '../../src/notes/conditions/sign.ts';
import { checkNotes } from '../../src/notes/dleq.ts';
import { noteField } from '../../src/notes/json/notes.ts';
import { parseJson, writeJson } from '../../src/notes/json/value.ts';
import { keysetIdOf } from '../../src/notes/keyset.ts';
import type { Note } from '../../src/notes/note.ts';
import { fromScalar } from '../../src/notes/point.ts';
import { isQuoteSignature, signQuote } from '../../src/notes/quote-signature.ts';
import { encodeBech32Request } from '../../src/notes/request/bech32.ts';
import {
  decodePaymentRequest,
  encodePaymentRequest,
  type PaymentRequest as OurRequest,
} from '../../src/notes/request/payment-request.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { DeterministicSecrets, randomSecrets } from '../../src/notes/secrets.ts';
import {
  decodeToken,
  decodeTokenBytes,
  encodeToken,
  encodeTokenBytes,
  encodeTokenV3,
  type Token,
} from '../../src/notes/token.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { mintNotes, testKeyset } from './mint.ts';
import { plainToken } from './plain.ts';
import { runs } from './runs.ts';

const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
const point = bytes(32).map((x) => Uint8Array.of(2 + (x[0]! & 1), ...x));
/** Below n, since n begins with more ones. */
const scalar = bytes(32).map((s) => Uint8Array.of(s[0]! & 0x7f, ...s.slice(1, 31), 1));
const words = fc.string({ unit: 'grapheme', maxLength: 30 });
const keysetId = fc.oneof(
  bytes(7).map((id) => `00${toHex(id)}`),
  bytes(32).map((id) => `01${toHex(id)}`),
);
const amount = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, (1n << 64n) - 1n));

const note: fc.Arbitrary<Note> = fc
  .record(
    {
      amount,
      keysetId,
      secret: fc.oneof(bytes(32).map(toHex), words),
      signature: point,
      dleq: fc.record({ e: scalar, s: scalar, r: scalar }),
      ephemeralKey: point,
    },
    { requiredKeys: ['amount', 'keysetId', 'secret', 'signature'] },
  )
  .map((each) => each as Note);

const token: fc.Arbitrary<Token> = fc
  .record({
    mint: fc.webUrl().map((url) => url.replace(/\/+$/, '')),
    unit: fc.constantFrom('sat', 'eur', 'campus-coin'),
    memo: fc.option(
      words.filter((memo) => memo !== ''),
      { nil: undefined },
    ),
    notes: fc.array(note, { minLength: 1, maxLength: 5 }),
  })
  .map(({ memo, ...rest }) => (memo === undefined ? rest : { ...rest, memo }));

/** A version 4 token groups its notes by keyset. */
const grouped = (of: Token): Token => ({
  ...of,
  notes: [...new Set(of.notes.map((each) => each.keysetId))].flatMap((id) =>
    of.notes.filter((each) => each.keysetId === id),
  ),
});

const toProof = (each: Note): Proof => {
  const json = JSON.parse(writeJson(noteField.write(each))) as Proof;
  return { ...json, amount: Amount.from(each.amount) };
};

const fromProof = ({ amount: worth, ...rest }: Proof): unknown => ({
  ...JSON.parse(JSON.stringify(rest)),
  amount: worth.toBigInt(),
});

const toOracle = ({ notes, ...rest }: Token): OracleToken =>
  ({ ...rest, proofs: notes.map(toProof) }) as OracleToken;

const plainOracle = ({ proofs, ...rest }: OracleToken): unknown => ({
  ...rest,
  proofs: proofs.map(fromProof),
});

describe('tokens', () => {
  test('ours are read there, theirs here, in both versions and as bytes', () => {
    fc.assert(
      fc.property(token, (any) => {
        const ours = grouped(any);
        const ids = ours.notes.map((each) => each.keysetId);
        const theirs = toOracle(ours);
        for (const text of [encodeToken(ours), encodeTokenV3(ours)]) {
          expect(plainOracle(getDecodedToken(text, ids))).toEqual(plainOracle(theirs));
          expect(plainToken(decodeToken(text))).toEqual(plainToken(ours));
        }
        expect(plainToken(decodeToken(getEncodedToken(theirs), { keysetIds: ids }))).toEqual(
          plainToken(ours),
        );
        expect(plainOracle(getDecodedTokenBinary(encodeTokenBytes(ours)))).toEqual(plainOracle(theirs));
        const raw = getEncodedTokenBinary(theirs);
        expect(plainToken(decodeTokenBytes(raw, { keysetIds: ids }))).toEqual(plainToken(ours));
      }),
      { numRuns: runs(24) },
    );
  });

  test('short ids mean the same keysets', () => {
    fc.assert(
      fc.property(token, (any) => {
        const ours = grouped(any);
        const ids = [...new Set(ours.notes.map((each) => each.keysetId))];
        const text = encodeToken(ours, { isShort: true });
        expect(plainToken(decodeToken(text, { keysetIds: ids }))).toEqual(plainToken(ours));
        expect(plainOracle(getDecodedToken(text, ids))).toEqual(plainOracle(toOracle(ours)));
      }),
      { numRuns: runs(12) },
    );
  });
});

test('ids of keysets', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 63 }), point), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('sat', 'eur'),
      fc.integer({ min: 0, max: 1000 }),
      fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined }),
      (entries, unit, inputFeePpk, expiry) => {
        const keys = new Map(entries.map(([exponent, key]) => [1n << BigInt(exponent), key]));
        const theirs = Object.fromEntries([...keys].map(([worth, key]) => [worth.toString(), toHex(key)]));
        const ours = {
          unit,
          inputFeePpk,
          keys,
          ...(expiry === undefined ? {} : { finalExpiry: BigInt(expiry) }),
        };
        expect(keysetIdOf(ours, 1)).toBe(deriveKeysetId(theirs, { versionByte: 0 }));
        expect(keysetIdOf(ours, 2)).toBe(
          deriveKeysetId(theirs, {
            unit,
            input_fee_ppk: inputFeePpk,
            ...(expiry && { expiry }),
            versionByte: 1,
          }),
        );
      },
    ),
    { numRuns: runs(36) },
  );
});

test('secrets of a seed', () => {
  fc.assert(
    fc.property(bytes(64), keysetId, fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed, id, counter) => {
      const [ours] = new DeterministicSecrets(seed).derive(id, counter, 1);
      const theirs = deriveSecretAndBlindingFactor(seed, id, counter);
      expect(ours!.secret).toBe(toHex(theirs.secret));
      expect(toHex(ours!.blindingFactor)).toBe(toHex(theirs.blindingFactor));
    }),
    { numRuns: runs(9) },
  );
});

test('parts of a sum', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 5000n), fc.integer({ min: 3, max: 12 }), (sum, count) => {
      const amounts = Array.from({ length: count }, (_, i) => 1n << BigInt(i));
      const keys = new Map(amounts.map((each) => [each, new Uint8Array(33)]));
      if (sum / amounts.at(-1)! > 900n) return;
      const theirs = oracleSplit(
        sum,
        Object.fromEntries(amounts.map((each) => [`${each}`, '02'])),
        undefined,
        'asc',
      );
      expect(splitAmount(sum, { keys })).toEqual(theirs.map((each) => each.toBigInt()));
    }),
    { numRuns: runs(36) },
  );
});

const keyset = testKeyset(2, 4);
const theirKeyset = {
  id: keyset.public.id,
  keys: Object.fromEntries([...keyset.public.keys].map(([worth, key]) => [worth.toString(), toHex(key)])),
};

test('notes that they make of our signatures are ours, and the other way round', () => {
  const amounts = [1n, 2n, 4n];
  const outputs = amounts.map((each) => OutputData.createSingleRandomData(each, keyset.public.id));
  const proofs = outputs.map((output, i) => {
    const [signed] = noteCrypto.sign([
      { blinded: hex(output.blindedMessage.B_), secretKey: keyset.secretKey(amounts[i]!)! },
    ]);
    const signature = {
      id: keyset.public.id,
      amount: Amount.from(amounts[i]!),
      C_: toHex(signed!.signature),
      dleq: { e: toHex(signed!.dleq.e), s: toHex(signed!.dleq.s) },
    };
    return output.toProof(signature, theirKeyset as never);
  });
  const notes = proofs.map((proof) =>
    noteField.read(parseJson(JSON.stringify({ ...proof, amount: proof.amount.toNumber() })), 'note'),
  );
  checkNotes(notes, new Map([[keyset.public.id, keyset.public]]), noteCrypto);

  for (const minted of mintNotes(amounts, keyset)) {
    expect(hasValidDleq(toProof(minted), theirKeyset as never)).toBe(true);
    const unblinded = {
      C: pointFromHex(toHex(minted.signature)),
      secret: new TextEncoder().encode(minted.secret),
      id: '',
    };
    expect(verifyUnblindedSignature(unblinded, keyset.secretKey(minted.amount)!)).toBe(true);
  }
});

test('signatures and proofs of a mint are the same to the byte', () => {
  const [blinded] = noteCrypto.publicKeys([randomSecrets(1)[0]!.blindingFactor]);
  const secretKey = keyset.secretKey(8n)!;
  const [signed] = noteCrypto.sign([{ blinded: blinded!, secretKey }]);
  const B = pointFromHex(toHex(blinded!));
  expect(toHex(signed!.signature)).toBe(createBlindSignature(B, secretKey, '').C_.toHex(true));
  const dleq = createDLEQProof(B, secretKey);
  expect([signed!.dleq.e, signed!.dleq.s].map(toHex)).toEqual([dleq.e, dleq.s].map(toHex));
});

describe('conditions', () => {
  const keys = [21n, 22n, 23n, 24n].map(fromScalar);
  const points = keys.map(publicKeyOf);
  const past = 1n;
  const future = 1n << 40n;

  test('who may spend here may spend there', () => {
    const options = fc.record({
      count: fc.integer({ min: 1, max: 3 }),
      required: fc.integer({ min: 1, max: 3 }),
      isRefundable: fc.boolean(),
      locktime: fc.constantFrom(undefined, past, future),
      isHash: fc.boolean(),
      signers: fc.subarray(keys),
      isShown: fc.boolean(),
    });
    fc.assert(
      fc.property(options, ({ count, required, isRefundable, locktime, isHash, signers, isShown }) => {
        const preimage = new Uint8Array(32).fill(1);
        const secret = lockedSecret({
          publicKeys: points.slice(0, count),
          requiredSignatures: Math.min(required, count),
          ...(isHash && { hash: hex('72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793') }),
          ...(locktime !== undefined && { locktime }),
          ...(locktime !== undefined && isRefundable && { refundKeys: [points[3]!] }),
        });
        const plain = { amount: 1n, keysetId: keyset.public.id, secret, signature: points[0]! };
        let spent: Note = plain;
        try {
          const shown = isHash && isShown ? { preimage } : {};
          [spent] = signInputs({ inputs: [plain] }, { secretKeys: signers, ...shown }) as [Note];
        } catch {
          // No key fits: it stays without a witness.
        }
        const now = BigInt(Math.floor(Date.now() / 1000));
        let isAllowed = true;
        try {
          checkConditions({ inputs: [spent] }, now);
        } catch {
          isAllowed = false;
        }
        // With enough signatures of the hash's keys it demands the preimage, although the refund keys have signed as well,
        // whose signatures NUT-14 takes alone.
        const signed = keys.slice(0, count).filter((key) => signers.includes(key)).length;
        if (
          isHash &&
          !isShown &&
          locktime === past &&
          signed >= Math.min(required, count) &&
          signers.includes(keys[3]!)
        )
          return;
        const authorised = isHash ? isHTLCSpendAuthorised : isP2PKSpendAuthorised;
        expect(isAllowed).toBe(authorised(toProof(spent)));
      }),
      { numRuns: runs(15) },
    );
  });

  test('their secrets and signatures are taken here', () => {
    const secret = createP2PKsecret(toHex(points[0]!), [
      ['pubkeys', toHex(points[1]!)],
      ['n_sigs', '2'],
    ]);
    const plain = { amount: 1n, keysetId: keyset.public.id, secret, signature: points[0]! };
    const [signed] = signP2PKProofs([toProof(plain)], [keys[0]!, keys[1]!].map(toHex));
    const witness = JSON.stringify(signed!.witness);
    checkConditions({ inputs: [{ ...plain, witness }] }, 0n);
  });

  test('quotes', () => {
    const outputs = [{ amount: 1n, blinded: points[0]! }];
    const theirs = [{ amount: 1n, id: '', B_: toHex(points[0]!) }] as never;
    const signature = signMintQuote(toHex(keys[0]!), 'q', theirs);
    expect(isQuoteSignature(hex(signature), 'q', outputs, points[0]!)).toBe(true);
    const ours = toHex(signQuote('q', outputs, keys[0]!));
    expect(verifyMintQuoteSignature(toHex(points[0]!), 'q', theirs, ours)).toBe(true);
  });
});

test('payment requests', () => {
  const tag = fc.array(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 });
  const tags = fc.array(tag, { minLength: 1, maxLength: 2 });
  const request = fc
    .record(
      {
        id: fc.string({ minLength: 1, maxLength: 10 }),
        amount: fc.bigInt(1n, (1n << 64n) - 1n),
        unit: fc.constantFrom('sat', 'eur'),
        isSingleUse: fc.constant(true),
        mints: fc.array(fc.webUrl(), { minLength: 1, maxLength: 3 }),
        description: fc.string({ minLength: 1, maxLength: 20 }),
        transports: fc.array(
          fc.record(
            { type: fc.constant('post'), target: fc.webUrl(), tags },
            { requiredKeys: ['type', 'target'] },
          ),
          { minLength: 1, maxLength: 2 },
        ),
        condition: fc.record(
          {
            kind: fc.constantFrom('P2PK', 'HTLC'),
            data: fc.string({ minLength: 1, maxLength: 10 }),
            tags,
          },
          { requiredKeys: ['kind', 'data'] },
        ),
      },
      { requiredKeys: ['unit'] },
    )
    .map((each) => each as OurRequest);
  fc.assert(
    fc.property(request, (ours) => {
      const theirs = oracleRequest(encodePaymentRequest(ours));
      expect(theirs).toBeInstanceOf(PaymentRequest);
      expect(decodePaymentRequest(encodePaymentRequest(ours))).toEqual(ours);
      expect(decodePaymentRequest(theirs.toEncodedCreqA())).toEqual(ours);
      const { isSingleUse: _, ...rest } = ours;
      const { isSingleUse: _none, ...other } = decodePaymentRequest(theirs.toEncodedCreqB());
      expect(other).toEqual(rest);
      expect(decodePaymentRequest(encodeBech32Request(ours))).toEqual(ours);
      expect(oracleRequest(encodeBech32Request(ours)).toEncodedCreqB()).toBe(theirs.toEncodedCreqB());
    }),
    { numRuns: runs(24) },
  );
});
