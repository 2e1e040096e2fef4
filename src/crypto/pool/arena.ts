// The bounded part of the shared memory where slots lie: first fit, neighbours joined again when they come back.

const ALIGNMENT_BYTES = 64;

interface Gap {
  readonly address: number;
  readonly bytes: number;
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;

export class Arena {
  readonly bytesMax: number;
  /** Bytes given out now, and the most there ever were. */
  bytes = 0;
  bytesPeak = 0;
  /** In order of their addresses; no two touch. */
  #gaps: Gap[];

  constructor(address: number, bytesMax: number) {
    this.bytesMax = bytesMax;
    this.#gaps = [{ address, bytes: bytesMax }];
  }

  /** An address, or undefined while there is no gap as large. */
  take(wanted: number): number | undefined {
    const bytes = aligned(wanted);
    const i = this.#gaps.findIndex((gap) => gap.bytes >= bytes);
    const gap = this.#gaps[i];
    if (gap === undefined) return undefined;
    this.#gaps.splice(
      i,
      1,
      ...(gap.bytes === bytes ? [] : [{ address: gap.address + bytes, bytes: gap.bytes - bytes }]),
    );
    this.bytes += bytes;
    this.bytesPeak = Math.max(this.bytesPeak, this.bytes);
    return gap.address;
  }

  /** Gives back what was taken with the same number of bytes. */
  giveBack(address: number, taken: number): void {
    const bytes = aligned(taken);
    let i = this.#gaps.findIndex((gap) => gap.address > address);
    if (i === -1) i = this.#gaps.length;
    const before = this.#gaps[i - 1];
    const after = this.#gaps[i];
    const joinsBefore = before !== undefined && before.address + before.bytes === address;
    const joinsAfter = after !== undefined && address + bytes === after.address;
    this.#gaps.splice(joinsBefore ? i - 1 : i, Number(joinsBefore) + Number(joinsAfter), {
      address: joinsBefore ? before.address : address,
      bytes: (joinsBefore ? before.bytes : 0) + bytes + (joinsAfter ? after.bytes : 0),
    });
    this.bytes -= bytes;
  }
}
