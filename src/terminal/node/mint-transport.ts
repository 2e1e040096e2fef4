// Cashu's interface over a channel: of the LAN's gateway, under the terminal's name, or of the operator's receiver, unnamed.
import type { MintSend } from '../../mint/client.ts';
import { MintUnreachable } from '../../mint/client.ts';
import { MintRefused, NO_CODE } from '../../mint/errors.ts';
import type { CallResult } from '../../roles/common/role-client.ts';
import type { MintCall, MintCallAnswer } from '../../roles/issuer/messages.ts';

export interface MintCalls {
  call(name: 'mint_call', call: MintCall): Promise<CallResult<MintCallAnswer>>;
}

/** @param whose for messages: `gateway campus`, `receiver` */
export function channelSend(calls: MintCalls, whose: string): MintSend {
  return async (call) => {
    const result = await calls.call('mint_call', call);
    if (result.kind === 'ok') return result.answer;
    if (result.kind === 'unknown') throw new MintUnreachable(result.reason);
    const { code, message } = result.refusal;
    throw new MintRefused({ code: NO_CODE, detail: `${whose}: ${code}: ${message}` });
  };
}
