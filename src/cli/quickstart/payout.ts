// The end of a trading day: an operator closes the settlement window, shops are paid, and the bank's statement proves it.

import { cashProtocol } from '../../roles/cash/messages.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import { managementProtocol } from '../../roles/management/messages.ts';
import type { WindowReport } from '../../roles/management/payout-messages.ts';
import { id } from '../../shared/id.ts';
import { withRole } from '../connect.ts';
import { CommandError } from '../exit-codes.ts';
import { answered } from '../management.ts';
import type { Output } from '../output.ts';
import { windowOfCash } from '../payouts/collect.ts';
import { Check } from './check.ts';
import { SHOPS } from './shops.ts';
import type { System } from './system.ts';

const SETTLED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 200;

export interface PayoutFigures {
  readonly shops: number;
  /** Minor units, as cash has them: sales and what was taken of reservations, refunds and what was made into notes, fees, what is paid out. */
  readonly sales: bigint;
  readonly refunds: bigint;
  readonly fees: bigint;
  readonly paid: bigint;
  /** From the close to the bank's last booking, as cash has it. */
  readonly seconds: number;
}

export async function payOut(
  system: System,
  output: Output,
  pause: (milliseconds: number) => Promise<unknown>,
): Promise<{ readonly figures: PayoutFigures; readonly check: Check }> {
  const { operator } = system;
  const window = id();
  const began = performance.now();
  await withRole(operator, 'management', output, async (transport) => {
    const management = new RoleClient({ protocol: managementProtocol, transport });
    const currency = operator.configuration.currency.ledger;
    answered(await management.call('close_window', { window, currency }));
    for (let report: WindowReport | undefined; report?.state !== 'settled'; ) {
      if (performance.now() - began > SETTLED_WITHIN_MS) {
        throw new CommandError(`window: expected it to be settled by now, got ${report?.state}`);
      }
      await pause(LOOK_EVERY_MS);
      const call = await management.call('show_window', { window, after: undefined, limit: 1 });
      report = answered(call).window;
    }
  });
  const seconds = (performance.now() - began) / 1000;
  const { positions } = await withRole(operator, 'cash', output, (transport) =>
    windowOfCash(new RoleClient({ protocol: cashProtocol, transport }), window),
  );
  const check = new Check(
    'every shop was paid what it has sold, less refunds and fees, and the bank has booked it',
  );
  const shops = new Set(positions.map(({ shop }) => shop)).size;
  check.expect(shops === SHOPS, () => `${shops} of ${SHOPS} shops have a position`);
  for (const { shop, sales, refunds, fee, amount, standing } of positions) {
    check.expect(
      standing === 'booked' && sales - refunds - fee === amount,
      () => `shop ${shop.toString(16)}: ${sales} - ${refunds} - ${fee}, ${amount} paid, ${standing}`,
    );
  }
  const sum = (of: (position: (typeof positions)[number]) => bigint): bigint =>
    positions.reduce((total, position) => total + of(position), 0n);
  const figures = {
    shops,
    sales: sum(({ sales }) => sales),
    refunds: sum(({ refunds }) => refunds),
    fees: sum(({ fee }) => fee),
    paid: sum(({ amount }) => amount),
    seconds,
  };
  return { figures, check };
}
