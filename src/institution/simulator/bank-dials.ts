// What the simulated bank does wrong, or late. docs/institution.md has the same in words.
import { z } from 'zod';
import type { Random } from '../../shared/random.ts';

export const BANK_ROUTES = ['payments', 'status', 'statements'] as const;
export type BankRoute = (typeof BANK_ROUTES)[number];
export const BANK_FAULTS = [
  'drop_request',
  'drop_answer',
  'late',
  'garbage',
  'die_before',
  'die_after',
] as const;
export type BankFaultName = (typeof BANK_FAULTS)[number];

const probability = z.number().min(0).max(1);
const reason = z.string().regex(/^[A-Z0-9]{4}$/);
const milliseconds = z
  .number()
  .int()
  .min(0)
  .max(86_400_000 * 30);

const BankDialsFile = z.strictObject({
  faults: z
    .array(
      z.strictObject({
        do: z.enum(BANK_FAULTS),
        on: z.enum(BANK_ROUTES),
        /** Of the requests of that kind from now on, from 1; left out: by probability. */
        nth: z.number().int().min(1).optional(),
        probability: probability.default(1),
        /** Of `late`. */
        ms: milliseconds.default(0),
      }),
    )
    .max(64)
    .default([]),
  /** Of payments, when they come. */
  reject: z.strictObject({ probability, code: reason }).optional(),
  /** Of payments, when they are booked. */
  return: z.strictObject({ probability, code: reason, afterMs: milliseconds.default(0) }).optional(),
  bookAfterMs: milliseconds.default(0),
});
export type BankDials = z.input<typeof BankDialsFile>;
type Dialled = z.output<typeof BankDialsFile>;

export class BankDialError extends Error {
  override readonly name = 'BankDialError';
}

export interface BankFault {
  readonly do: BankFaultName;
  readonly ms: number;
}

export class BankFaults {
  readonly #random: Random;
  #dialled: Dialled;
  #counts = new Map<BankRoute, number>();

  /** @throws BankDialError */
  constructor(random: Random, dials: unknown = {}) {
    this.#random = random;
    this.#dialled = parse(dials);
  }

  /** Replaces all. @throws BankDialError */
  set(dials: unknown): void {
    this.#dialled = parse(dials);
    this.#counts = new Map();
  }

  get view(): Dialled {
    return this.#dialled;
  }

  /** What happens to the next request of that kind. */
  next(route: BankRoute): BankFault | undefined {
    const count = (this.#counts.get(route) ?? 0) + 1;
    this.#counts.set(route, count);
    return this.#dialled.faults.find(({ on, nth, probability }) => {
      if (on !== route || (nth !== undefined && nth !== count)) return false;
      return nth !== undefined || this.#random.float() < probability;
    });
  }

  /** A reason, where the payment is to be rejected. */
  rejects(): string | undefined {
    const { reject } = this.#dialled;
    return reject !== undefined && this.#random.float() < reject.probability ? reject.code : undefined;
  }

  returns(): { readonly code: string; readonly afterMs: number } | undefined {
    const { return: returned } = this.#dialled;
    return returned !== undefined && this.#random.float() < returned.probability ? returned : undefined;
  }

  get bookAfterMs(): number {
    return this.#dialled.bookAfterMs;
  }
}

function parse(dials: unknown): Dialled {
  const read = BankDialsFile.safeParse(dials);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new BankDialError(`${issue!.path.join('.') || 'dials'}: ${issue!.message}`);
}
