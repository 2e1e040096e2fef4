// A payment institution with books, which does what a script says with each call:
//
//     ok           answers
//     lost_before  the request is lost
//     lost_after   the work is done, the answer is lost
//     late         the answer is lost, and the work done only after settlement has given the call up
//     twice        the work is done, and done again later
//     garbage      the work is done, the answer is no answer
//     reject       the work is done, and the adapter throws, with all it knows in the message
//     decline      declined for good
//     down         lost_before, and so is every other call for a while
import type {
  CardOrder,
  InquiryOutcome,
  Institution,
  InstitutionOutcome,
  ReversalOutcome,
  Unknown,
} from '../../../src/roles/settlement/institution.ts';
import type { World } from './world.ts';

export const FAULTS = [
  'ok',
  'lost_before',
  'lost_after',
  'late',
  'twice',
  'garbage',
  'reject',
  'decline',
  'down',
] as const;
export type Fault = (typeof FAULTS)[number];
export type Call = 'authorise' | 'capture' | 'reverse' | 'inquire';
/** What becomes of the first, second … call of a kind; `ok` when the list is at its end. */
export type Script = { readonly [call in Call]?: readonly Fault[] };

interface Entry {
  readonly accountNumber: string;
  readonly amount: bigint;
  readonly currency: number;
  readonly time: bigint;
  state: 'authorised' | 'captured' | 'declined' | 'reversed';
  /** How often the money was taken, and given back. */
  taken: number;
  returned: number;
}

const TIMEOUT_MS = 1000;
const LATE_MS = 5000;
/** Longer than the tests let settlement inquire. */
const DOWN_MS = 150_000;
const GARBAGE: readonly unknown[] = [
  undefined,
  null,
  42,
  'approved',
  {},
  { kind: 'yes' },
  { kind: 'approved' },
  { kind: 'approved', institutionReference: 7 },
  { kind: 'captured', institutionReference: '' },
  { kind: 'declined' },
  { kind: 'declined', reason: 'x'.repeat(100) },
  { kind: 'authorised', institutionReference: 'R'.repeat(65) },
  { kind: 'unknown' },
];

export class ScriptedInstitution {
  readonly books = new Map<bigint, Entry>();
  readonly calls: { readonly call: Call; readonly order: CardOrder }[] = [];
  readonly #world: World;
  readonly #script: { [call in Call]?: Fault[] };
  #downUntil = 0n;
  #garbage = 0;
  underWay = 0;
  underWayMax = 0;
  /** Called when a request arrives, and when its work is done. */
  onCall: ((call: Call, point: 'before' | 'after') => void) | undefined;

  constructor(world: World, script: Script = {}) {
    this.#world = world;
    this.#script = Object.fromEntries(Object.entries(script).map(([call, faults]) => [call, [...faults]]));
  }

  /** As one run of settlement sees it. After its end, it sends nothing and hears nothing. */
  connect(isAlive: () => boolean = () => true): Institution {
    const through = async <Outcome>(
      call: Call,
      order: CardOrder,
      work: () => Outcome,
    ): Promise<Outcome | Unknown> => {
      if (!isAlive()) return new Promise(() => {});
      this.calls.push({ call, order });
      this.underWay++;
      this.underWayMax = Math.max(this.underWayMax, this.underWay);
      try {
        const answer = await this.#through(call, order, work);
        return isAlive() ? answer : await new Promise(() => {});
      } finally {
        this.underWay--;
      }
    };
    return {
      authorise: (order) => through('authorise', order, () => this.#authorise(order)),
      capture: (order, reference) => through('capture', order, () => this.#capture(order, reference)),
      reverse: (order) => through('reverse', order, () => this.#reverse(order)),
      inquire: (order) => through('inquire', order, () => this.#inquire(order)),
      close: async () => {},
    };
  }

  /** What the card has been charged, in the end. */
  charged(reference: bigint): { readonly times: number; readonly held: boolean } {
    const entry = this.books.get(reference);
    if (entry === undefined) return { times: 0, held: false };
    return { times: entry.taken - entry.returned, held: entry.state === 'authorised' };
  }

  async #through<Outcome>(call: Call, order: CardOrder, work: () => Outcome): Promise<Outcome | Unknown> {
    const fault = this.#world.now < this.#downUntil ? 'down' : (this.#script[call]?.shift() ?? 'ok');
    const noAnswer = async (): Promise<Unknown> => {
      await this.#world.later(TIMEOUT_MS);
      return { kind: 'unknown', why: `no answer about card ${order.accountNumber}` };
    };
    const done = (): Outcome => {
      this.onCall?.(call, 'before');
      const outcome = work();
      this.onCall?.(call, 'after');
      return outcome;
    };
    await Promise.resolve();
    switch (fault) {
      case 'ok':
        return done();
      case 'lost_before':
        return noAnswer();
      case 'lost_after':
        done();
        return noAnswer();
      case 'late':
        this.#world.setTimer(() => void done(), LATE_MS);
        return noAnswer();
      case 'twice':
        this.#world.setTimer(() => void done(), LATE_MS);
        return done();
      case 'garbage':
        done();
        return GARBAGE[this.#garbage++ % GARBAGE.length] as Outcome;
      case 'reject':
        done();
        throw new Error(`card ${order.accountNumber} made the adapter fail`);
      case 'decline':
        if (call === 'authorise') this.#entry(order).state = 'declined';
        return {
          kind: 'declined',
          reason: call === 'authorise' ? 'insufficient_funds' : 'format_error',
          responseCode: '51',
        } as Outcome;
      case 'down':
        if (this.#world.now >= this.#downUntil)
          this.#downUntil = this.#world.now + BigInt(DOWN_MS) * 1_000_000n;
        return noAnswer();
    }
  }

  #entry({ reference, accountNumber, amount, currency, time }: CardOrder): Entry {
    let entry = this.books.get(reference);
    if (entry === undefined) {
      entry = { accountNumber, amount, currency, time, state: 'authorised', taken: 0, returned: 0 };
      this.books.set(reference, entry);
    }
    const isSame =
      entry.accountNumber === accountNumber &&
      entry.amount === amount &&
      entry.currency === currency &&
      entry.time === time;
    if (!isSame) throw new Error(`order ${reference}: expected the same as before, got another`);
    return entry;
  }

  #authorise(order: CardOrder): InstitutionOutcome {
    const { state } = this.#entry(order);
    if (state === 'declined') return { kind: 'declined', reason: 'insufficient_funds', responseCode: '51' };
    if (state === 'reversed') return { kind: 'declined', reason: 'reversed', responseCode: '79' };
    return { kind: 'approved', institutionReference: referenceOf(order) };
  }

  #capture(order: CardOrder, reference: string): InstitutionOutcome {
    if (reference !== referenceOf(order)) throw new Error(`expected ${referenceOf(order)}, got ${reference}`);
    const entry = this.books.get(order.reference);
    if (entry === undefined || entry.state === 'declined') {
      return { kind: 'declined', reason: 'not_found', responseCode: '25' };
    }
    if (entry.state === 'reversed') return { kind: 'declined', reason: 'reversed', responseCode: '79' };
    if (entry.state === 'authorised') {
      entry.state = 'captured';
      entry.taken++;
    }
    return { kind: 'approved', institutionReference: reference };
  }

  #reverse(order: CardOrder): ReversalOutcome {
    const entry = this.#entry(order);
    if (entry.state === 'captured') entry.returned++;
    entry.state = 'reversed';
    return { kind: 'reversed' };
  }

  #inquire(order: CardOrder): InquiryOutcome {
    const entry = this.books.get(order.reference);
    switch (entry?.state) {
      case undefined:
        return { kind: 'not_found' };
      case 'declined':
        return { kind: 'declined', reason: 'insufficient_funds', responseCode: '51' };
      case 'reversed':
        return { kind: 'reversed' };
      case 'authorised':
      case 'captured':
        return { kind: entry.state, institutionReference: referenceOf(order) };
    }
  }
}

export function referenceOf({ reference }: Pick<CardOrder, 'reference'>): string {
  return `CHG${reference % 1_000_000_007n}`;
}
