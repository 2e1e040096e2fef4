// The mint's other half, over a channel.
import { MintClient, MintUnreachable } from '../../mint/client.ts';
import type { MintCall, MintCallAnswer } from '../../mint/mint-call.ts';
import type { MintService } from '../../mint/service.ts';
import type { CallResult } from './role-client.ts';

/** A promise never rejects: no answer is `unknown`. */
export interface MintPartner {
  mintCall(call: MintCall): Promise<CallResult<MintCallAnswer, string>>;
}

export const partnerMint = (partner: MintPartner): MintService =>
  new MintClient(async (call) => {
    const result = await partner.mintCall(call);
    if (result.kind === 'ok') return result.answer;
    if (result.kind === 'unknown') throw new MintUnreachable(result.reason);
    // It has said no to this role, not to who asks.
    throw new MintUnreachable(`expected an answer of the partner, got ${result.refusal.code}`);
  });
