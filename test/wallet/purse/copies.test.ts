// Stores that were copied: what the other copy has done first cannot be done by this one.
import { expect, test } from 'vitest';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { ManagementRefusal } from '../../../src/roles/management/errors.ts';
import { ManagementOperation } from '../../../src/roles/management/messages.ts';
import { ClosePurseManagementAnswer } from '../../../src/roles/management/purse-messages.ts';
import { encode } from '../management.ts';
import { reopened, reserved } from './support.ts';

test('a purse that another copy has closed ends here: nothing stays open', async () => {
  const { ada, worlds } = await reserved();
  const refusal = new Refusal<ManagementRefusal>(
    'request_differs',
    'closing: expected the one that the purse was closed with',
  );
  worlds[0].management.behaviour = ({ operation }) =>
    operation === ManagementOperation.close_purse
      ? { answer: () => encode(ClosePurseManagementAnswer, refusal) }
      : 'answer';
  await expect(ada.closePurse()).rejects.toMatchObject({ code: 'refused' });
  const again = await reopened(worlds[0]);
  const { open, purse } = await again.balance();
  expect(open).toEqual([]);
  expect(purse).toMatchObject({ state: 'ended' });
  await expect(again.closePurse()).rejects.toMatchObject({ code: 'no_purse' });
});
