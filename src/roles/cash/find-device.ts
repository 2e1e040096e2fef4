import { Refusal } from '../common/refusal.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { Device } from './registry.ts';

/** The registered device; undefined: none. A record that cannot be read is a matter of its own message, not of the batch. */
export function findDevice(
  device: bigint,
  { registry, log }: Pick<CashParts, 'registry' | 'log'>,
): Device | CashRefused | undefined {
  try {
    return registry.device(device);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log.error({ device: String(device), error: text }, 'a device could not be read');
    return new Refusal<CashRefusal>(
      'internal_error',
      `device ${device}: expected its record, got a damaged one`,
    );
  }
}
