// What two wallets say to each other, inside their Noise XX channel, where the payer begins.
//
//     payer                                   payee
//       ├──────────────── e ──────────────────▶│
//       │◀─ e, ee, s, es, {PeerIdentity} ──────┤   purse certificate: an enrolled device's, it does not say whose
//       ├─ s, se, {PeerIdentity} ─────────────▶│   the same, and the payer's allowance
//       │◀─ ask: nonce, amount, memo ──────────┤
//       ├─ payment: order, {number}management,─▶│   written down before it leaves: what was sent is spent
//       │           funding                    │   checked, added, written down
//       │◀─ receipt, signed ───────────────────┤
//       │   checked, subtracted                │
//       ├─ done ──────────────────────────────▶│
//
// They speak in turns, so that a medium may be one that turns round: a camera and a screen, NFC. A payer that has sent a payment
// and has no receipt answers the next ask of the same purse with that payment first: the payee knows the order by its request
// and answers with the same receipt, or finds the ask that it belongs to. Then the payer answers what it was asked for.

import { PAYMENT_ORDER_BYTES } from '../../roles/documents/purchase.ts';
import { Allowance } from '../../roles/documents/purse.ts';
import {
  Funding,
  MEMO_BYTES_MAX,
  NONCE_BYTES,
  SealedPayer,
  TransferReceipt,
} from '../../roles/documents/transfer.ts';
import { PURSE_CERTIFICATE_BYTES_MAX } from '../../roles/management/purse-messages.ts';
import {
  bytes,
  bytesUpTo,
  type Infer,
  nothing,
  optional,
  struct,
  text,
  u128,
  union,
} from '../../shared/codec.ts';

/** The payload of the handshake's second and third message. */
export const PeerIdentity = struct({
  certificate: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX),
  /** Of the payer. */
  allowance: optional(Allowance.signed),
});
export type PeerIdentity = Infer<typeof PeerIdentity>;

export const REFUSAL_TEXT_BYTES_MAX = 200;

export const PaymentMessage = struct({
  order: bytes(PAYMENT_ORDER_BYTES),
  payer: SealedPayer,
  /** Of the ask that it answers. */
  nonce: bytes(NONCE_BYTES),
  memo: text(MEMO_BYTES_MAX),
  funding: Funding,
});
export type PaymentMessage = Infer<typeof PaymentMessage>;

export const PeerMessage = union({
  ask: struct({
    nonce: bytes(NONCE_BYTES),
    /** Minor units, in the currency of both purses; left out: as much as the payer wants to give. */
    amount: optional(u128),
    memo: text(MEMO_BYTES_MAX),
  }),
  payment: PaymentMessage,
  receipt: struct({ receipt: TransferReceipt.signed }),
  /** Nothing was added. Not signed: it settles nothing, and a payment that was sent stays spent. */
  refusal: struct({ code: text(64), message: text(REFUSAL_TEXT_BYTES_MAX) }),
  done: nothing,
});
export type PeerMessage = Infer<typeof PeerMessage>;
