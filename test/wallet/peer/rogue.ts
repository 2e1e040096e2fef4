// A payer that says what it likes inside a channel that is as it should be.
import { ed25519 } from '../../../src/crypto/index.ts';
import { PaymentOrderLayout } from '../../../src/layout/generated.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import type { Funding } from '../../../src/roles/documents/transfer.ts';
import { PeerChannel } from '../../../src/wallet/peer/channel.ts';
import type { OwnPurse } from '../../../src/wallet/peer/ledger.ts';
import type { PaymentMessage, PeerMessage } from '../../../src/wallet/peer/messages.ts';
import { type AskOptions, type AskReport, askPeer } from '../../../src/wallet/peer/payee.ts';
import { type PaymentPlan, signedPayment } from '../../../src/wallet/peer/payment.ts';
import { memoryPair } from './memory-link.ts';
import { NOW, type TestWallet, trust } from './support.ts';

export type Ask = Extract<PeerMessage, { kind: 'ask' }>;

/** A payment as an honest payer would make its first, but for what is changed. */
export function payment(
  payer: TestWallet,
  payee: TestWallet,
  ask: Pick<Ask, 'nonce' | 'memo'>,
  changes: Partial<PaymentPlan> = {},
  purse: OwnPurse = payer.purse,
): PaymentMessage {
  const amount = changes.amount ?? 500n;
  const plan: PaymentPlan = {
    request: 77n,
    payee: payee.number,
    amount,
    nonce: ask.nonce,
    memo: ask.memo,
    sequence: 1n,
    total: amount,
    funding: [],
    ...changes,
  };
  return signedPayment(plan, purse, trust.sealingKey('management', NOW), payer.crypto);
}

/** The same with other bytes in its order, signed again. */
export function resigned(
  message: PaymentMessage,
  change: (order: Uint8Array, view: DataView) => void,
  secretKey: Uint8Array,
): PaymentMessage {
  const order = Uint8Array.from(message.order);
  change(order, new DataView(order.buffer));
  order.set(ed25519.sign(secretKey, orderSignedBytes(order)), PaymentOrderLayout.signature);
  return { ...message, order };
}

export const element = ({ order, payer }: PaymentMessage, { purse }: TestWallet): Funding[number] => ({
  kind: 'transfer',
  transfer: { order, payer },
  allowance: purse.allowance,
});

export interface RogueSession {
  readonly answers: readonly PeerMessage[];
  readonly payee: AskReport | Error;
}

/** Meets the payee and sends what `say` makes of its ask, each after the answer to the one before. */
export async function rogueSession(
  payer: TestWallet,
  payee: TestWallet,
  say: (ask: Ask) => readonly PeerMessage[],
  ask: AskOptions = { amount: 500n },
): Promise<RogueSession> {
  const pair = memoryPair();
  const asked = askPeer(pair.payee, payee.party(), ask).catch((error: Error) => error);
  const channel = await PeerChannel.toPayee(pair.payer, payer.party(), {});
  const answers: PeerMessage[] = [];
  try {
    for (const message of say(await channel.receive(['ask'], 1_000))) {
      await channel.send(message);
      answers.push(await channel.receive(['receipt', 'refusal', 'ask', 'done', 'payment'], 1_000));
    }
  } catch (error) {
    // The payee has hung up; `answers` says what it said before.
    if ((error as { code?: string }).code !== 'link_broken') throw error;
  } finally {
    channel.close();
  }
  return { answers, payee: await asked };
}

/** What the payee says to one payment. */
export async function toldTo(
  payer: TestWallet,
  payee: TestWallet,
  make: (ask: Ask) => PaymentMessage,
  ask?: AskOptions,
): Promise<string> {
  const { answers } = await rogueSession(payer, payee, (asked) => [{ kind: 'payment', ...make(asked) }], ask);
  const [answer] = answers;
  return answer?.kind === 'refusal' ? answer.code : (answer?.kind ?? 'nothing');
}
