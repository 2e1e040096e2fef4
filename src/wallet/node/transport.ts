// A wallet's channels over WebSocket: Noise IK to management, NK to shops. What the channel's client reports becomes one of
// two things: it may be otherwise in a while, or it will not.
import { type ClientOptions, connect } from '../../channel/client.ts';
import { ClientError } from '../../channel/client-error.ts';
import type { ClientIdentity } from '../../wire/channel-identity.ts';
import { CHANNEL_ADVICE, type ChannelRefusalCode } from '../../wire/channel-refusal.ts';
import { TransportError, type WalletChannel, type WalletTransport } from '../core/ports.ts';

/** Times of the channel; the wallet has patience of its own above them. */
export type TransportOptions = Pick<
  ClientOptions,
  | 'connectTimeoutMs'
  | 'requestTimeoutMs'
  | 'heartbeatMs'
  | 'reconnectFirstMs'
  | 'reconnectLastMs'
  | 'setTimer'
>;

/** A call that is not answered in this time is one that the wallet makes anew. */
const REQUEST_TIMEOUT_MS = 20_000;
/** How long a wallet that closes waits for the server's goodbye. */
const CLOSE_MS = 1_000;

/** A server of another address, key or kind: the directory may have become another one, never by waiting. */
const FINAL: ReadonlySet<string> = new Set(['handshake_failed', 'protocol_error', 'invalid_argument']);

export function channelTransport(options: TransportOptions = {}): WalletTransport {
  const channel = async (url: string, identity: ClientIdentity): Promise<WalletChannel> => {
    const client = await asTransportError(
      connect({ requestTimeoutMs: REQUEST_TIMEOUT_MS, ...options, url, identity }),
    );
    return {
      call: (operation, messages) => asTransportError(client.call(operation, messages)),
      close: () => client.close(CLOSE_MS),
    };
  };
  return {
    connect: ({ channelSecretKey, certificate, managementKey, address }) =>
      channel(address, {
        pattern: 'IK',
        staticKey: channelSecretKey,
        remoteStaticKey: managementKey,
        payload: certificate,
      }),
    connectShop: ({ shopKey, address }) => channel(address, { pattern: 'NK', remoteStaticKey: shopKey }),
  };
}

async function asTransportError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const { code, message } = error;
    const advice = (CHANNEL_ADVICE as Readonly<Record<string, string>>)[code as ChannelRefusalCode];
    const isRefusal = advice !== undefined && advice !== 'retry';
    if (isRefusal || FINAL.has(code)) {
      throw new TransportError('refused', message, { cause: error, ...(isRefusal ? { refusal: code } : {}) });
    }
    throw new TransportError('unreachable', message, { cause: error });
  }
}
