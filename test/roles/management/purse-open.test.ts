// Purses that devices open: what cash reserves, what management certifies, and what neither believes of the other.
import { describe, expect, test } from 'vitest';
import { PurseCertificate, verifyPurseCertificate } from '../../../src/identity/purse-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import type { OpenPurseRequest } from '../../../src/roles/cash/purse-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { Allowance, PurseOpening } from '../../../src/roles/documents/purse.ts';
import { PurseOpening as Opening } from '../../../src/roles/documents/purse.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import type { OpenPurseAnswer } from '../../../src/roles/management/purse-messages.ts';
import { DAY, directory, keySets, START } from '../../identity/support.ts';
import { allowance, statement } from './cash-documents.ts';
import { Purse } from './purse.ts';
import { Device, EUR, HOUR, NO_ANSWER, ok, refused, SECOND, Stage, sign, USD } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);

const codeOf = (result: CallResult<object>): string =>
  result.kind === 'refused'
    ? result.refusal.code
    : result.kind === 'ok'
      ? ((result.answer as { readonly kind?: string }).kind ?? 'ok')
      : result.kind;

async function scene(...args: Parameters<typeof Stage.open>) {
  const stage = await Stage.open(...args);
  const device = await stage.enrolled(ada);
  const purse = new Purse(ada, 1);
  return {
    ...{ stage, device, purse },
    asked: () =>
      stage.partners.calls.flatMap(({ call, request }) =>
        call === 'openPurse' ? [request as OpenPurseRequest] : [],
      ),
    send: (change: Partial<PurseOpening> = {}, peer: ManagementPeer = ada.peer(device), of = purse) =>
      stage.settle(stage.as(peer).openPurse(of.opening(device, change))),
  };
}

test('cash reserves what the device has signed; the certificate is of the purse, and says nothing of the device', async () => {
  const { stage, device, purse, asked } = await scene();
  const { certificate, allowance: given } = await purse.open(stage, device);
  expect(asked()).toEqual([{ purse: purse.number, ...purse.opening(device) }]);
  expect(given).toEqual(allowance(asked()[0]!));
  const signed = PurseCertificate.signed.decode(certificate);
  const verdict = verifyPurseCertificate(signed, {
    issuerKey: (keyId) => directory().verificationKey('management', keyId, START),
    now: stage.clock(),
    revoked: () => false,
    crypto: systemCrypto,
  });
  expect(verdict.certificate).toMatchObject({
    purse: purse.number,
    signingKey: purse.signing.publicKey,
    channelKey: purse.channel.publicKey,
    currency: EUR,
    notAfter: START + 7n * DAY,
  });
  expect(purse.number).not.toBe(device);
  const report = await stage.settle(stage.operator.lookupRequest({ request: 40_001n }));
  expect(report).toMatchObject({
    answer: { report: { kind: 'purse_opening', state: 'open', amount: 5_000n, currency: EUR, device } },
  });
});

test('asked again, at once, later and after a crash: the same purse, the same bytes, and cash is not asked', async () => {
  const { stage, device, purse, asked, send } = await scene();
  const [first, second] = await Promise.all([send(), send()]);
  expect(second).toEqual(first);
  const opened = await purse.open(stage, device);
  await stage.pass(3 * 24 * 3_600_000);
  expect(await purse.open(stage, device)).toEqual(opened);
  stage.crash();
  await stage.start();
  expect(await purse.open(stage, device)).toEqual(opened);
  expect(asked()).toHaveLength(1);
  expect(codeOf(await send({ amount: 1n }))).toBe('request_differs');
});

test('a purse that only receives', async () => {
  const { stage, device, purse } = await scene();
  const { allowance: given } = await purse.open(stage, device, { amount: 0n });
  expect(given.document.amount).toBe(0n);
});

test('cash rejects it: for good; the keys are free, and nothing is left but the request', async () => {
  const { stage, send, purse, device } = await scene();
  stage.partners.script = (call) =>
    call === 'openPurse' ? ok({ kind: 'rejected', reason: 'exceeds_credits' }) : undefined;
  expect(await send()).toEqual({ kind: 'ok', answer: { kind: 'rejected', reason: 'exceeds_credits' } });
  expect(await stage.stateOf(40_001n)).toMatch(/^rejected exceeds_credits, purse 0x/);
  expect(
    [...stage.disk.records.keys()].filter((at) => /^(purses|purse-keys|numbers\0)/.test(at)),
  ).toHaveLength(1);
  stage.partners.script = () => undefined;
  expect(await send()).toMatchObject({ answer: { kind: 'rejected' } });
  await purse.open(stage, device, { request: 40_500n });
});

test('a device that has no account in the currency: rejected, too', async () => {
  const { stage, send } = await scene();
  stage.partners.script = (call) => (call === 'openPurse' ? refused('currency_not_offered') : undefined);
  expect(await send()).toMatchObject({ answer: { kind: 'rejected', reason: 'currency_not_offered' } });
});

describe('what is refused, and cash never sees', () => {
  const changes: { readonly [code: string]: Partial<PurseOpening>[] } = {
    malformed: [{ request: 0n }],
    not_permitted: [{ device: 5n }],
    currency_not_offered: [{ currency: 1 }],
    expired: [{ applyBy: START }],
    applies_too_late: [{ applyBy: START + 2n * HOUR }],
    already_enrolled: [{ signingKey: ada.signing.publicKey }, { channelKey: ada.channel.publicKey }],
  };
  test.each(Object.keys(changes))('%s', async (code) => {
    const { send, asked } = await scene();
    for (const change of changes[code]!) expect(codeOf(await send(change))).toBe(code);
    expect(asked()).toEqual([]);
  });

  test('with another signature than the device’s', async () => {
    const { stage, device, purse, asked } = await scene();
    const { document } = purse.opening(device).opening;
    const opening = sign(Opening, document, purse.signing);
    expect(codeOf(await stage.settle(stage.as(ada.peer(device)).openPurse({ opening })))).toBe(
      'signature_invalid',
    );
    expect(asked()).toEqual([]);
  });

  test('by others than devices of the registry, for themselves', async () => {
    const { stage, device, send } = await scene();
    for (const peer of [
      ada.unenrolled,
      { kind: 'operator' },
      { kind: 'unnamed' },
      { kind: 'local' },
    ] as const) {
      expect(codeOf(await send({}, peer))).toBe('not_permitted');
    }
    const other = await stage.enrolled(bob);
    expect(codeOf(await send({}, bob.peer(other)))).toBe('not_permitted');
    expect(codeOf(await send({}, { ...ada.peer(device), signingKey: bob.signing.publicKey }))).toBe(
      'device_unknown',
    );
  });

  test('keys that another purse has', async () => {
    const { stage, device, purse, send } = await scene();
    await purse.open(stage, device);
    const other = new Purse(ada, 2);
    expect(codeOf(await send({ signingKey: purse.signing.publicKey }, undefined, other))).toBe(
      'already_enrolled',
    );
    expect(codeOf(await send({ channelKey: purse.channel.publicKey }, undefined, other))).toBe(
      'already_enrolled',
    );
    // And a device that has a purse's.
    const enrolment = new Device(3).enrolment({ channelKey: purse.channel.publicKey });
    const asPurse = { kind: 'unenrolled', channelKey: purse.channel.publicKey } as const;
    expect(codeOf(await stage.settle(stage.as(asPurse).enrol(enrolment)))).toBe('already_enrolled');
  });

  test('more than so many a day', async () => {
    const { stage, device, send } = await scene({ devicePursesPerDay: 2 });
    await new Purse(ada, 1).open(stage, device);
    await new Purse(ada, 2).open(stage, device);
    expect(codeOf(await send({}, undefined, new Purse(ada, 3)))).toBe('unknown');
    await new Purse(ada, 1).open(stage, device);
    await stage.pass(24 * 3_600_000);
    await new Purse(ada, 3).open(stage, device, { applyBy: START + 24n * HOUR + 600n * SECOND });
  });

  test('of a device that is revoked; what was under way is told nothing definite', async () => {
    const { stage, device, send } = await scene();
    stage.partners.script = (call) => (call === 'openPurse' ? NO_ANSWER : undefined);
    expect(await send()).toMatchObject({ answer: { kind: 'pending', state: 'opening' } });
    await stage.revoke(device);
    expect(await send()).toMatchObject({ answer: { kind: 'pending', state: 'device_revoked' } });
    expect(codeOf(await send({}, undefined, new Purse(ada, 2)))).toBe('device_revoked');
  });
});

describe('an allowance that cannot be right', () => {
  const wrong: { readonly [problem: string]: (asked: OpenPurseRequest) => ReturnType<typeof allowance> } = {
    allowance_of_other_purse: (asked) => allowance(asked, { purse: 5n }),
    allowance_of_other_key: (asked) => allowance(asked, { signingKey: ada.signing.publicKey }),
    allowance_of_other_currency: (asked) => allowance(asked, { currency: USD }),
    allowance_of_other_amount: (asked) => allowance(asked, { amount: 5_001n }),
    allowance_without_time: (asked) =>
      allowance(asked, { reportBy: START + 7n * DAY } satisfies Partial<Allowance>),
    receipt_of_unknown_key: (asked) => allowance(asked, {}, keySets.settlement[0].signing),
    receipt_signature_invalid: (asked) => {
      const { keyId } = allowance(asked).document;
      return allowance(asked, { keyId }, keySets.management[0].signing);
    },
  };
  test.each(Object.keys(wrong))('%s: nothing is certified, and cash is asked again', async (problem) => {
    const { stage, send, purse, device } = await scene();
    stage.partners.script = (call, asked) =>
      call === 'openPurse'
        ? ok({ kind: 'opened', allowance: wrong[problem]!(asked as OpenPurseRequest) })
        : undefined;
    expect(await send()).toMatchObject({ answer: { kind: 'pending', state: 'opening_distrusted' } });
    expect(await stage.stateOf(40_001n)).toMatch(new RegExp(`^opening_distrusted ${problem}, purse`));
    expect(stage.role!.engine.health()).toMatchObject({ status: 'degraded' });
    stage.partners.script = () => undefined;
    await purse.open(stage, device);
    expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
  });

  test.each(['device_unknown', 'signature_invalid', 'malformed', 'purse_differs'])(
    'a refusal that cash may not give: %s',
    async (code) => {
      const { stage, send, purse, device } = await scene();
      stage.partners.script = (call) => (call === 'openPurse' ? refused(code) : undefined);
      expect(await send()).toMatchObject({ answer: { kind: 'pending', state: 'opening_distrusted' } });
      stage.partners.script = () => undefined;
      await purse.open(stage, device);
    },
  );
});

test.each(['lost', 'flushed'] as const)(
  'an end at each step of an opening, writes %s: one purse',
  async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const stage = await Stage.open({}, (number) => (number === first + end ? loss : 'lives'));
      const device = await stage.enrolled(ada);
      first = stage.tracePoints;
      const purse = new Purse(ada, 1);
      const opened: OpenPurseAnswer = await purse.open(stage, device);
      expect(await purse.open(stage, device)).toEqual(opened);
      const asked = stage.partners.calls.filter(({ call }) => call === 'openPurse');
      expect(new Set(asked.map(({ request }) => (request as OpenPurseRequest).purse))).toEqual(
        new Set([purse.number]),
      );
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    expect(points).toBe(6);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  },
);

describe('a statement of a purse', () => {
  const query = { currency: EUR, after: 0n, purchases: [7n] };

  test('is cash’s, for the device whose purse it is', async () => {
    const { stage, device, purse } = await scene();
    await purse.open(stage, device);
    const ask = (more = {}, peer: ManagementPeer = ada.peer(device), of = purse.number) =>
      stage.settle(stage.as(peer).getPurseStatement({ purse: of, query: { ...query, ...more } }));
    const asked = { device: purse.number, query };
    expect(await ask()).toEqual({ kind: 'ok', answer: { statement: statement(asked) } });
    expect(stage.partners.calls.at(-1)).toEqual({ call: 'getStatement', request: asked });
    expect(codeOf(await ask({ currency: 392 }))).toBe('currency_not_offered');
    expect(codeOf(await ask({ currency: USD }))).toBe('currency_mismatch');
    expect(codeOf(await ask({}, undefined, 5n))).toBe('purse_unknown');
    const other = await stage.enrolled(bob);
    expect(codeOf(await ask({}, bob.peer(other)))).toBe('purse_unknown');
    expect(codeOf(await ask({}, ada.unenrolled))).toBe('not_permitted');
    for (const lie of [
      statement({ device, query }),
      statement({ device: purse.number, query: { ...query, currency: USD } }),
    ]) {
      stage.partners.script = () => ok({ statement: lie });
      expect(codeOf(await ask())).toBe('unknown');
    }
    stage.partners.script = () => refused('device_unknown');
    expect(codeOf(await ask())).toBe('unknown');
  });
});
