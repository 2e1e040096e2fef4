// Two wallets over a real socket, and a record of all that one of them could see: the line, what it decrypted, what it stored.
import type { WalletCrypto } from '../../src/wallet/core/ports.ts';
import { nodeClock } from '../../src/wallet/node/clock.ts';
import { dialPeer, PeerListener } from '../../src/wallet/node/peer-link.ts';
import type { PeerLink } from '../../src/wallet/peer/link.ts';
import { PeerMessage } from '../../src/wallet/peer/messages.ts';
import { type AskOptions, type AskReport, askPeer } from '../../src/wallet/peer/payee.ts';
import { type PayOptions, type PayReport, payPeer } from '../../src/wallet/peer/payer.ts';
import type { TestWallet } from '../wallet/peer/support.ts';

export interface View {
  /** What of the other side it has read in the clear: identities, then messages. */
  readonly opened: Uint8Array[];
  /** As they were on the line, both ways. */
  readonly line: Uint8Array[];
}

export interface Transfer {
  readonly payer: PayReport;
  readonly payee: AskReport;
  readonly seen: { readonly payer: View; readonly payee: View };
}

/** The messages after the handshake: the payee reads two of its three before them, the payer one. */
export const messagesIn = ({ opened }: View, side: 'payer' | 'payee'): PeerMessage[] =>
  opened.slice(side === 'payee' ? 2 : 1).map((bytes) => PeerMessage.decode(bytes));

/** @throws what either side throws */
export async function transfer(
  payer: TestWallet,
  payee: TestWallet,
  ask: AskOptions,
  decide: PayOptions['decide'] = ({ amount }) => ({ amount: amount! }),
): Promise<Transfer> {
  const seen = { payer: { opened: [], line: [] } as View, payee: { opened: [], line: [] } as View };
  const clock = { now: () => payer.world.clock.now(), setTimer: nodeClock.setTimer };
  const listener = await PeerListener.open();
  try {
    const asked = listener
      .next()
      .then((link) =>
        askPeer(tapped(link, seen.payee), payee.party({ clock, crypto: reading(payee, seen.payee) }), ask),
      );
    asked.catch(() => {});
    const link = tapped(await dialPeer(listener.place), seen.payer);
    const options = { payee: { channelKey: payee.purse.keys.channelKey }, decide };
    const paid = await payPeer(link, payer.party({ clock, crypto: reading(payer, seen.payer) }), options);
    return { payer: paid, payee: await asked, seen };
  } finally {
    await listener.close();
  }
}

function tapped(link: PeerLink, { line }: View): PeerLink {
  return {
    pieceBytesMax: link.pieceBytesMax,
    get isOpen() {
      return link.isOpen;
    },
    send(piece) {
      line.push(Uint8Array.from(piece));
      return link.send(piece);
    },
    async receive() {
      const piece = await link.receive();
      if (piece !== undefined) line.push(Uint8Array.from(piece));
      return piece;
    },
    close: () => link.close(),
  };
}

/** The wallet's cryptography, with a record of what it decrypts. */
function reading({ crypto }: TestWallet, { opened }: View): WalletCrypto {
  return {
    ...crypto,
    handshake(options) {
      const handshake = crypto.handshake(options);
      const noted = (bytes: Uint8Array): Uint8Array => {
        opened.push(Uint8Array.from(bytes));
        return bytes;
      };
      return {
        writeMessage: (payload) => handshake.writeMessage(payload),
        readMessage: (message) => noted(handshake.readMessage(message)),
        get remoteStaticKey() {
          return handshake.remoteStaticKey;
        },
        transport() {
          const transport = handshake.transport();
          return {
            seal: (plaintext) => transport.seal(plaintext),
            open: (ciphertext) => noted(transport.open(ciphertext)),
            close: () => transport.close(),
          };
        },
        close: () => handshake.close(),
      };
    },
  };
}
