// The encrypted channel between two wallets: Noise_XX_25519_ChaChaPoly_SHA256, the payer first. Each shows its purse's certificate
// inside, so whoever listens learns neither purse, and goes on only when the certificate is one of the key that the other has
// just proven: whoever stands in between, with a purse of his own or without, is seen for what he is.
//
// The payer checks the payee before it says who it is itself. The payee tells any payer who it is: it has to begin.
import { CodecError } from '../../shared/codec.ts';
import type { PeerHandshake } from '../core/ports.ts';
import { checkAllowance, checkPayee, checkPeer, type ExpectedPayee, type Peer } from './check-peer.ts';
import { PeerError, type PeerRefusal, readRefusal } from './errors.ts';
import { FramedLink } from './frames.ts';
import type { PeerParty } from './ledger.ts';
import { PEER_TIMES, type PeerTimes } from './limits.ts';
import type { PeerLink } from './link.ts';
import { PeerIdentity, PeerMessage } from './messages.ts';

const PROLOGUE = new TextEncoder().encode('specie peer v1\0');
const NOTHING = new Uint8Array(0);

type Kind = PeerMessage['kind'];
type MessageOf<Of extends Kind> = Extract<PeerMessage, { kind: Of }>;

export class PeerChannel {
  readonly peer: Peer;
  readonly times: PeerTimes;
  readonly #frames: FramedLink;
  readonly #transport: ReturnType<PeerHandshake['transport']>;

  private constructor(
    peer: Peer,
    times: PeerTimes,
    frames: FramedLink,
    transport: ReturnType<PeerHandshake['transport']>,
  ) {
    this.peer = peer;
    this.times = times;
    this.#frames = frames;
    this.#transport = transport;
  }

  /** By the payer. @throws PeerError */
  static toPayee(link: PeerLink, party: PeerParty, expected: ExpectedPayee): Promise<PeerChannel> {
    return shakingHands('initiator', link, party, async (handshake, frames, times) => {
      await frames.send(handshake.writeMessage(NOTHING));
      const identity = read(handshake, await frames.receive(times.handshakeMs));
      const found = checkPeer(identity, handshake.remoteStaticKey, party);
      if (found.wrong !== undefined) throw refusedBy(found.wrong);
      const wrong = checkPayee(found.peer, expected);
      if (wrong !== undefined) throw refusedBy(wrong);
      await frames.send(handshake.writeMessage(identityOf(party, true)));
      return new PeerChannel(found.peer, times, frames, handshake.transport());
    });
  }

  /** By the payee. @throws PeerError */
  static toPayer(link: PeerLink, party: PeerParty): Promise<PeerChannel> {
    return shakingHands('responder', link, party, async (handshake, frames, times) => {
      const first = read(handshake, await frames.receive(times.handshakeMs));
      if (first.length > 0) {
        throw new PeerError(
          'protocol_error',
          `handshake: expected nothing in it yet, got ${first.length} bytes`,
        );
      }
      await frames.send(handshake.writeMessage(identityOf(party, false)));
      const identity = read(handshake, await frames.receive(times.handshakeMs));
      const found = checkPeer(identity, handshake.remoteStaticKey, party);
      const wrong = found.wrong ?? checkAllowance(found.peer, party);
      const transport = handshake.transport();
      if (wrong !== undefined) {
        await frames.send(transport.seal(PeerMessage.encode({ kind: 'refusal', ...wrong })));
        transport.close();
        throw refusedBy(wrong);
      }
      return new PeerChannel(found.peer!, times, frames, transport);
    });
  }

  get isOpen(): boolean {
    return this.#frames.isOpen;
  }

  /** @throws PeerError */
  async send(message: PeerMessage): Promise<void> {
    await this.#frames.send(this.#transport.seal(PeerMessage.encode(message)));
  }

  /** @param firstMs until it begins to come @throws PeerError: also `refused`, when that is what comes unexpected */
  async receive<Of extends Kind>(expected: readonly Of[], firstMs: number): Promise<MessageOf<Of>> {
    const sealed = await this.#frames.receive(firstMs);
    const message = this.#read(sealed);
    if ((expected as readonly Kind[]).includes(message.kind)) return message as MessageOf<Of>;
    if (message.kind === 'refusal') {
      const refusal = readRefusal(message);
      throw new PeerError('refused', `other wallet: ${refusal.message} (${refusal.code})`, { refusal });
    }
    throw new PeerError('protocol_error', `message: expected ${expected.join(' or ')}, got ${message.kind}`);
  }

  close(): void {
    this.#transport.close();
    this.#frames.close();
  }

  #read(sealed: Uint8Array): PeerMessage {
    let opened: Uint8Array;
    try {
      opened = this.#transport.open(sealed);
    } catch (cause) {
      throw new PeerError('channel_damaged', 'message: expected the next one of this channel, got another', {
        cause,
      });
    }
    try {
      return PeerMessage.decode(opened);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new PeerError('protocol_error', `message: ${error.message}`, { cause: error });
    }
  }
}

async function shakingHands(
  role: 'initiator' | 'responder',
  link: PeerLink,
  party: PeerParty,
  work: (handshake: PeerHandshake, frames: FramedLink, times: PeerTimes) => Promise<PeerChannel>,
): Promise<PeerChannel> {
  const times = { ...PEER_TIMES, ...party.times };
  const frames = new FramedLink(link, party.clock, times);
  const staticKey = party.purse.keys.channelSecret;
  const handshake = party.crypto.handshake({ role, prologue: PROLOGUE, staticKey });
  try {
    const channel = await work(handshake, frames, times);
    party.onEvent?.({ type: 'met', purse: channel.peer.certificate.purse });
    return channel;
  } catch (error) {
    frames.close();
    throw error;
  } finally {
    handshake.close();
  }
}

function identityOf({ purse: { certificate, allowance } }: PeerParty, isPayer: boolean): Uint8Array {
  return PeerIdentity.encode({ certificate, allowance: isPayer ? allowance : undefined });
}

function read(handshake: PeerHandshake, message: Uint8Array): Uint8Array {
  try {
    return handshake.readMessage(message);
  } catch (cause) {
    throw new PeerError('channel_damaged', 'handshake: expected its next message, got something else', {
      cause,
    });
  }
}

function refusedBy(refusal: PeerRefusal): PeerError {
  return new PeerError('peer_refused', `${refusal.message} (${refusal.code})`, { refusal });
}
