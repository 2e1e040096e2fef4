// What a shop asks of management beside its purchases and orders: one call at a time.
import { operation, protocol } from '../roles/common/operation.ts';
import { type CallResult, type MessageTransport, RoleClient } from '../roles/common/role-client.ts';
import { MANAGEMENT_REFUSALS, type ManagementRefusal } from '../roles/management/errors.ts';
import {
  EnrolShopAnswer,
  EnrolShopRequest,
  GetDirectoryAnswer,
  GetDirectoryRequest,
  ManagementOperation,
  RenewCertificateAnswer,
  RenewCertificateRequest,
} from '../roles/management/messages.ts';

const calls = protocol({
  role: 'management',
  refusals: MANAGEMENT_REFUSALS,
  operations: {
    enrol_shop: operation(ManagementOperation.enrol_shop, EnrolShopRequest, EnrolShopAnswer),
    get_directory: operation(ManagementOperation.get_directory, GetDirectoryRequest, GetDirectoryAnswer),
    renew_certificate: operation(
      ManagementOperation.renew_certificate,
      RenewCertificateRequest,
      RenewCertificateAnswer,
    ),
  },
});

type Result<Answer> = Promise<CallResult<Answer, ManagementRefusal>>;

/** Promises never reject: no answer is `unknown`. */
export interface ManagementCalls {
  enrolShop(request: EnrolShopRequest): Result<EnrolShopAnswer>;
  getDirectory(): Result<GetDirectoryAnswer>;
  renewCertificate(): Result<RenewCertificateAnswer>;
}

export function managementCalls(transport: MessageTransport): ManagementCalls {
  const client = new RoleClient({ protocol: calls, transport });
  return {
    enrolShop: (request) => client.call('enrol_shop', request),
    getDirectory: () => client.call('get_directory', {}),
    renewCertificate: () => client.call('renew_certificate', {}),
  };
}
