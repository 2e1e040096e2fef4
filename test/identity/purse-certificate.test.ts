import { expect, test } from 'vitest';
import {
  issuePurseCertificate,
  PurseCertificate,
  verifyPurseCertificate,
} from '../../src/identity/purse-certificate.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { root, rootKeys } from './support.ts';

const content = {
  purse: 1n << 99n,
  signingKey: new Uint8Array(32).fill(1),
  channelKey: new Uint8Array(32).fill(2),
  currency: 978,
  notBefore: 100n,
  notAfter: 200n,
};
const signed = issuePurseCertificate(content, root, systemCrypto);
const checks = {
  issuerKey: () => rootKeys.publicKey,
  now: 150n,
  revoked: () => false,
  crypto: systemCrypto,
};

test('what management has signed is believed', () => {
  const received = PurseCertificate.signed.decode(PurseCertificate.signed.encode(signed));
  expect(verifyPurseCertificate(received, checks).certificate).toMatchObject(content);
});

test.each([
  ['expired', signed, { now: 201n }],
  ['not_yet_valid', signed, { now: 99n }],
  ['revoked', signed, { revoked: () => true }],
  ['unknown_issuer', signed, { issuerKey: () => undefined }],
  ['bad_signature', { ...signed, document: { ...signed.document, currency: 840 } }, {}],
  ['malformed', { ...signed, document: { ...signed.document, version: 0x81 } }, {}],
])('%s', (reason, certificate, changes) => {
  expect(verifyPurseCertificate(certificate, { ...checks, ...changes }).refusal?.reason).toBe(reason);
});

test('it says nothing of the device, and is of one length', () => {
  expect(
    Object.keys(PurseCertificate.document.decode(PurseCertificate.document.encode(signed.document))),
  ).toEqual([
    ...['version', 'issuer', 'purse', 'signingKey', 'channelKey', 'currency', 'notBefore', 'notAfter'],
  ]);
});
