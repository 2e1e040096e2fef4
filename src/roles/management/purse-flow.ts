// How a purse is opened, as a state machine of pure functions (flow.ts has the others).
//
//     admitted ─▶ opening ─ allowance of cash; certificate ─▶ open
//                   │ └─ opening_distrusted: cash has answered what cannot be right
//                   └─── cash rejects it ───────────────────▶ rejected      nothing was reserved; its keys are free again
//
// Cash alone knows the device's money and its other purses, and whether the opening came in time: nothing else ends it. The
// number is drawn with the admission, so that cash is asked for one purse however often it is asked. The certificate is
// signed with the allowance that is stored, and stored with it: the wallet gets the same bytes for ever.
import { bytesUpTo, type Infer, optional, struct, text, u128, union } from '../../shared/codec.ts';
import type { OpenPurseRequest } from '../cash/purse-messages.ts';
import { Allowance, PurseOpening, type SignedAllowance } from '../documents/purse.ts';
import type { Flow, Put, WriteContext } from '../flow/flow.ts';
import { nameOfState, REASON_BYTES_MAX } from './flow.ts';
import { PURSE_CERTIFICATE_BYTES_MAX } from './purse-messages.ts';
import { putPurse, putPurseKeys } from './purse-registry.ts';
import { putPurseStanding } from './purse-standing.ts';
import { putNumber, removeNumber } from './registry.ts';

const PurseState = union({
  opening: struct({
    purse: u128,
    opening: PurseOpening.signed,
    /** What was wrong with cash's last answer. */
    distrusted: optional(text(REASON_BYTES_MAX)),
  }),
  open: struct({
    purse: u128,
    opening: PurseOpening.signed,
    allowance: Allowance.signed,
    certificate: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX),
  }),
  rejected: struct({ purse: u128, opening: PurseOpening.signed, reason: text(REASON_BYTES_MAX) }),
});
export type PurseState = Infer<typeof PurseState>;

export interface PurseEffect {
  readonly kind: 'open';
  readonly request: OpenPurseRequest;
  readonly distrusted: string | undefined;
}

export type PurseOutcome =
  | { readonly kind: 'opened'; readonly allowance: SignedAllowance; readonly certificate: Uint8Array }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const purseFlow: Flow<PurseState, PurseEffect, PurseOutcome> = {
  kind: 8,
  name: 'purse_opening',
  state: PurseState,
  effect(state) {
    if (state.kind !== 'opening') return undefined;
    const { purse, opening, distrusted } = state;
    return { kind: 'open', request: { purse, opening }, distrusted };
  },
  next(state, outcome) {
    if (state.kind !== 'opening') return state;
    if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
    const { purse, opening } = state;
    if (outcome.kind === 'rejected') return { kind: 'rejected', purse, opening, reason: outcome.reason };
    const { allowance, certificate } = outcome;
    return { kind: 'open', purse, opening, allowance, certificate };
  },
  stateName: nameOfState,
  writes,
};

function writes(
  before: PurseState | undefined,
  after: PurseState,
  { id, now, reads }: WriteContext,
): readonly Put[] {
  const { purse } = after;
  const { device, signingKey, channelKey, currency } = after.opening.document;
  switch (after.kind) {
    case 'opening':
      if (before !== undefined) return [];
      return [putNumber(purse, id), ...putPurseKeys({ signingKey, channelKey }, purse)];
    case 'rejected':
      return [removeNumber(purse), ...putPurseKeys({ signingKey, channelKey }, undefined)];
    case 'open': {
      const { expiresAt, reportBy } = after.allowance.document;
      const keys = { signingKey, channelKey, currency };
      const times = { openedAt: now, expiresAt, reportBy, closed: undefined };
      return [
        ...putPurse(purse, { device, request: id, ...keys, ...times }),
        ...putPurseStanding(reads, purse, { device, expiresAt }, now),
      ];
    }
  }
}
