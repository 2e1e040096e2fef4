// Minor units of notes: out, by cash's books; signed and spent, by those of issuer and receiver together.
import type { Client } from '../../src/channel/client.ts';
import { systemAccountId } from '../../src/roles/cash/accounts.ts';
import { IssuerClient } from '../../src/roles/issuer/client.ts';
import type { CirculationAnswer } from '../../src/roles/issuer/messages.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import { answerOf, EUR, type System } from '../claims/system.ts';

export interface NoteBooks {
  readonly out: bigint;
  readonly signed: bigint;
  readonly spent: bigint;
}

/** Reads them as an operator does, as often as it is asked. */
export class BookReader {
  readonly #cash: Client;
  readonly #roles: readonly [IssuerClient, ReceiverClient];

  private constructor(cash: Client, roles: readonly [IssuerClient, ReceiverClient]) {
    this.#cash = cash;
    this.#roles = roles;
  }

  static async open(system: System): Promise<BookReader> {
    return new BookReader(await system.asOperator('cash'), [
      new IssuerClient(await system.asOperator('issuer')),
      new ReceiverClient(await system.asOperator('receiver')),
    ]);
  }

  async read(): Promise<NoteBooks> {
    const [[notes], ...circulations] = await Promise.all([
      this.#cash.lookupAccounts([systemAccountId('notes', EUR)]),
      ...this.#roles.map(async (role) => answerOf(await role.circulation(EUR))),
    ]);
    return {
      out: notes!.creditsPosted - notes!.debitsPosted,
      signed: sumOf(circulations, 'signed'),
      spent: sumOf(circulations, 'spent'),
    };
  }
}

const sumOf = (circulations: readonly CirculationAnswer[], what: 'signed' | 'spent'): bigint =>
  circulations.flatMap(({ keysets }) => keysets).reduce((sum, keyset) => sum + keyset[what], 0n);
