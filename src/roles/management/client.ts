// Management, over a connection to it: what devices, shops and operators call.

import type { AnswerOf, RequestOf } from '../common/operation.ts';
import type { CallResult, MessageTransport } from '../common/role-client.ts';
import { RoleClient } from '../common/role-client.ts';
import type { ManagementRefusal } from './errors.ts';
import { FRAME_BYTES_MAX } from './limits.ts';
import { type ManagementOperations, managementProtocol } from './messages.ts';

type Call<Name extends keyof ManagementOperations> = (
  request: RequestOf<ManagementOperations[Name]>,
) => Promise<CallResult<AnswerOf<ManagementOperations[Name]>, ManagementRefusal>>;

/** A promise never rejects: no answer is `unknown`, and the same message may be sent again. */
export interface ManagementClient {
  readonly enrol: Call<'enrol'>;
  readonly fileAccount: Call<'file_account'>;
  readonly load: Call<'load'>;
  readonly getBalance: Call<'get_balance'>;
  readonly getDirectory: Call<'get_directory'>;
  readonly renewCertificate: Call<'renew_certificate'>;
  readonly lookupRequest: Call<'lookup_request'>;
  readonly listRequests: Call<'list_requests'>;
  readonly listDevices: Call<'list_devices'>;
  readonly getStatement: Call<'get_statement'>;
  readonly enrolShop: Call<'enrol_shop'>;
  readonly pay: Call<'pay'>;
  readonly shopOrder: Call<'shop_order'>;
  readonly deviceOrder: Call<'device_order'>;
  readonly listShops: Call<'list_shops'>;
  readonly approveShop: Call<'approve_shop'>;
  readonly closeShop: Call<'close_shop'>;
  readonly listShopRequests: Call<'list_shop_requests'>;
  readonly closeWindow: Call<'close_window'>;
  readonly listWindows: Call<'list_windows'>;
  readonly showWindow: Call<'show_window'>;
  readonly openPurse: Call<'open_purse'>;
  readonly reportTransfer: Call<'report_transfer'>;
  readonly closePurse: Call<'close_purse'>;
  readonly getPurseStatement: Call<'get_purse_statement'>;
  readonly getBlockList: Call<'get_block_list'>;
  readonly reportFraud: Call<'report_fraud'>;
  readonly deviceExposure: Call<'device_exposure'>;
}

export function managementClient(transport: MessageTransport): ManagementClient {
  const client = new RoleClient({ protocol: managementProtocol, transport, frameBytesMax: FRAME_BYTES_MAX });
  return {
    enrol: (request) => client.call('enrol', request),
    fileAccount: (request) => client.call('file_account', request),
    load: (request) => client.call('load', request),
    getBalance: (request) => client.call('get_balance', request),
    getDirectory: (request) => client.call('get_directory', request),
    renewCertificate: (request) => client.call('renew_certificate', request),
    lookupRequest: (request) => client.call('lookup_request', request),
    listRequests: (request) => client.call('list_requests', request),
    listDevices: (request) => client.call('list_devices', request),
    getStatement: (request) => client.call('get_statement', request),
    enrolShop: (request) => client.call('enrol_shop', request),
    pay: (request) => client.call('pay', request),
    shopOrder: (request) => client.call('shop_order', request),
    deviceOrder: (request) => client.call('device_order', request),
    listShops: (request) => client.call('list_shops', request),
    approveShop: (request) => client.call('approve_shop', request),
    closeShop: (request) => client.call('close_shop', request),
    listShopRequests: (request) => client.call('list_shop_requests', request),
    closeWindow: (request) => client.call('close_window', request),
    listWindows: (request) => client.call('list_windows', request),
    showWindow: (request) => client.call('show_window', request),
    openPurse: (request) => client.call('open_purse', request),
    reportTransfer: (request) => client.call('report_transfer', request),
    closePurse: (request) => client.call('close_purse', request),
    getPurseStatement: (request) => client.call('get_purse_statement', request),
    getBlockList: (request) => client.call('get_block_list', request),
    reportFraud: (request) => client.call('report_fraud', request),
    deviceExposure: (request) => client.call('device_exposure', request),
  };
}
