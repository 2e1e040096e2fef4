// What management carries through, each as a state machine of pure functions.
//
//     enrolment
//                    ┌─ opened (one currency of several)
//                    ▼ │
//     admitted ─▶ opening ─ opened (the last; certificate) ─▶ enrolled
//                      └─── applyBy has passed ─────────────▶ expired
//
//     account filing
//     admitted ─▶ filed
//
//     load
//     admitted ─▶ charging ─ charged ─▶ crediting ─ credited ─▶ loaded
//                  │ │ │                    └─ rejected ─▶ reversing ─▶ reversed
//                  │ │ └─ reversed ───────────────────────────────────▶ reversed
//                  │ └─── expired ─▶ expired
//                  └───── declined ─▶ declined
//
// Settlement may refuse a charge for what its directory or configuration says today (`charging_refused`). That is no end: a
// copy of the charge that is still on its way may be taken when a newer directory is there. So it is asked again until
// `applyBy` has passed, then asked to prevent the charge, and only then the load is declined. If it turns out that the
// charge stands after all, the load goes on.
//
// Opening, charging, crediting and reversing have a second name each, `…_distrusted`: the partner has answered something that cannot
// be right (a receipt of another amount, a signature that is not good, a refusal of what it may not refuse). Nothing of it
// is believed, the device goes on waiting, the partner is asked again with long pauses, and an operator sees the state.
// Whether money was charged is never guessed: only settlement's word ends charging, only cash's ends crediting.
//
// A charge is given back only against cash's signed rejection of its credit, which settlement asks for. A refusal by cash
// says that nothing was credited now, not that nothing ever will be: whoever has the charge receipt may ask again. So no
// refusal ends crediting:
//
//     busy, storage_full, stopping, internal_error   again, after a pause: no state of its own
//     receipt_invalid       cash has an older directory: a newer one is on its way; or settlement's key was withdrawn, and
//                           settlement is asked for its receipt again: it signs it anew
//     receipt_mismatch, signature_invalid, malformed, amount_too_large, request_differs
//                           management has checked that itself: one of the two is broken, or not of this version
//     not_permitted         cash takes management for somebody else: its directory
//     device_unknown, key_mismatch
//                           cash was asked to open the account and has opened it: one of the registries was lost, or is
//                           a forgery. Brought back, the load goes on
//     credited_otherwise    the order is credited, under another device's number or by hand: to reverse it would be to
//                           give the money twice
//
// Each but the first is `crediting_distrusted`, with the code as its detail. An operator has to look; when the cause is
// gone the load goes on by itself. What cash will never credit (a limit, a closed account, a currency that the device has
// no account in), it rejects.
import { type Infer, list, optional, struct, text, u8, u32, u64, u128, union } from '../../shared/codec.ts';
import type { CreditRequest, OpenAccountRequest } from '../cash/messages.ts';
import { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import { DEVICE_CURRENCIES_MAX } from '../documents/device-order.ts';
import { USER_DATA_BYTES_MAX } from '../documents/enrolment.ts';
import { LoadOrder } from '../documents/load-order.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  type SignedChargeReceipt,
  type SignedCreditReceipt,
  type SignedCreditRejection,
} from '../documents/receipts.ts';
import { publicKey } from '../documents/signed.ts';
import type { Flow, Put, WriteContext } from '../flow/flow.ts';
import type { ChargeRequest, ReverseRequest } from '../settlement/messages.ts';
import {
  Certificate,
  findSigningKey,
  putAccount,
  putChannelKey,
  putDevice,
  putDeviceCounts,
  putNumber,
  putSigningKey,
  removeChannelKey,
} from './registry.ts';
import { type LoadChange, putLoadChange } from './usage.ts';

/** As the messages have it: a reason, a state's name. */
export const REASON_BYTES_MAX = 64;
const Reason = text(REASON_BYTES_MAX);

export function nameOfState(state: {
  readonly kind: string;
  readonly refused?: string | undefined;
  readonly distrusted?: string | undefined;
}): string {
  if (state.distrusted !== undefined) return `${state.kind}_distrusted`;
  return state.refused === undefined ? state.kind : `${state.kind}_refused`;
}

// ---- Enrolment

const EnrolState = union({
  opening: struct({
    device: u128,
    signingKey: publicKey,
    channelKey: publicKey,
    userData: text(USER_DATA_BYTES_MAX),
    account: optional(SealedAccount),
    applyBy: u64,
    /** Accounts to open at cash, in this order. */
    currencies: list(u32, DEVICE_CURRENCIES_MAX),
    /** How many of them are open. */
    opened: u8,
    /** What was wrong with cash's last answer. */
    distrusted: optional(Reason),
  }),
  enrolled: struct({ device: u128, certificate: Certificate, notAfter: u64 }),
  expired: struct({ device: u128, signingKey: publicKey, channelKey: publicKey }),
});
export type EnrolState = Infer<typeof EnrolState>;

export type EnrolEffect =
  | {
      readonly kind: 'open';
      readonly account: OpenAccountRequest;
      /** The keys to certify when the account is open; undefined: further accounts come first. */
      readonly certify: { readonly channelKey: Uint8Array } | undefined;
      readonly distrusted: string | undefined;
    }
  | { readonly kind: 'expire' };

export interface IssuedCertificate {
  readonly certificate: Uint8Array;
  readonly notAfter: bigint;
}

export type EnrolOutcome =
  | { readonly kind: 'opened'; readonly issued: IssuedCertificate | undefined }
  | { readonly kind: 'distrusted'; readonly reason: string }
  | { readonly kind: 'expired' };

/** Of a device's first certificate. */
export const SERIAL_FIRST = 1n;

export const enrolFlow: Flow<EnrolState, EnrolEffect, EnrolOutcome> = {
  kind: 1,
  name: 'enrolment',
  state: EnrolState,
  effect(state, now) {
    if (state.kind !== 'opening') return undefined;
    if (now >= state.applyBy) return { kind: 'expire' };
    const { device, signingKey, channelKey, currencies, opened, distrusted } = state;
    return {
      kind: 'open',
      account: { device, signingKey, currency: currencies[opened]! },
      certify: opened + 1 === currencies.length ? { channelKey } : undefined,
      distrusted,
    };
  },
  next(state, outcome, now) {
    if (state.kind !== 'opening') return state;
    const { device, signingKey, channelKey } = state;
    if (outcome.kind === 'expired' || now >= state.applyBy) {
      return { kind: 'expired', device, signingKey, channelKey };
    }
    if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
    if (outcome.issued !== undefined) return { kind: 'enrolled', device, ...outcome.issued };
    return { ...state, opened: state.opened + 1, distrusted: undefined };
  },
  stateName: nameOfState,
  writes: enrolWrites,
};

function enrolWrites(
  before: EnrolState | undefined,
  after: EnrolState,
  { id, now, reads }: WriteContext,
): readonly Put[] {
  const { device } = after;
  if (after.kind === 'opening') {
    if (before !== undefined) return [];
    const isBack = findSigningKey(reads, after.signingKey) !== undefined;
    return [
      putNumber(device, id),
      putSigningKey(after.signingKey, { device, request: id, standing: 'enrolling' }),
      putChannelKey(after.channelKey, device),
      putDeviceCounts(reads, { enrolled: 0n, enrolling: 1n, givenBack: isBack ? -1n : 0n }),
    ];
  }
  if (after.kind === 'expired') {
    return [
      putSigningKey(after.signingKey, { device, request: id, standing: 'given_back' }),
      removeChannelKey(after.channelKey),
      putDeviceCounts(reads, { enrolled: 0n, enrolling: -1n, givenBack: 1n }),
    ];
  }
  if (before?.kind !== 'opening') return [];
  const { signingKey, channelKey, userData, account } = before;
  const { certificate, notAfter } = after;
  return [
    putDeviceCounts(reads, { enrolled: 1n, enrolling: -1n, givenBack: 0n }),
    putSigningKey(signingKey, { device, request: id, standing: 'enrolled' }),
    putDevice(device, {
      request: id,
      signingKey,
      channelKey,
      userData,
      enrolledAt: now,
      serial: SERIAL_FIRST,
      certificate,
      notAfter,
      revoked: undefined,
      blocked: undefined,
      replacedBy: undefined,
    }),
    ...(account === undefined
      ? []
      : [putAccount(device, { account, binding: { purpose: 'file', request: id } })]),
  ];
}

// ---- Account filing

const FilingState = struct({ device: u128, account: SealedAccount });
export type FilingState = Infer<typeof FilingState>;

/** Done by the write that admits it: the account on file is replaced once, however often it is asked for. */
export const filingFlow: Flow<FilingState, never, never> = {
  kind: 2,
  name: 'account_filing',
  state: FilingState,
  effect: () => undefined,
  next: (state) => state,
  stateName: () => 'filed',
  writes: (before, { device, account }, { id }) =>
    before === undefined ? [putAccount(device, { account, binding: { purpose: 'file', request: id } })] : [],
};

// ---- Load

const LoadState = union({
  charging: struct({
    device: u128,
    order: LoadOrder.signed,
    /** Decided at admission, for good: the one given, or the one that was on file. */
    account: SealedAccount,
    binding: AccountBinding,
    /** Why settlement has refused it so far, where that is not final. */
    refused: optional(Reason),
    /** What was wrong with settlement's last answer. */
    distrusted: optional(Reason),
  }),
  crediting: struct({
    device: u128,
    order: LoadOrder.signed,
    /** As settlement was asked: it may have to sign its receipt anew. */
    account: SealedAccount,
    binding: AccountBinding,
    charge: ChargeReceipt.signed,
    distrusted: optional(Reason),
  }),
  reversing: struct({
    device: u128,
    order: LoadOrder.signed,
    charge: ChargeReceipt.signed,
    /** That cash has rejected the credit, and why: without it settlement gives nothing back. */
    rejection: CreditRejection.signed,
    distrusted: optional(Reason),
  }),
  loaded: struct({
    device: u128,
    order: LoadOrder.signed,
    charge: ChargeReceipt.signed,
    credit: CreditReceipt.signed,
  }),
  declined: struct({ device: u128, order: LoadOrder.signed, reason: Reason }),
  expired: struct({ device: u128, order: LoadOrder.signed }),
  reversed: struct({
    device: u128,
    order: LoadOrder.signed,
    charge: optional(ChargeReceipt.signed),
    /** Left out: it was settlement that reversed. */
    rejection: optional(CreditRejection.signed),
    reason: Reason,
  }),
});
export type LoadState = Infer<typeof LoadState>;

export type LoadEffect = {
  /** As in the state: a problem that is known already is not written anew at each attempt. */
  readonly distrusted: string | undefined;
} & (
  | { readonly kind: 'charge'; readonly request: ChargeRequest; readonly refused: string | undefined }
  /** What was refused so far never comes into effect. */
  | { readonly kind: 'prevent'; readonly request: ReverseRequest }
  /** `charge`: asks settlement for its receipt once more, if cash does not take the one of the request. */
  | { readonly kind: 'credit'; readonly request: CreditRequest; readonly charge: ChargeRequest }
  | { readonly kind: 'reverse'; readonly request: ReverseRequest }
);

export type LoadOutcome =
  | { readonly kind: 'charged'; readonly receipt: SignedChargeReceipt }
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'expired' }
  /** By settlement, for a reason that may pass. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It has taken what it refused before. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'prevented' }
  /** By settlement, asked for or not. */
  | { readonly kind: 'reversed'; readonly reason: string }
  | { readonly kind: 'credited'; readonly receipt: SignedCreditReceipt }
  | { readonly kind: 'rejected'; readonly rejection: SignedCreditRejection }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const loadFlow: Flow<LoadState, LoadEffect, LoadOutcome> = {
  kind: 3,
  name: 'load',
  state: LoadState,
  effect(state, now) {
    switch (state.kind) {
      case 'charging': {
        const { order, account, binding, refused, distrusted } = state;
        const { request, applyBy } = order.document;
        if (refused !== undefined && now >= applyBy) {
          return { kind: 'prevent', request: { request, reason: refused, rejection: undefined }, distrusted };
        }
        return { kind: 'charge', request: { order, account, binding }, refused, distrusted };
      }
      case 'crediting': {
        const { device, order, account, binding, charge, distrusted } = state;
        return {
          kind: 'credit',
          request: { device, order, receipt: charge },
          charge: { order, account, binding },
          distrusted,
        };
      }
      case 'reversing': {
        const { order, rejection, distrusted } = state;
        const { request } = order.document;
        const { reason } = rejection.document;
        return { kind: 'reverse', request: { request, reason, rejection }, distrusted };
      }
      default:
        return undefined;
    }
  },
  next(state, outcome) {
    switch (state.kind) {
      case 'charging':
        return afterCharge(state, outcome);
      case 'crediting':
        return afterCredit(state, outcome);
      case 'reversing':
        return afterReversal(state, outcome);
      default:
        return state;
    }
  },
  stateName: nameOfState,
  writes(before, after, { now, reads }) {
    const isOpen = loadFlow.effect(after, now) !== undefined;
    if (before !== undefined && isOpen) return [];
    const change: LoadChange = { open: isOpen ? 1 : -1, isDeclined: after.kind === 'declined' };
    return [putLoadChange(reads, after.device, now, change)];
  },
};

type LoadIn<Kind extends LoadState['kind']> = LoadState & { readonly kind: Kind };

// An outcome that does not belong to the state changes nothing: the effect is performed again.

function afterCharge(state: LoadIn<'charging'>, outcome: LoadOutcome): LoadState {
  const { device, order, account, binding } = state;
  switch (outcome.kind) {
    case 'charged': {
      const { receipt: charge } = outcome;
      return { kind: 'crediting', device, order, account, binding, charge, distrusted: undefined };
    }
    case 'declined':
      return { kind: 'declined', device, order, reason: outcome.reason };
    case 'expired':
      return { kind: 'expired', device, order };
    case 'refused':
      return { ...state, refused: outcome.reason, distrusted: undefined };
    case 'taken':
      return { ...state, refused: undefined, distrusted: undefined };
    case 'prevented':
      return state.refused === undefined ? state : { kind: 'declined', device, order, reason: state.refused };
    case 'reversed':
      return {
        kind: 'reversed',
        device,
        order,
        charge: undefined,
        rejection: undefined,
        reason: outcome.reason,
      };
    case 'distrusted':
      return { ...state, distrusted: outcome.reason };
    default:
      return state;
  }
}

function afterCredit(state: LoadIn<'crediting'>, outcome: LoadOutcome): LoadState {
  const { device, order, charge } = state;
  switch (outcome.kind) {
    case 'charged':
      // Until cash takes it, nothing is better than it was.
      return { ...state, charge: outcome.receipt };
    case 'credited':
      return { kind: 'loaded', device, order, charge, credit: outcome.receipt };
    case 'rejected':
      return {
        kind: 'reversing',
        device,
        order,
        charge,
        rejection: outcome.rejection,
        distrusted: undefined,
      };
    case 'distrusted':
      return { ...state, distrusted: outcome.reason };
    default:
      return state;
  }
}

function afterReversal(state: LoadIn<'reversing'>, outcome: LoadOutcome): LoadState {
  const { device, order, charge, rejection } = state;
  const { reason } = rejection.document;
  switch (outcome.kind) {
    case 'reversed':
      return { kind: 'reversed', device, order, charge, rejection, reason };
    case 'distrusted':
      return { ...state, distrusted: outcome.reason };
    default:
      return state;
  }
}
