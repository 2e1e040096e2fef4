// What a shop asks the issuer of notes: how a quote stands, and to take its order as that quote's payment.
import { NotesError } from '../notes/errors.ts';
import { mintQuote } from '../notes/json/quotes.ts';
import { type MessageTransport, RoleClient } from '../roles/common/role-client.ts';
import { METHOD } from '../roles/common/wide-notes.ts';
import { issuerProtocol } from '../roles/issuer/messages.ts';
import type { CounterIssuer } from './counter.ts';

const OK = 200;

export function issuerCalls(transport: MessageTransport): CounterIssuer {
  const client = new RoleClient({ protocol: issuerProtocol, transport });
  return {
    async quote(id) {
      const path = `/v1/mint/quote/${METHOD}/${encodeURIComponent(id)}`;
      const result = await client.call('mint_call', { method: 'GET', path, body: new Uint8Array() });
      if (result.kind !== 'ok' || result.answer.status !== OK) return undefined;
      try {
        const { amount, unit, state } = mintQuote.decode(result.answer.body);
        return amount === undefined || unit === undefined ? undefined : { amount, unit, state };
      } catch (error) {
        if (error instanceof NotesError) return undefined;
        throw error;
      }
    },
    payQuote: (request) => client.call('pay_quote', request),
  };
}
