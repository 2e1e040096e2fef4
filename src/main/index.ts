// `import { connect } from 'specie'`: everything that a program beside the engine needs.
export { Client, type ClientEvent, type ClientOptions, connect } from '../channel/client.ts';
export { ClientError, type ClientErrorCode } from '../channel/client-error.ts';
export { IdentityError, type IdentityErrorCode } from '../identity/errors.ts';
export * from '../layout/generated.ts';
export { decodeBalanceLimit, encodeBalanceLimit } from '../shared/balance-limit.ts';
export { id, idGenerator, idMilliseconds } from '../shared/id.ts';
export type { CallOptions } from '../wire/calls.ts';
export type { ClientIdentity } from '../wire/channel-identity.ts';
export type { CreateAccountResult, CreateTransferResult } from '../wire/results.ts';
export { RETRY_ADVICE, RequestStatus, type RequestStatusName, type RetryAdvice } from '../wire/status.ts';
export { connectAsOperator, type OperatorConnectionOptions } from './connect-as-operator.ts';
