// What devices and operators ask management about purses. messages.ts has the numbers.
import {
  bytesUpTo,
  type Infer,
  list,
  nothing,
  optional,
  struct,
  text,
  u16,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import {
  ClosePurseAnswer,
  EXPOSURE_PURSES_MAX,
  PurseExposure,
  SettleTransferAnswer,
} from '../cash/purse-messages.ts';
import { BlockList } from '../documents/block-list.ts';
import { FraudProof } from '../documents/fraud-proof.ts';
import { Allowance, PurseClosing, PurseOpening } from '../documents/purse.ts';
import { Statement, StatementQuery } from '../documents/statement.ts';
import { ReportedTransfer } from '../documents/transfer.ts';

/** Bytes of a signed purse certificate, at most. */
export const PURSE_CERTIFICATE_BYTES_MAX = 256;

/** By the device that has signed it. Asked again with the same message, it is the same purse. */
export const OpenPurseRequest = struct({ opening: PurseOpening.signed });
export type OpenPurseRequest = Infer<typeof OpenPurseRequest>;
export const OpenPurseAnswer = union({
  /** Not through yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  opened: struct({ certificate: bytesUpTo(PURSE_CERTIFICATE_BYTES_MAX), allowance: Allowance.signed }),
  /** For good; nothing was reserved. */
  rejected: struct({ reason: text(64) }),
});
export type OpenPurseAnswer = Infer<typeof OpenPurseAnswer>;

/** By either side, or by whoever got the transfer as funding: who asks does not matter, what is signed does. */
export const ReportTransferRequest = struct({ transfer: ReportedTransfer });
export type ReportTransferRequest = Infer<typeof ReportTransferRequest>;
export const ReportTransferAnswer = union({
  /** Cash has not answered yet: report it again. */
  pending: nothing,
  /** Cash's word; the same transfer may be reported again until it is settled or rejected. */
  reported: struct({ outcome: SettleTransferAnswer }),
});
export type ReportTransferAnswer = Infer<typeof ReportTransferAnswer>;

/** By the device whose purse it is. */
export const ClosePurseRequest = struct({ closing: PurseClosing.signed });
export type ClosePurseRequest = Infer<typeof ClosePurseRequest>;
export const ClosePurseManagementAnswer = union({
  pending: nothing,
  answered: struct({ answer: ClosePurseAnswer }),
});
export type ClosePurseManagementAnswer = Infer<typeof ClosePurseManagementAnswer>;

/** Of a purse of the device that asks; the statement's `device` is the purse. */
export const GetPurseStatementRequest = struct({ purse: u128, query: StatementQuery });
export type GetPurseStatementRequest = Infer<typeof GetPurseStatementRequest>;
export const GetPurseStatementAnswer = struct({ statement: Statement.signed });
export type GetPurseStatementAnswer = Infer<typeof GetPurseStatementAnswer>;

/** Left out where the caller has the newest list, or asks for a part beyond its last one. */
export const GetBlockListAnswer = struct({ list: optional(BlockList.signed) });
export type GetBlockListAnswer = Infer<typeof GetBlockListAnswer>;

/** A proof that a wallet has found by itself: two orders that came to it and cannot both be honest. */
export const ReportFraudRequest = struct({ proof: FraudProof });
export type ReportFraudRequest = Infer<typeof ReportFraudRequest>;
export const ReportFraudAnswer = struct({ blockedAt: u64 });
export type ReportFraudAnswer = Infer<typeof ReportFraudAnswer>;

/** By operators. */
export const DeviceExposureRequest = struct({ device: u128 });
export type DeviceExposureRequest = Infer<typeof DeviceExposureRequest>;
export const DeviceExposureAnswer = struct({
  purses: list(PurseExposure, EXPOSURE_PURSES_MAX),
  /** Proofs against purses of the device, by kind and time. */
  frauds: list(
    struct({ purse: u128, kind: text(32), provenAt: u64, proof: FraudProof }),
    EXPOSURE_PURSES_MAX,
  ),
  /** Of the block list that names its purses; 0: it does not. */
  blockListSerial: u64,
  purseCount: u16,
});
export type DeviceExposureAnswer = Infer<typeof DeviceExposureAnswer>;
