// Transfers whose payer's number is not what the order says: `{device number}management` was made for another transfer, or
// was damaged on the way, by the payer, the payee or whoever reports. It costs the payee nothing, as the purse names the
// device anyway (purse-registry.ts), and proves nothing against anyone; an operator may want to know that there are such.
import type { ManagementLog } from './interface.ts';

/** Beyond: the oldest is forgotten, and told and counted anew when it comes again. */
export const WRONG_SEALS_MAX = 4_096;

export type WrongSeal =
  | 'seal_invalid'
  | 'seal_key_unknown'
  | 'seal_of_other_device'
  | 'seal_of_other_purse'
  | 'seal_of_other_order';

export class WrongSeals {
  readonly #requests = new Set<bigint>();
  readonly #log: Pick<ManagementLog, 'warn'>;
  #count = 0;

  constructor(log: Pick<ManagementLog, 'warn'>) {
    this.#log = log;
  }

  /** Transfers since the start; each once, as it is reported by both sides and again. */
  get count(): number {
    return this.#count;
  }

  add(request: bigint, purse: bigint, problem: WrongSeal): void {
    if (this.#requests.has(request)) return;
    const [oldest] = this.#requests;
    if (this.#requests.size >= WRONG_SEALS_MAX) this.#requests.delete(oldest!);
    this.#requests.add(request);
    this.#count++;
    this.#log.warn({ request: String(request), purse: String(purse), problem }, "a payer's number is wrong");
  }
}
