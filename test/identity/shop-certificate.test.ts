import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import type { CertificateChecks } from '../../src/identity/certificate.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import {
  isShopCertificate,
  issueShopCertificate,
  openShopCertificate,
  ShopCertificate,
  verifyShopCertificate,
} from '../../src/identity/shop-certificate.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { decodeShopCard, encodeShopCard, ShopCardError } from '../../src/roles/documents/shop-card.ts';
import { DAY, directory, flipped, keySets, START, seededBytes } from './support.ts';

const signer = ed25519.signingKey(keySets.management[0].signing.secretKey);
const content = {
  shop: 2n ** 127n + 5n,
  name: 'Café am Eck',
  signingKey: generateKeyPair('signing', seededBytes(40)).publicKey,
  channelKey: generateKeyPair('channel', seededBytes(41)).publicKey,
  serial: 3n,
  notBefore: START + DAY,
  notAfter: START + 300n * DAY,
};
const signed = issueShopCertificate(content, signer, { sha256 });
const bytes = ShopCertificate.signed.encode(signed);
const directoryNow = directory();

function checks(
  change: Partial<CertificateChecks<ShopCertificate>> = {},
): CertificateChecks<ShopCertificate> {
  const now = change.now ?? START + 2n * DAY;
  return {
    issuerKey: (keyId) => directoryNow.verificationKey('management', keyId, now),
    now,
    revoked: () => false,
    crypto: systemCrypto,
    ...change,
  };
}

describe('a shop certificate', () => {
  test('verifies, and says what was issued', () => {
    expect(openShopCertificate(bytes, checks()).certificate).toMatchObject(content);
    expect(isShopCertificate(bytes)).toBe(true);
    expect(isShopCertificate(new Uint8Array())).toBe(false);
  });

  const stranger = ed25519.signingKey(seededBytes(42)(32));
  test.each([
    ['of another issuer', issueShopCertificate(content, stranger, { sha256 }), {}, 'unknown_issuer'],
    ['with a stranger’s signature', ShopCertificate.sign(signed.document, stranger), {}, 'bad_signature'],
    ['of another shop', { ...signed, document: { ...signed.document, shop: 1n } }, {}, 'bad_signature'],
    ['of another name', { ...signed, document: { ...signed.document, name: 'Bank' } }, {}, 'bad_signature'],
    [
      'of a device’s version',
      ShopCertificate.sign({ ...signed.document, version: 1 }, signer),
      {},
      'malformed',
    ],
    ['just before notBefore', signed, { now: content.notBefore - 1n }, 'not_yet_valid'],
    ['at notBefore', signed, { now: content.notBefore }, undefined],
    ['just after notAfter', signed, { now: content.notAfter + 1n }, 'expired'],
    ['revoked', signed, { revoked: ({ shop }: { shop: bigint }) => shop === content.shop }, 'revoked'],
  ])('%s', (_, certificate, change, reason) => {
    const verdict = verifyShopCertificate(certificate, checks(change));
    expect(verdict.refusal?.reason).toBe(reason);
  });

  property.prop([fc.nat({ max: bytes.length * 8 - 1 })], { numRuns: 200 })(
    'with any bit changed never verifies',
    (bit) => {
      expect(openShopCertificate(flipped(bytes, bit), checks()).certificate).toBeUndefined();
    },
  );
});

describe("a shop's card", () => {
  const card = { address: 'ws://shop.example:7190/v1', certificate: signed };

  test('comes back as it was, with an offer and without', () => {
    expect(decodeShopCard(`${encodeShopCard(card)}\n`)).toEqual({ ...card, offer: undefined });
    expect(decodeShopCard(encodeShopCard(card, '7KQ2M'))).toEqual({ ...card, offer: '7KQ2M' });
  });

  test('fits a QR code', () => {
    expect(encodeShopCard(card, '7KQ2M').length).toBeLessThan(600);
  });

  const text = encodeShopCard(card);
  test.each([
    ['another scheme', text.replace('specie-shop', 'specie-bank')],
    ['too long', text + 'A'.repeat(1024)],
    ['cut', text.slice(0, -5)],
    ['no base64', text.replace('A', '*')],
    ['an offer that may not be', `${text}?offer=a b`],
    ['another question', `${text}?amount=5`],
    ['two questions', `${text}?offer=2?offer=3`],
    ['nothing', ''],
  ])('%s is refused', (_, wrong) => {
    expect(() => decodeShopCard(wrong)).toThrow(ShopCardError);
  });

  test.each(['http://shop/', 'ws://', 'ws://a b/v1'])('an address such as %j is refused', (address) => {
    expect(() => encodeShopCard({ ...card, address })).toThrow(ShopCardError);
  });

  property.prop([fc.uint8Array({ maxLength: 400 })])('of any bytes is refused as such', (any) => {
    const wrong = `specie-shop:${Buffer.from(any).toString('base64').replace(/=+$/, '')}`;
    expect(() => decodeShopCard(wrong)).toThrow(ShopCardError);
  });
});
