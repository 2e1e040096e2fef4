// specie/terminal: a device that holds notes, on a LAN or on the WAN. docs/terminal.md shows how.
export { ADDRESS_CHARACTERS_MAX, decodeAddress, encodeAddress } from './address.ts';
export type { FailedDelivery, ReceivedDelivery, ReceiveResult } from './deliveries.ts';
export type { WaitOptions } from './desk.ts';
export { TERMINAL_ERROR_ADVICE, TerminalError, type TerminalErrorCode } from './errors.ts';
export { OpenTerminal, type OpenTerminalOptions } from './node/open-terminal.ts';
export {
  currencyOf,
  type GatewayEntry,
  gatewayKeyOf,
  type MadeTerminal,
  type MakeTerminalOptions,
  makeTerminal,
  putGateway,
  TERMINAL_HOME_DEFAULT,
  type TerminalFile,
  TerminalHome,
  type WideMintOptions,
} from './node/terminal-home.ts';
export type {
  GatewayCalls,
  KnownGateway,
  SecretsByNumber,
  TerminalEvent,
  TerminalKeys,
  TerminalOptions,
  TerminalTimes,
} from './ports.ts';
export { type DepositOptions, METHOD_DEFAULT, type Withdrawal } from './quotes.ts';
export type { HistoryEvent, HistoryRecord } from './records.ts';
export type { RestoreResult } from './restore.ts';
export { feeOfTerms, type SendOptions, type SendResult } from './sends.ts';
export { type Balance, type OpenOperation, type Registered, type Resumed, Terminal } from './terminal.ts';
export type { MadeToken } from './tokens.ts';
