import { OrderVerdict, PaymentOrderLayout } from '../layout/generated.ts';

const { size, verdict } = PaymentOrderLayout;

/**
 * Makes every verdict in packed orders that is not zero `foreign`, which the kernel answers with `reserved_field`: a
 * verdict is the host's to give, never the sender's.
 */
export function refuseVerdicts(orders: Uint8Array): void {
  const view = new DataView(orders.buffer, orders.byteOffset, orders.byteLength);
  for (let at = verdict; at < orders.length; at += size) {
    if (view.getUint32(at, true) !== OrderVerdict.not_checked) view.setUint32(at, OrderVerdict.foreign, true);
  }
}
