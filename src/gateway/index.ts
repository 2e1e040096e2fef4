// specie/gateway: a gateway between a LAN and the WAN. docs/gateway.md says how.
export { GatewayError, type GatewayErrorCode } from './errors.ts';
export {
  type ExchangeReport,
  type FundsReport,
  Gateway,
  type GatewayOptions,
  type GatewayStatus,
  openGateway,
} from './gateway.ts';
export type { GatewayLog, GatewayStep, OnStep } from './interface.ts';
export {
  askDesk,
  atDesk,
  type DeskCommand,
  type DeskReply,
  type ExchangeText,
  type FundsText,
  type StatusText,
  type TerminalText,
} from './node/desk.ts';
export {
  GATEWAY_HOME_DEFAULT,
  GatewayHome,
  LAN_PORT_DEFAULT,
  WAN_PORT_DEFAULT,
} from './node/gateway-home.ts';
export {
  type EnrolGatewayOptions,
  enrolGateway,
  type GatewaySettings,
  type MakeGatewayOptions,
  makeGateway,
} from './node/make-gateway.ts';
export { OpenGateway, type OpenGatewayOptions, openGatewayNode } from './node/open-gateway.ts';
export type { GatewayTerms } from './terms.ts';
