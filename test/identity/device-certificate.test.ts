import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import type { CertificateChecks } from '../../src/identity/certificate.ts';
import {
  DeviceCertificate,
  issueDeviceCertificate,
  openDeviceCertificate,
  verifyDeviceCertificate,
} from '../../src/identity/device-certificate.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { DAY, directory, flipped, keySets, ROTATION, START, seededBytes, VERIFY_END } from './support.ts';

const [management] = keySets.management;
const signer = ed25519.signingKey(management.signing.secretKey);
const content = {
  device: 2n ** 127n + 5n,
  signingKey: generateKeyPair('signing', seededBytes(40)).publicKey,
  channelKey: generateKeyPair('channel', seededBytes(41)).publicKey,
  serial: 3n,
  notBefore: START + DAY,
  notAfter: START + 300n * DAY,
};
const signed = issueDeviceCertificate(content, signer, { sha256 });
const bytes = DeviceCertificate.signed.encode(signed);
const directoryNow = directory();

function checks(
  change: Partial<CertificateChecks<DeviceCertificate>> = {},
): CertificateChecks<DeviceCertificate> {
  const now = change.now ?? START + 2n * DAY;
  return {
    issuerKey: (keyId) => directoryNow.verificationKey('management', keyId, now),
    now,
    revoked: () => false,
    crypto: systemCrypto,
    ...change,
  };
}

describe('a device certificate', () => {
  test('verifies, and says what was issued', () => {
    const { certificate } = openDeviceCertificate(bytes, checks());
    expect(certificate).toMatchObject(content);
    expect(bytes.length).toBe(DeviceCertificate.signed.bytesMax);
  });

  const again = (change: Partial<typeof content> & { version?: number }) =>
    DeviceCertificate.sign({ ...signed.document, ...change }, signer);
  const stranger = ed25519.signingKey(seededBytes(42)(32));

  test.each([
    ['of another issuer', issueDeviceCertificate(content, stranger, { sha256 }), {}, 'unknown_issuer'],
    [
      'of the key of another role',
      issueDeviceCertificate(content, ed25519.signingKey(keySets.cash[0].signing.secretKey), { sha256 }),
      {},
      'unknown_issuer',
    ],
    [
      "with management's key id and a stranger's signature",
      DeviceCertificate.sign(signed.document, stranger),
      {},
      'bad_signature',
    ],
    ['of another device', { ...signed, document: { ...signed.document, device: 1n } }, {}, 'bad_signature'],
    ['of a version to come', again({ version: 2 }), {}, 'malformed'],
    ['just before notBefore', signed, { now: content.notBefore - 1n }, 'not_yet_valid'],
    ['at notBefore', signed, { now: content.notBefore }, undefined],
    ['at notAfter', signed, { now: content.notAfter }, undefined],
    ['just after notAfter', signed, { now: content.notAfter + 1n }, 'expired'],
    ['revoked', signed, { revoked: ({ serial }: { serial: bigint }) => serial === 3n }, 'revoked'],
    [
      'with another one revoked',
      signed,
      { revoked: ({ serial }: { serial: bigint }) => serial === 2n },
      undefined,
    ],
    ['after the key was rotated', signed, { now: ROTATION + DAY }, undefined],
    ['at the end of verifyUntil', again({ notAfter: VERIFY_END + DAY }), { now: VERIFY_END }, undefined],
    ['after verifyUntil', again({ notAfter: VERIFY_END + DAY }), { now: VERIFY_END + 1n }, 'unknown_issuer'],
  ])('%s', (_, certificate, change, reason) => {
    const verdict = verifyDeviceCertificate(certificate, checks(change));
    expect(verdict.refusal?.reason).toBe(reason);
    if (reason !== undefined) expect(verdict.refusal?.message).toMatch(/expected .*, got/);
  });

  test('is never asked whether it is revoked before its signature is good', () => {
    const asked: bigint[] = [];
    const revoked = ({ device }: { device: bigint }): boolean => asked.push(device) > 0;
    verifyDeviceCertificate(DeviceCertificate.sign(signed.document, stranger), checks({ revoked }));
    expect(asked).toEqual([]);
  });

  test('does not end before it begins', () => {
    const wrong = { ...content, notAfter: content.notBefore - 1n };
    expect(() => issueDeviceCertificate(wrong, signer, { sha256 })).toThrow('notAfter');
  });

  property.prop([fc.nat({ max: bytes.length * 8 - 1 })], { numRuns: 300 })(
    'with any bit changed never verifies',
    (bit) => {
      expect(openDeviceCertificate(flipped(bytes, bit), checks()).certificate).toBeUndefined();
    },
  );

  property.prop([fc.uint8Array({ maxLength: 400 })])(
    'of any bytes never verifies and never throws',
    (any) => {
      expect(openDeviceCertificate(any, checks()).refusal).toBeDefined();
    },
  );

  property.prop([fc.nat({ max: bytes.length - 1 })])('cut short is malformed', (length) => {
    expect(openDeviceCertificate(bytes.subarray(0, length), checks()).refusal?.reason).toBe('malformed');
  });
});
