// What a shop keeps fresh while it runs: directory, certificate, catalogue.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { fingerprint } from '../../src/identity/key-set.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';
import { issueShopCertificate, ShopCertificate } from '../../src/identity/shop-certificate.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { makeShop } from '../../src/shop/index.ts';
import { ShopHome } from '../../src/shop/node/shop-home.ts';
import { Upkeep } from '../../src/shop/node/upkeep.ts';
import { newFolder } from '../identity/folders.ts';
import { content, DAY, directory, keySets, root, rootKeys, START } from '../identity/support.ts';
import { World } from '../roles/flow/world.ts';
import { CATALOGUE, EUR } from './support.ts';

const signer = ed25519.signingKey(keySets.management[0].signing.secretKey);
const NOW = START + DAY;

async function stage() {
  const home = await makeShop({
    home: join(newFolder(), 'shop'),
    name: 'Kiosk',
    account: 'DE89370400440532013000',
    directory: directoryFileText(directory().signed),
    root: fingerprint(rootKeys.publicKey, sha256),
    clock: () => NOW,
  });
  const { signingKey, channelKey } = home.enrolment()!.document;
  const issue = (serial: bigint, change: object = {}) =>
    issueShopCertificate(
      {
        shop: 7n,
        name: 'Kiosk',
        signingKey,
        channelKey,
        serial,
        notBefore: START,
        notAfter: START + 60n * DAY,
        ...change,
      },
      signer,
      { sha256 },
    );
  const certificate = issue(1n);
  home.keepCertificate(certificate);
  writeFileSync(home.cataloguePath, CATALOGUE);
  const world = new World(5n);
  const answers = {
    directory: directory().bytes() as Uint8Array,
    certificate: ShopCertificate.signed.encode(issue(2n, { notAfter: START + 120n * DAY })) as Uint8Array,
  };
  const asked: string[] = [];
  const log: string[] = [];
  const changed: bigint[] = [];
  const time = { days: 0n, isOut: false };
  const reply = <Answer>(name: string, answer: Answer): Promise<CallResult<Answer, never>> => {
    asked.push(name);
    if (time.isOut) return Promise.resolve({ kind: 'unknown', reason: 'no answer' });
    return Promise.resolve({ kind: 'ok', answer });
  };
  const upkeep = new Upkeep({
    ...{ home, certificate, currency: EUR, settings: home.settings() },
    management: () => ({
      enrolShop: () => Promise.reject(new Error('not asked here')),
      getDirectory: () => reply('directory', { directory: answers.directory }),
      renewCertificate: () => reply('certificate', { certificate: answers.certificate }),
    }),
    clock: () => NOW + time.days * DAY,
    setTimer: world.setTimer,
    log: {
      info: (_, message) => void log.push(message),
      warn: (_, message) => void log.push(message),
      error: (_, message) => void log.push(message),
    },
    directoryChanged: ({ serial }) => void changed.push(serial),
  });
  const pass = (milliseconds: number): Promise<void> => {
    let isDone = false;
    world.setTimer(() => {
      isDone = true;
    }, milliseconds);
    return world.runUntil(() => isDone, Number.MAX_SAFE_INTEGER);
  };
  return { home, upkeep, answers, asked, log, changed, time, pass, issue };
}

const newer = () =>
  Directory.verify(signDirectory({ ...content(), serial: content().serial + 1n }, root), rootKeys.publicKey, {
    sha256,
    verify: ed25519.verify,
  });

test('a newer directory is taken and kept, an older one and a forged one are not', async () => {
  const { home, upkeep, answers, changed, log } = await stage();
  await upkeep.ask();
  expect(changed).toEqual([]);
  answers.directory = newer().bytes();
  await upkeep.ask();
  expect(changed).toEqual([newer().serial]);
  expect(new ShopHome(home.path, new PrivateFiles()).directory(home.settings()).serial).toBe(newer().serial);
  answers.directory = directory().bytes();
  await upkeep.ask();
  answers.directory = newer().bytes().fill(1, 40, 44);
  await upkeep.ask();
  expect(upkeep.directory.serial).toBe(newer().serial);
  expect(log.at(-1)).toContain('the ones before stay');
});

test('the certificate is renewed in the last sixth of its time, and only by one of this shop', async () => {
  const { home, upkeep, answers, asked, time, issue } = await stage();
  await upkeep.ask();
  expect(asked).toEqual(['directory']);
  time.days = 51n;
  answers.certificate = ShopCertificate.signed.encode(issue(9n, { shop: 8n, notAfter: START + 120n * DAY }));
  await upkeep.ask();
  expect(upkeep.certificate.document.serial).toBe(1n);
  answers.certificate = ShopCertificate.signed.encode(issue(2n, { notAfter: START + 120n * DAY }));
  await upkeep.ask();
  expect(upkeep.certificate.document.serial).toBe(2n);
  expect(home.certificate()!.document.serial).toBe(2n);
  asked.length = 0;
  await upkeep.ask();
  expect(asked).toEqual(['directory']);
});

test('asks daily, sooner after an unknown key, and again when nobody answers', async () => {
  const { upkeep, asked, time, pass } = await stage();
  await pass(11_000);
  expect(asked.length).toBe(1);
  await pass(3_600_000);
  expect(asked.length).toBe(1);
  for (let i = 0; i < 5; i++) upkeep.missed();
  await pass(11_000);
  expect(asked.length).toBe(2);
  time.isOut = true;
  await pass(25 * 3_600_000);
  const tries = asked.length;
  expect(tries).toBeGreaterThan(6);
  upkeep.close();
  await pass(3_600_000);
  expect(asked.length).toBe(tries);
});

test('a catalogue that has changed counts within seconds; one that is wrong does not, and is said once', async () => {
  const { home, upkeep, log, pass } = await stage();
  writeFileSync(home.cataloguePath, CATALOGUE.replace('2.80', '3.00'));
  await pass(2_500);
  expect(upkeep.catalogue.find('coffee')?.price).toBe(300n);
  writeFileSync(home.cataloguePath, `${CATALOGUE} nonsense`);
  await pass(10_000);
  expect(upkeep.catalogue.find('coffee')?.price).toBe(300n);
  expect(log.filter((line) => line.includes('catalogue not taken')).length).toBe(1);
});
