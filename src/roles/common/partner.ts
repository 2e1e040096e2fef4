// A role's connection to another one. It is there from the start, whether or not the other is: a call without an answer is
// `unknown` to the flow that made it, which asks again.
import { Client, type ClientOptions } from '../../channel/client.ts';
import type { ClientIdentity } from '../../wire/channel-identity.ts';
import type { MessageTransport } from './role-client.ts';

/** Longer than any answer takes (a role says `pending` after a quarter of a second); then the flow asks again. */
const REQUEST_TIMEOUT_MS = 15_000;
const CLOSE_MS = 1_000;

export interface Partner extends MessageTransport {
  /** Another directory counts: a connection to a key that does not any more is given up, and made anew. */
  recheck(isStillKey: (channelKey: Uint8Array) => boolean): void;
  close(): Promise<void>;
}

export interface PartnerOptions extends Pick<ClientOptions, 'url' | 'reconnectFirstMs' | 'reconnectLastMs'> {
  identity(): ClientIdentity;
}

/** @param options asked anew for each connection, so that another address in the directory counts */
export function partner(options: () => PartnerOptions): Partner {
  let client: Client | undefined;
  let isClosed = false;
  /** Whom the newest connection was made to. */
  let partnerKey: Uint8Array | undefined;

  const connection = (): Client => {
    if (client === undefined) {
      const { identity, ...more } = options();
      const asked = (): ClientIdentity => {
        const current = identity();
        partnerKey = current.remoteStaticKey;
        return current;
      };
      client = new Client({ requestTimeoutMs: REQUEST_TIMEOUT_MS, ...more, identity: asked });
    }
    return client;
  };
  /** A client that has given up (it was refused, or found nobody) does not try again; the next call begins anew. */
  const giveUp = (lost: Client): void => {
    if (client === lost) client = undefined;
    void lost.close(0);
  };

  return {
    async call(operation, messages) {
      if (isClosed) throw new Error('expected an open connection, got one that is closed');
      const current = connection();
      try {
        return await current.call(operation, messages);
      } catch (error) {
        if (current.isOver) giveUp(current);
        throw error;
      }
    },
    recheck(isStillKey) {
      if (client !== undefined && partnerKey !== undefined && !isStillKey(partnerKey)) giveUp(client);
    },
    async close() {
      isClosed = true;
      await client?.close(CLOSE_MS);
    },
  };
}
