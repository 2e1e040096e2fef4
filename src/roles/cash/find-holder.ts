// A record that cannot be read is a matter of its own message, not of the batch.
import { Refusal } from '../common/refusal.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { Holders } from './holders.ts';
import type { CashLog, CashParts } from './interface.ts';
import type { Device } from './registry.ts';
import type { Shop } from './shops.ts';

/** The registered device; undefined: none. */
export function findDevice(
  device: bigint,
  { registry, log }: Pick<CashParts, 'registry' | 'log'>,
): Device | CashRefused | undefined {
  return find('device', device, registry, log);
}

/** The registered shop; undefined: none. */
export function findShop(
  shop: bigint,
  { shops, log }: Pick<CashParts, 'shops' | 'log'>,
): Shop | CashRefused | undefined {
  return find('shop', shop, shops, log);
}

function find<Kind extends Device | Shop>(
  kind: 'device' | 'shop',
  number: bigint,
  holders: Pick<Holders<Kind>, 'find'>,
  log: CashLog,
): Kind | CashRefused | undefined {
  try {
    return holders.find(number);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log.error({ [kind]: String(number), error: text }, `a ${kind} could not be read`);
    return new Refusal<CashRefusal>(
      'internal_error',
      `${kind} ${number}: expected its record, got a damaged one`,
    );
  }
}
