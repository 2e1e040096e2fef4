// A shop as a program opens it: a home on disk, LMDB beneath, customers over Noise NK.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/channel/client.ts';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { customerClientIdentity, keyClientIdentity } from '../../src/identity/client-identity.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { fingerprint } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { issueShopCertificate, verifyShopCertificate } from '../../src/identity/shop-certificate.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import { decodeShopCard } from '../../src/roles/documents/shop-card.ts';
import { shopProtocol } from '../../src/roles/shop/messages.ts';
import { makeShop, type OpenShopOptions, openShop, ShopError } from '../../src/shop/index.ts';
import { newFolder } from '../identity/folders.ts';
import { DAY, directory, keySets, rootKeys, START } from '../identity/support.ts';
import { CATALOGUE, line, Management, NOW, order, SHOP } from './support.ts';

const setTimer = (run: () => void, milliseconds: number) => {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
};

const closing: (() => Promise<void>)[] = [];

// Before the folders go: what was registered last runs first.
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function home() {
  const path = join(newFolder(), 'shop');
  const made = await makeShop({
    home: path,
    name: 'Kiosk',
    account: 'DE89370400440532013000',
    directory: directoryFileText(directory().signed),
    root: fingerprint(rootKeys.publicKey, sha256),
    port: 0,
    clock: () => NOW,
  });
  const { signingKey, channelKey } = made.enrolment()!.document;
  made.keepCertificate(
    issueShopCertificate(
      {
        shop: SHOP,
        name: 'Kiosk',
        signingKey,
        channelKey,
        serial: 1n,
        notBefore: START,
        notAfter: START + 300n * DAY,
      },
      ed25519.signingKey(keySets.management[0].signing.secretKey),
      { sha256 },
    ),
  );
  writeFileSync(made.cataloguePath, CATALOGUE);
  return made;
}

async function opened(path: string, management = new Management(setTimer), options: OpenShopOptions = {}) {
  const shop = await openShop({
    home: path,
    clock: () => NOW,
    management: management.transport(() => true),
    ...options,
  });
  closing.push(() => shop.close());
  return { shop, management };
}

/** As a wallet does: it reads the card, checks the certificate, and stays unnamed. */
function customer(card: string) {
  const { address, certificate } = decodeShopCard(card);
  const verdict = verifyShopCertificate(certificate, {
    issuerKey: (keyId) => directory().verificationKey('management', keyId, NOW),
    now: NOW,
    revoked: () => false,
    crypto: systemCrypto,
  });
  const client = new Client({ url: address, identity: () => customerClientIdentity(verdict.certificate!) });
  closing.push(() => client.close(100));
  return new RoleClient({ protocol: shopProtocol, transport: client });
}

describe('an open shop', () => {
  test('sells over its card, and remembers it when it is opened again', async () => {
    const { path, cardPath } = await home();
    const { shop } = await opened(path);
    const wallet = customer(readFileSync(cardPath, 'utf8'));
    const catalogue = await wallet.call('get_catalogue', { after: '', limit: 100 });
    expect(catalogue).toMatchObject({
      kind: 'ok',
      answer: {
        currency: 978,
        selfService: true,
        more: false,
        articles: [
          { article: 'coffee', name: 'Coffee', price: 280n },
          { article: 'fuel' },
          { article: 'tea' },
        ],
      },
    });
    expect(await wallet.call('buy', order(1n))).toMatchObject({ kind: 'ok', answer: { kind: 'paid' } });
    await shop.close();
    const again = await opened(path);
    expect(again.shop.sale(1n)).toMatchObject({
      state: 'paid',
      amount: 780n,
      articles: [line('coffee', 2), line('tea')],
    });
    expect(again.shop.sales()).toMatchObject([{ number: 1n, purchase: 1n }]);
  });

  test('a till: charge, show, paid', async () => {
    const { path } = await home();
    const { shop } = await opened(path);
    const charge = shop.till('1').charge([
      { article: 'coffee', quantity: 2 },
      { article: 'gift wrap', price: '1.50' },
    ]);
    const wallet = customer(charge.uri);
    const code = decodeShopCard(charge.uri).offer!;
    const offer = await wallet.call('get_offer', { code });
    expect(offer).toMatchObject({
      kind: 'ok',
      answer: { amount: 710n, names: ['Coffee', 'gift wrap'], kind: 'sale' },
    });
    const articles = [line('coffee', 2), { article: 'gift wrap', quantity: 1, price: 150n }];
    await wallet.call('buy', order(1n, { amount: 710n, articles }, { offer: code }));
    expect(await charge.paid).toMatchObject({ purchase: 1n, till: '1', amount: 710n, state: 'paid' });
  });

  test('lets in nobody who says who he is', async () => {
    const { path } = await home();
    const { shop } = await opened(path);
    const { certificate } = decodeShopCard(shop.card());
    const named = new Client({
      url: shop.url!,
      identity: {
        ...keyClientIdentity({
          to: 'management',
          directory,
          clock: () => NOW,
          channelKey: generateKeyPair('channel'),
        }),
        remoteStaticKey: certificate.document.channelKey,
      },
    });
    await expect(named.connected).rejects.toMatchObject({ code: 'pattern_not_allowed' });
  });

  test('is open once', async () => {
    const { path } = await home();
    await opened(path);
    await expect(openShop({ home: path, clock: () => NOW })).rejects.toMatchObject({ code: 'shop_locked' });
  });

  test('takes a changed catalogue, and keeps the one before where the new one is wrong', async () => {
    const { path, cataloguePath } = await home();
    const { shop } = await opened(path);
    const wallet = customer(shop.card());
    writeFileSync(cataloguePath, CATALOGUE.replace('2.80', '3.00'));
    shop.reloadCatalogue();
    expect(await wallet.call('buy', order(1n))).toMatchObject({
      kind: 'refused',
      refusal: { code: 'price_differs' },
    });
    writeFileSync(cataloguePath, CATALOGUE.replace('2.80', 'cheap'));
    expect(() => shop.reloadCatalogue()).toThrow(ShopError);
    expect(shop.articles.find(({ id }) => id === 'coffee')?.price).toBe(300n);
  });

  test.each([
    ['no home', async () => join(newFolder(), 'none'), 'shop_missing'],
    [
      'a catalogue that is none',
      async () => {
        const made = await home();
        writeFileSync(made.cataloguePath, '{}');
        return made.path;
      },
      'catalogue_invalid',
    ],
  ])('%s: says so', async (_, path, code) => {
    await expect(openShop({ home: await path(), clock: () => NOW })).rejects.toMatchObject({ code });
  });

  test('what makes a home keeps no account number', async () => {
    const { path } = await home();
    for (const name of ['shop.json', 'enrolment', 'catalogue.json']) {
      expect(existsSync(join(path, name))).toBe(true);
      expect(readFileSync(join(path, name), 'latin1')).not.toContain('DE89');
    }
    await expect(
      makeShop({ home: path, name: 'x', account: 'DE1234', directory: '', root: '' }),
    ).rejects.toMatchObject({
      code: 'shop_exists',
    });
  });
});
