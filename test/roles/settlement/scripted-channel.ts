// A bank in memory behind a line that loses, doubles and delays what goes over it, as a script says.

import { OPERATOR_ACCOUNT } from '../../../src/institution/operator-account.ts';
import { Bank } from '../../../src/institution/simulator/bank.ts';
import { BankFaults } from '../../../src/institution/simulator/bank-dials.ts';
import type { PaymentChannel } from '../../../src/roles/settlement/payment-channel.ts';
import type { PaymentOptions } from '../../../src/roles/settlement/role.ts';
import { Random } from '../../../src/shared/random.ts';
import { validate } from '../../iso20022/schemas.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import type { World } from './world.ts';

export type Fate = 'ok' | 'lost_before' | 'lost_after' | 'late' | 'twice' | 'garbage';

export interface ChannelScript {
  readonly submit?: readonly Fate[];
  readonly status?: readonly Fate[];
  readonly statements?: readonly Fate[];
}

const LATE_MS = 20_000;
const lost = { kind: 'unknown', why: 'lost' } as const;

export class ScriptedBank {
  readonly faults = new BankFaults(new Random(7n));
  readonly bank: Bank;
  readonly submitted: string[] = [];
  readonly #script: ChannelScript;
  readonly #asked = { submit: 0, status: 0, statements: 0 };

  constructor(world: World, script: ChannelScript = {}) {
    this.#script = script;
    this.bank = new Bank({
      store: memoryRoleStore(new MemoryDisk()),
      faults: this.faults,
      clock: world.clock,
    });
  }

  connect(isAlive: () => boolean, world: World): PaymentOptions {
    const { bank } = this;
    const play = async <Answer>(
      kind: keyof ChannelScript,
      ask: () => Promise<Answer>,
    ): Promise<Answer | typeof lost | { kind: 'answered'; document: Uint8Array }> => {
      if (!isAlive()) return new Promise(() => {});
      const fate = this.#script[kind]?.[this.#asked[kind]++] ?? 'ok';
      switch (fate) {
        case 'lost_before':
          return lost;
        case 'late':
          void world.later(LATE_MS).then(ask);
          return lost;
        case 'twice':
          await ask();
          return ask();
        case 'lost_after':
          await ask();
          return lost;
        case 'garbage':
          await ask();
          return { kind: 'answered', document: Buffer.from('<Document') };
        default:
          return ask();
      }
    };
    const channel: PaymentChannel = {
      submit: (document) =>
        play('submit', async () => {
          this.submitted.push(checked(document));
          return {
            kind: 'answered' as const,
            document: Buffer.from(checked(await bank.submit(Buffer.from(document)))),
          };
        }),
      status: (messageId) =>
        play('status', async () => {
          const document = bank.status(messageId);
          return document === undefined
            ? { kind: 'not_found' as const }
            : { kind: 'answered' as const, document };
        }),
      statements: async (after) => {
        const answer = await play('statements', async () => {
          const { document, next } = await bank.statement(after);
          const documents = document === undefined ? [] : [Buffer.from(checked(document))];
          return { kind: 'statements' as const, documents, next };
        });
        return answer.kind === 'answered'
          ? { kind: 'statements', documents: [answer.document], next: after + 1n }
          : answer;
      },
      close: async () => {},
    };
    return { channel, debtor: { name: 'Operator', account: { scheme: 'iban', id: OPERATOR_ACCOUNT } } };
  }
}

/** By the schema, where it is at hand. */
let hasSchemas = true;
function checked(document: string): string {
  if (!hasSchemas) return document;
  try {
    validate(document);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    hasSchemas = false;
  }
  return document;
}
