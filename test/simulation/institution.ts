// A payment institution in memory, with books of its own, behind the interface that settlement knows. While faults last its
// line drops requests and answers, repeats and delays them, and it is out of order at times.
import type {
  CardOrder,
  Institution,
  InstitutionOutcome,
  Unknown,
} from '../../src/roles/settlement/institution.ts';
import type { Ground, Life } from './ground.ts';

export interface Order {
  readonly card: string;
  readonly amount: bigint;
  readonly currency: number;
  readonly time: bigint;
  standing: 'authorised' | 'captured' | 'declined' | 'reversed';
  /** How often money was taken from the card, and given back to it. */
  taken: number;
  returned: number;
}

export interface Card {
  readonly first: bigint;
  available: bigint;
}

const TIMEOUT_MS = 1_000;
const PARTY = 'institution';

export class MemoryInstitution {
  readonly orders = new Map<bigint, Order>();
  readonly cards = new Map<string, Card>();
  /** What nobody may ask of an institution. */
  readonly faults: string[] = [];
  isDown = false;
  readonly #ground: Ground;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** As one life of settlement sees it. */
  connect(life: Life): Institution {
    const through = <Outcome>(
      call: string,
      order: CardOrder,
      work: () => Outcome,
    ): Promise<Outcome | Unknown> =>
      new Promise((resolve) => {
        if (!life.isAlive()) return;
        this.#ground.carry('settlement', PARTY, () => {
          if (this.isDown) return;
          const outcome = work() as Outcome & { kind: string };
          this.#ground.note(PARTY, `${call} ${order.reference.toString(16)}: ${outcome.kind}`);
          this.#ground.carry(PARTY, 'settlement', () => life.isAlive() && resolve(outcome));
        });
        life.setTimer(() => resolve({ kind: 'unknown', why: 'no answer' }), TIMEOUT_MS);
      });
    return {
      authorise: (order) => through('authorise', order, () => this.#authorise(order)),
      capture: (order, reference) => through('capture', order, () => this.#capture(order, reference)),
      reverse: (order) => through('reverse', order, () => this.#reverse(order)),
      inquire: (order) => through('inquire', order, () => this.#inquire(order)),
      close: async () => {},
    };
  }

  #known({ reference, accountNumber, amount, currency, time }: CardOrder): Order | undefined {
    const known = this.orders.get(reference);
    if (known === undefined) return undefined;
    const isSame =
      known.card === accountNumber &&
      known.amount === amount &&
      known.currency === currency &&
      known.time === time;
    if (!isSame) this.faults.push(`order ${reference.toString(16)} came again as another one`);
    return known;
  }

  #authorise(order: CardOrder): InstitutionOutcome {
    let known = this.#known(order);
    if (known === undefined) {
      const { reference, accountNumber, amount, currency, time } = order;
      const card = this.cards.get(accountNumber);
      const isGood = card !== undefined && card.available >= amount;
      if (isGood) card.available -= amount;
      known = {
        card: accountNumber,
        amount,
        currency,
        time,
        standing: isGood ? 'authorised' : 'declined',
        taken: 0,
        returned: 0,
      };
      this.orders.set(reference, known);
    }
    if (known.standing === 'declined') return declined('insufficient_funds', '51');
    if (known.standing === 'reversed') return declined('reversed', '79');
    return { kind: 'approved', institutionReference: nameOf(order) };
  }

  #capture(order: CardOrder, reference: string): InstitutionOutcome {
    if (reference !== nameOf(order)) this.faults.push(`capture of ${reference}: not its authorisation`);
    const known = this.#known(order);
    if (known === undefined) return declined('not_found', '25');
    if (known.standing === 'reversed') return declined('reversed', '79');
    if (known.standing === 'declined') return declined('invalid_transaction', '12');
    if (known.standing === 'authorised') {
      known.standing = 'captured';
      known.taken++;
    }
    return { kind: 'approved', institutionReference: reference };
  }

  #reverse(order: CardOrder) {
    const known = this.#known(order);
    if (known === undefined) {
      const { reference, accountNumber, amount, currency, time } = order;
      this.orders.set(reference, {
        card: accountNumber,
        amount,
        currency,
        time,
        standing: 'reversed',
        taken: 0,
        returned: 0,
      });
    } else if (known.standing === 'authorised' || known.standing === 'captured') {
      if (known.standing === 'captured') known.returned++;
      known.standing = 'reversed';
      this.cards.get(known.card)!.available += known.amount;
    }
    return { kind: 'reversed' } as const;
  }

  #inquire(order: CardOrder) {
    const known = this.#known(order);
    switch (known?.standing) {
      case undefined:
        return { kind: 'not_found' } as const;
      case 'declined':
        return declined('insufficient_funds', '51');
      case 'reversed':
        return { kind: 'reversed' } as const;
      default:
        return { kind: known!.standing as 'authorised' | 'captured', institutionReference: nameOf(order) };
    }
  }
}

const declined = (
  reason: 'insufficient_funds' | 'reversed' | 'not_found' | 'invalid_transaction',
  responseCode: string,
) => ({ kind: 'declined', reason, responseCode }) as const;

const nameOf = ({ reference }: Pick<CardOrder, 'reference'>): string => `C${reference.toString(36)}`;
