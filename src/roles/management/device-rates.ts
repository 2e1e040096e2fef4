// How often each device has asked for something in this minute, where nothing is stored that would tell (usage.ts has what
// is). Forgotten with a restart, and with each minute.

const MINUTE_NS = 60_000_000_000n;

export class DeviceRates {
  readonly #max: number;
  readonly #asked = new Map<bigint, number>();
  #minute = 0n;

  /** @param max of one device in a minute */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether the device may ask once more; then that is counted. */
  take(device: bigint, now: bigint): boolean {
    const minute = now / MINUTE_NS;
    if (minute !== this.#minute) this.#asked.clear();
    this.#minute = minute;
    const asked = this.#asked.get(device) ?? 0;
    if (asked >= this.#max) return false;
    this.#asked.set(device, asked + 1);
    return true;
  }
}
