// What strangers may send about purses, and what it must not cost management.
import { expect, test } from 'vitest';
import type { OpenPurseRequest } from '../../../src/roles/cash/purse-messages.ts';
import { DAY, START } from '../../identity/support.ts';
import { allowance } from './cash-documents.ts';
import { Purse } from './purse.ts';
import { Device, ok, refused, Stage } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);

test('a key under which nothing can be signed: refused, and nothing is left open for it', async () => {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada);
  const purse = new Purse(ada, 1);
  const signingKey = new Uint8Array(32).fill(0xff);
  const answer = await stage.settle(
    stage.as(ada.peer(device)).openPurse(purse.opening(device, { signingKey })),
  );
  expect(answer).toMatchObject({ kind: 'refused', refusal: { code: 'malformed' } });
  expect(stage.partners.calls.filter(({ call }) => call === 'openPurse')).toEqual([]);
  await purse.open(stage, device);
});

test('an allowance that ends before its purse is certified ends the opening all the same', async () => {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada);
  stage.partners.script = (call, asked) =>
    call === 'openPurse'
      ? ok({
          kind: 'opened',
          allowance: allowance(asked as OpenPurseRequest, { expiresAt: START - DAY }),
        })
      : undefined;
  const { allowance: given } = await new Purse(ada, 1).open(stage, device);
  expect(given.document.expiresAt).toBe(START - DAY);
});

test('orders that nobody has signed say nothing of the payer’s numbers beside them', async () => {
  const stage = await Stage.open();
  const [device, other] = [await stage.enrolled(ada), await stage.enrolled(bob)];
  const [victim, eve] = [new Purse(ada, 1), new Purse(bob, 2)];
  await victim.open(stage, device);
  await eve.open(stage, other);
  stage.partners.script = (call) => (call === 'settleTransfers' ? refused('signature_invalid') : undefined);
  const order = victim.order(eve, {}, bob.signing);
  const transfer = victim.reported(order, { sealed: { device: 5n } });
  const result = await stage.settle(stage.as(bob.peer(other)).reportTransfer({ transfer }));
  expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'signature_invalid' } });
  expect(stage.role!.engine.health()).toMatchObject({ detail: { wrongSeals: 0 } });
  expect(stage.log.filter(({ level }) => level === 'warn')).toEqual([]);
});
