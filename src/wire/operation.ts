// What a request asks for, and the sizes of the records it carries and gets back.
import {
  AccountBalanceLayout,
  AccountFilterLayout,
  AccountLayout,
  BATCH_RECORDS_MAX,
  ChangeEventLayout,
  ChangeEventsFilterLayout,
  CreateResultLayout,
  OperationNames,
  PAYMENT_ORDERS_MAX,
  PaymentOrderLayout,
  TransferLayout,
} from '../layout/generated.ts';
import { CHANGE_EVENTS_MAX, MESSAGES_MAX } from './limits.ts';

/**
 * Writes have the numbers of the journal's operations; reads start at 16, the channel's own requests at 128. 32 to 127 are
 * the message operations of roles: what their messages say is the roles' matter, and so are their names.
 */
export const RequestOperation = {
  create_accounts: 1,
  create_transfers: 2,
  create_payment_orders: 4,
  lookup_accounts: 16,
  lookup_transfers: 17,
  get_account_transfers: 18,
  get_account_balances: 19,
  get_change_events: 20,
  hello: 128,
  ping: 129,
} as const;
export type RequestOperationName = keyof typeof RequestOperation;

/**
 * 'write': changes the ledger, once. 'read': may be repeated freely. 'message': as often as one likes too, as each message
 * names its request. 'channel': answered by the server itself.
 */
export type OperationKind = 'write' | 'read' | 'message' | 'channel';

export const MESSAGE_OPERATION_FIRST = 32;
export const MESSAGE_OPERATION_LAST = 127;

export interface OperationShape {
  readonly name: string;
  readonly kind: OperationKind;
  /** Bytes of one record of the request's body, of the reply's; 0 for messages, which bring their lengths. */
  readonly requestSize: number;
  readonly replySize: number;
  /** Records of a request: at least, at most. */
  readonly countMin: number;
  readonly countMax: number;
  /** Records of a reply, at most. */
  readonly replyCountMax: number;
}

export const HELLO_SIZE = 32;
export const HELLO_REPLY_SIZE = 64;

const ID_SIZE = 16;

const SHAPES: {
  readonly [name in RequestOperationName]: readonly [OperationKind, number, number, number, number, number];
} = {
  create_accounts: [
    'write',
    AccountLayout.size,
    CreateResultLayout.size,
    1,
    BATCH_RECORDS_MAX,
    BATCH_RECORDS_MAX,
  ],
  create_transfers: [
    'write',
    TransferLayout.size,
    CreateResultLayout.size,
    1,
    BATCH_RECORDS_MAX,
    BATCH_RECORDS_MAX,
  ],
  create_payment_orders: [
    'write',
    PaymentOrderLayout.size,
    CreateResultLayout.size,
    1,
    PAYMENT_ORDERS_MAX,
    PAYMENT_ORDERS_MAX,
  ],
  lookup_accounts: ['read', ID_SIZE, AccountLayout.size, 1, BATCH_RECORDS_MAX, BATCH_RECORDS_MAX],
  lookup_transfers: ['read', ID_SIZE, TransferLayout.size, 1, BATCH_RECORDS_MAX, BATCH_RECORDS_MAX],
  get_account_transfers: ['read', AccountFilterLayout.size, TransferLayout.size, 1, 1, BATCH_RECORDS_MAX],
  get_account_balances: [
    'read',
    AccountFilterLayout.size,
    AccountBalanceLayout.size,
    1,
    1,
    BATCH_RECORDS_MAX,
  ],
  get_change_events: ['read', ChangeEventsFilterLayout.size, ChangeEventLayout.size, 1, 1, CHANGE_EVENTS_MAX],
  hello: ['channel', HELLO_SIZE, HELLO_REPLY_SIZE, 1, 1, 1],
  ping: ['channel', 0, 0, 0, 0, 0],
};

const BY_NUMBER: (OperationShape | undefined)[] = new Array(256).fill(undefined);
for (const name of Object.keys(SHAPES) as RequestOperationName[]) {
  const [kind, requestSize, replySize, countMin, countMax, replyCountMax] = SHAPES[name];
  BY_NUMBER[RequestOperation[name]] = {
    name,
    kind,
    requestSize,
    replySize,
    countMin,
    countMax,
    replyCountMax,
  };
}

for (let operation = MESSAGE_OPERATION_FIRST; operation <= MESSAGE_OPERATION_LAST; operation++) {
  BY_NUMBER[operation] = {
    name: `message_${operation}`,
    kind: 'message',
    requestSize: 0,
    replySize: 0,
    countMin: 1,
    countMax: MESSAGES_MAX,
    replyCountMax: MESSAGES_MAX,
  };
}

/** The shape of an operation's messages; undefined: there is no such operation. */
export function operationShape(operation: number): OperationShape | undefined {
  return BY_NUMBER[operation];
}

export function operationName(operation: number): string {
  return BY_NUMBER[operation]?.name ?? OperationNames.get(operation) ?? `operation ${operation}`;
}
