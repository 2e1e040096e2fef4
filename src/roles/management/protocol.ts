// The operations of management, for its engine and for whoever calls it.
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { MANAGEMENT_REFUSALS } from './errors.ts';
import {
  EnrolAnswer,
  EnrolRequest,
  FileAccountAnswer,
  FileAccountRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  GetDirectoryAnswer,
  GetDirectoryRequest,
  ListDevicesAnswer,
  ListDevicesRequest,
  LoadAnswer,
  LoadRequest,
  ManagementOperation,
  RenewCertificateAnswer,
  RenewCertificateRequest,
  RevokeDeviceAnswer,
  RevokeDeviceRequest,
} from './messages.ts';

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
export type ManagementProtocol = typeof managementProtocol;
