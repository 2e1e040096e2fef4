// What management is asked, and what it answers. Numbers are fixed for ever.
//
// By devices: enrol (no certificate yet), file_account, load, get_balance, get_directory, renew_certificate.
// By operators: lookup_request, list_requests, list_devices, revoke_device.
import {
  bool,
  bytesUpTo,
  type Infer,
  list,
  nothing,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { SealedAccount } from '../documents/account-seal.ts';
import { AccountFiling, Enrolment, USER_DATA_BYTES_MAX } from '../documents/enrolment.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { CreditReceipt } from '../documents/receipts.ts';
import { publicKey } from '../documents/signed.ts';
import { MANAGEMENT_REFUSALS } from './errors.ts';

export const ManagementOperation = {
  enrol: 32,
  file_account: 33,
  load: 34,
  get_balance: 35,
  get_directory: 36,
  renew_certificate: 37,
  lookup_request: 48,
  list_requests: 49,
  list_devices: 50,
  revoke_device: 51,
} as const;

/** Bytes of a signed device certificate, and of a signed directory, at most. */
const CERTIFICATE_BYTES_MAX = 1024;
const DIRECTORY_BYTES_MAX = 64 * 1024;
const Certificate = bytesUpTo(CERTIFICATE_BYTES_MAX);

export const EnrolRequest = struct({ enrolment: Enrolment.signed });
export type EnrolRequest = Infer<typeof EnrolRequest>;
export const EnrolAnswer = union({
  /** Not through yet: ask again with the same message. */
  pending: nothing,
  enrolled: struct({ device: u128, certificate: Certificate }),
  /** The time of the enrolment's `applyBy` has come first. Nothing was enrolled. */
  expired: nothing,
});
export type EnrolAnswer = Infer<typeof EnrolAnswer>;

export const FileAccountRequest = struct({ filing: AccountFiling.signed });
export type FileAccountRequest = Infer<typeof FileAccountRequest>;
export const FileAccountAnswer = struct({ filedAt: u64 });
export type FileAccountAnswer = Infer<typeof FileAccountAnswer>;

export const LoadRequest = struct({
  order: LoadOrder.signed,
  /** Given: claim 4 (purpose `load`, bound to the order's request). Left out: the one on file, claim 5. */
  account: optional(SealedAccount),
});
export type LoadRequest = Infer<typeof LoadRequest>;
export const LoadAnswer = union({
  /** Not through yet, or unknown as yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  loaded: struct({ receipt: CreditReceipt.signed }),
  /** The institution has declined; nothing was charged. */
  declined: struct({ reason: text(64) }),
  /** The time of the order's `applyBy` has come first. Nothing was charged. */
  expired: nothing,
  /** What was charged, or may have been, was given back. */
  reversed: struct({ reason: text(64) }),
});
export type LoadAnswer = Infer<typeof LoadAnswer>;

/** Of the device that asks. */
export const GetBalanceRequest = struct({ currency: u32 });
export type GetBalanceRequest = Infer<typeof GetBalanceRequest>;
export const GetBalanceAnswer = struct({
  /** Minor units: credits less debits, posted. */
  balance: u128,
  /** Minor units of the balance that are reserved. */
  reserved: u128,
  /** Of the ledger's state that was read, nanoseconds. */
  timestamp: u64,
});
export type GetBalanceAnswer = Infer<typeof GetBalanceAnswer>;

export const GetDirectoryRequest = nothing;
export const GetDirectoryAnswer = struct({ directory: bytesUpTo(DIRECTORY_BYTES_MAX) });
export type GetDirectoryAnswer = Infer<typeof GetDirectoryAnswer>;

/**
 * A new certificate for the same keys, when the old one nears its end or its issuer's key no longer counts. Also over a
 * channel without a certificate: what has run out is not let in.
 */
export const RenewCertificateRequest = nothing;
export const RenewCertificateAnswer = struct({ certificate: Certificate });
export type RenewCertificateAnswer = Infer<typeof RenewCertificateAnswer>;

export const DEVICES_PAGE_MAX = 1024;

export const ListDevicesRequest = struct({ after: optional(u128), limit: u16 });
export type ListDevicesRequest = Infer<typeof ListDevicesRequest>;
export const DeviceReport = struct({
  device: u128,
  signingKey: publicKey,
  enrolledAt: u64,
  userData: text(USER_DATA_BYTES_MAX),
  accountOnFile: bool,
  revoked: bool,
});
export type DeviceReport = Infer<typeof DeviceReport>;
export const ListDevicesAnswer = struct({ devices: list(DeviceReport, DEVICES_PAGE_MAX) });
export type ListDevicesAnswer = Infer<typeof ListDevicesAnswer>;

/** From then on no channel of the device is accepted, and no order of it. */
export const RevokeDeviceRequest = struct({ device: u128, reason: text(128) });
export type RevokeDeviceRequest = Infer<typeof RevokeDeviceRequest>;
export const RevokeDeviceAnswer = struct({ revokedAt: u64 });
export type RevokeDeviceAnswer = Infer<typeof RevokeDeviceAnswer>;

export const managementProtocol = protocol({
  role: 'management',
  refusals: MANAGEMENT_REFUSALS,
  operations: {
    enrol: operation(ManagementOperation.enrol, EnrolRequest, EnrolAnswer),
    file_account: operation(ManagementOperation.file_account, FileAccountRequest, FileAccountAnswer),
    load: operation(ManagementOperation.load, LoadRequest, LoadAnswer),
    get_balance: operation(ManagementOperation.get_balance, GetBalanceRequest, GetBalanceAnswer),
    get_directory: operation(ManagementOperation.get_directory, GetDirectoryRequest, GetDirectoryAnswer),
    renew_certificate: operation(
      ManagementOperation.renew_certificate,
      RenewCertificateRequest,
      RenewCertificateAnswer,
    ),
    lookup_request: operation(ManagementOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    list_requests: operation(ManagementOperation.list_requests, ListRequests, ListRequestsAnswer),
    list_devices: operation(ManagementOperation.list_devices, ListDevicesRequest, ListDevicesAnswer),
    revoke_device: operation(ManagementOperation.revoke_device, RevokeDeviceRequest, RevokeDeviceAnswer),
  },
});
export type ManagementOperations = (typeof managementProtocol)['operations'];
