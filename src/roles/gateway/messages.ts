// What terminals ask a gateway, and what it answers. Numbers are fixed for ever.
//
// A gateway has two listeners. On the LAN: register, get_terms, mint_call (the local mint), send_out, deliveries, confirm,
// lookup. On the WAN: register, get_terms, send_in, deliveries, confirm, lookup. Terminals name themselves by the static key of
// their channel (IK, no payload); each learns only of what is its own. The gateway itself is in src/gateway; this part is
// here because terminals need it too.
import { bool, type Infer, list, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import { SealedNotes } from '../documents/notes.ts';
import { digest, publicKey } from '../documents/signed.ts';
import { MintCall, MintCallAnswer } from '../issuer/messages.ts';
import { GATEWAY_REFUSALS } from './errors.ts';

export const GatewayOperation = {
  register: 32,
  get_terms: 33,
  mint_call: 34,
  send_out: 35,
  send_in: 36,
  list_deliveries: 37,
  confirm_delivery: 38,
  lookup_exchange: 39,
} as const;

export const TERMINAL_NAME_BYTES_MAX = 64;
export const ORGANISATION_BYTES_MAX = 64;
export const DELIVERIES_PAGE_MAX = 16;

export const Side = oneOf('lan', 'wan');
export type Side = Infer<typeof Side>;

/** What notes are sent to: src/terminal writes it as a text with a checksum. */
export const TerminalAddress = struct({
  side: Side,
  /** X25519: of its channels to gateways. */
  channelKey: publicKey,
  /** X25519: notes for it are sealed to it. */
  sealingKey: publicKey,
});
export type TerminalAddress = Infer<typeof TerminalAddress>;

/**
 * Makes the terminal known; on the LAN it waits until somebody of the organisation admits it. May be repeated: the name and
 * the sealing key stay those of the first time. Another sealing key: `request_differs`, a terminal of another side: `key_taken`.
 */
export const RegisterRequest = struct({ name: text(TERMINAL_NAME_BYTES_MAX), sealingKey: publicKey });
export type RegisterRequest = Infer<typeof RegisterRequest>;
export const RegisterAnswer = struct({ state: oneOf('waiting', 'open', 'blocked') });
export type RegisterAnswer = Infer<typeof RegisterAnswer>;

export const GetTermsRequest = struct({});
export const GetTermsAnswer = struct({
  organisation: text(ORGANISATION_BYTES_MAX),
  /** Of the listener that was asked: what a terminal that registers here writes into its address. */
  side: Side,
  currency: u32,
  /** Of the gateway: notes for it are sealed to it, and its terminals' channels go to it. */
  sealingKey: publicKey,
  /** Of one exchange, minor units. */
  amountMin: u128,
  amountMax: u128,
  /** Of one terminal, a UTC day, in both directions together. */
  dayMax: u128,
  /** A share of the amount, rounded half up, and a fixed amount: what an exchange costs on top. */
  feeBasisPoints: u32,
  feeFixed: u128,
  /** What is not fetched by then goes back to its sender. */
  returnAfterSeconds: u32,
});
export type GetTermsAnswer = Infer<typeof GetTermsAnswer>;

/** The first job (LAN → WAN) and the second (WAN → LAN) of the claim. */
export const SendRequest = struct({
  /** Names it, for ever. Drawn by the terminal. */
  request: u128,
  destination: TerminalAddress,
  /** What arrives. Minor units. */
  amount: u128,
  /** On top of it; as the terms say. */
  fee: u128,
  /**
   * {PlainNotes}gateway, use send_out or send_in, binding: request and amount + fee, which is also what they are worth (their
   * sum, less what their keysets take for spending them: NUT-02; local ones take nothing).
   */
  notes: SealedNotes,
  /** Nanoseconds: not taken in from then on. */
  applyBy: u64,
});
export type SendRequest = Infer<typeof SendRequest>;

/**
 * - `taken`: the gateway has the notes, and what follows comes to an end by itself.
 * - `waiting`: a delivery waits for the destination. `delivered`: it has confirmed it, or spent it.
 * - `returning`: nobody has fetched it in time. `returned`: a delivery waits for the sender, without the fee.
 * - `rejected`: the sender's notes are as they were before.
 */
export const ExchangeState = oneOf('taken', 'waiting', 'delivered', 'returning', 'returned', 'rejected');
export type ExchangeState = Infer<typeof ExchangeState>;
export const SendAnswer = struct({
  state: ExchangeState,
  /** Of `rejected` and `returned`: why. Otherwise empty. */
  reason: text(64),
});
export type SendAnswer = Infer<typeof SendAnswer>;

export const ListDeliveriesRequest = struct({ after: u128 });
export type ListDeliveriesRequest = Infer<typeof ListDeliveriesRequest>;
export const Delivery = struct({
  /** Of the exchange; of notes that come back: of the terminal's own. */
  request: u128,
  isReturn: bool,
  amount: u128,
  /** {PlainNotes}terminal, use `deliver`, binding: request and amount. */
  notes: SealedNotes,
  /** Nanoseconds: goes back from then on; 0: it never does. */
  until: u64,
});
export type Delivery = Infer<typeof Delivery>;
/** Those that this terminal has not confirmed, in the order of their requests. */
export const ListDeliveriesAnswer = struct({ deliveries: list(Delivery, DELIVERIES_PAGE_MAX), more: bool });
export type ListDeliveriesAnswer = Infer<typeof ListDeliveriesAnswer>;

/** The terminal has written them down. The gateway forgets them; asked again, it says so again. */
export const ConfirmDeliveryRequest = struct({
  request: u128,
  /** SHA-256 of the encoded SealedNotes. */
  notesDigest: digest,
});
export type ConfirmDeliveryRequest = Infer<typeof ConfirmDeliveryRequest>;
export const ConfirmDeliveryAnswer = struct({});
export type ConfirmDeliveryAnswer = Infer<typeof ConfirmDeliveryAnswer>;

/** Of the caller's own. One that was refused is refused with the same code; one that never came: `exchange_unknown`. */
export const LookupExchangeRequest = struct({ request: u128 });
export type LookupExchangeRequest = Infer<typeof LookupExchangeRequest>;

export const gatewayProtocol = protocol({
  role: 'gateway',
  refusals: GATEWAY_REFUSALS,
  operations: {
    register: operation(GatewayOperation.register, RegisterRequest, RegisterAnswer),
    get_terms: operation(GatewayOperation.get_terms, GetTermsRequest, GetTermsAnswer),
    mint_call: operation(GatewayOperation.mint_call, MintCall, MintCallAnswer),
    send_out: operation(GatewayOperation.send_out, SendRequest, SendAnswer),
    send_in: operation(GatewayOperation.send_in, SendRequest, SendAnswer),
    list_deliveries: operation(GatewayOperation.list_deliveries, ListDeliveriesRequest, ListDeliveriesAnswer),
    confirm_delivery: operation(
      GatewayOperation.confirm_delivery,
      ConfirmDeliveryRequest,
      ConfirmDeliveryAnswer,
    ),
    lookup_exchange: operation(GatewayOperation.lookup_exchange, LookupExchangeRequest, SendAnswer),
  },
});
export type GatewayOperations = (typeof gatewayProtocol)['operations'];
