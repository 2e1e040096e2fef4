// What goes wrong, as dialled. Faults live in memory: an institution that died starts without them, unless told again.
import { z } from 'zod';
import type { Random } from '../../shared/random.ts';
import { ACCOUNT_NUMBER_PATTERN, maskAccountNumber } from '../account-number.ts';
import type { MessageKind } from '../dialect.ts';

export const FAULT_ACTIONS = {
  drop_request: 'nothing is done, nothing is answered',
  drop_answer: 'the work is done, nothing is answered',
  late: 'the work is done, and answered after `ms` milliseconds',
  late_request: 'the work is done, and answered, only after `ms` milliseconds, as if it had been on the way',
  twice: 'answered twice',
  garbage: 'the work is done, and answered with bytes that are no message',
  close_before: 'the connection is closed, nothing is done',
  close_after: 'the work is done, and the connection closed instead of an answer',
  die_before: 'the institution dies before the work is durable',
  die_after: 'the institution dies after the work is durable, before the answer',
  decline: 'answered with `code`',
  refuse: 'a connection is reset as soon as it is made',
} as const;
export type FaultAction = keyof typeof FAULT_ACTIONS;

export const FAULTS_MAX = 1_000;
const MS_MAX = 3_600_000;

const kinds = ['authorise', 'capture', 'reverse', 'inquire', 'sign_on', 'echo'] as const;
const actions = Object.keys(FAULT_ACTIONS) as [FaultAction, ...FaultAction[]];

const faultSchema = z
  .strictObject({
    do: z.enum(actions),
    /** Which messages; absent: all six kinds. Not with `refuse`. */
    on: z.enum(kinds).optional(),
    /** Only for this account number. */
    account: z.string().regex(ACCOUNT_NUMBER_PATTERN, 'expected 12 to 19 digits').optional(),
    /** Only the n-th that matches, counted from when the fault was dialled. */
    nth: z.int().min(1).optional(),
    /** Each that matches, with this probability. Absent, like `nth`: each. */
    probability: z.number().min(0).max(1).optional(),
    ms: z.int().min(1).max(MS_MAX).optional(),
    code: z
      .string()
      .regex(/^[A-Z0-9]{2}$/, 'expected two capitals or digits')
      .refine((code) => code !== '00', 'expected another code than 00')
      .optional(),
  })
  .superRefine((fault, context) => {
    const complain = (field: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [field], message });
    };
    if (fault.nth !== undefined && fault.probability !== undefined) {
      complain('nth', 'expected nth or probability, got both');
    }
    const isLate = fault.do === 'late' || fault.do === 'late_request';
    if (isLate !== (fault.ms !== undefined)) {
      complain('ms', 'expected with late and late_request, and only there');
    }
    if ((fault.do === 'decline') !== (fault.code !== undefined)) {
      complain('code', 'expected with decline, and only there');
    }
    if (fault.do === 'refuse' && (fault.on !== undefined || fault.account !== undefined)) {
      complain('on', 'refuse: expected neither on nor account');
    }
  });
export type Fault = z.infer<typeof faultSchema>;

const latencySchema = z.union([
  z.strictObject({ ms: z.number().min(0).max(MS_MAX) }),
  z.strictObject({
    medianMs: z.number().min(0).max(MS_MAX),
    /** Standard deviation of the logarithm. */
    sigma: z.number().min(0).max(5),
  }),
]);
export type Latency = z.infer<typeof latencySchema>;

const dialsSchema = z.strictObject({
  /** Of every answer. */
  latency: latencySchema.optional(),
  faults: z.array(faultSchema).max(FAULTS_MAX).optional(),
});
export type Dials = z.infer<typeof dialsSchema>;

export class DialError extends Error {
  override readonly name = 'DialError';
}

/** Checks what came from outside. @throws DialError naming the field and what it should be, never a value. */
export function parseDials(value: unknown): Dials {
  const result = dialsSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new DialError(`${issue.path.join('.') || 'dials'}: ${issue.message}`);
}

interface Dialled {
  readonly fault: Fault;
  /** Messages that match, so far. */
  seen: number;
  fired: number;
}

export interface DialledView {
  readonly latency: Latency;
  readonly faults: readonly (Fault & { readonly seen: number; readonly fired: number })[];
}

const NO_LATENCY: Latency = { ms: 0 };

export class FaultDials {
  readonly #random: Random;
  #latency: Latency = NO_LATENCY;
  #dialled: Dialled[] = [];

  constructor(random: Random, dials: Dials = {}) {
    this.#random = random;
    this.set(dials);
  }

  /** Replaces everything; what is absent is off. */
  set({ latency = NO_LATENCY, faults = [] }: Dials): void {
    this.#latency = latency;
    this.#dialled = [];
    this.add({ faults });
  }

  /** Adds faults; replaces the latency if one is given. @throws DialError */
  add({ latency, faults = [] }: Dials): void {
    if (this.#dialled.length + faults.length > FAULTS_MAX) {
      throw new DialError(`faults: expected at most ${FAULTS_MAX}, got more`);
    }
    if (latency !== undefined) this.#latency = latency;
    for (const fault of faults) this.#dialled.push({ fault, seen: 0, fired: 0 });
  }

  /** As it is shown: account numbers masked. */
  view(): DialledView {
    return {
      latency: this.#latency,
      faults: this.#dialled.map(({ fault, seen, fired }) => ({
        ...fault,
        ...(fault.account === undefined ? {} : { account: maskAccountNumber(fault.account) }),
        seen,
        fired,
      })),
    };
  }

  /** The fault for a message that has come: the first that applies. Every one that matches counts it. */
  forMessage(kind: MessageKind, accountNumber: string | undefined): Fault | undefined {
    return this.#first(
      ({ do: action, on, account }) =>
        action !== 'refuse' &&
        (on === undefined || on === kind) &&
        (account === undefined || account === accountNumber),
    );
  }

  refusesConnection(): boolean {
    return this.#first(({ do: action }) => action === 'refuse') !== undefined;
  }

  #first(matches: (fault: Fault) => boolean): Fault | undefined {
    let chosen: Fault | undefined;
    for (const dialled of this.#dialled) {
      const { fault } = dialled;
      if (!matches(fault)) continue;
      dialled.seen++;
      if (chosen !== undefined || !this.#applies(dialled)) continue;
      dialled.fired++;
      chosen = fault;
    }
    return chosen;
  }

  #applies({ fault, seen }: Dialled): boolean {
    if (fault.nth !== undefined) return seen === fault.nth;
    return fault.probability === undefined || this.#random.chance(fault.probability);
  }

  /** Milliseconds until the next answer leaves. */
  latencyMs(): number {
    const latency = this.#latency;
    if ('ms' in latency) return latency.ms;
    return Math.min(MS_MAX, this.#random.logNormal(latency.medianMs, latency.sigma));
  }

  /** Random bytes that are no message: the first is no digit. */
  garbage(): Buffer {
    const bytes = Buffer.alloc(12 + this.#random.below(64));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#random.below(256);
    bytes[0] = 0xff;
    return bytes;
  }
}
