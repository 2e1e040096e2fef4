// What is refused to whoever runs a gateway. What terminals are refused is in src/roles/gateway/errors.ts.
export type GatewayErrorCode =
  /** There is none in that folder. */
  | 'gateway_missing'
  /** There is one already. */
  | 'gateway_exists'
  /** Another process has it open. */
  | 'gateway_locked'
  /** Its store is damaged. */
  | 'gateway_damaged'
  | 'storage_failed'
  /** It is not open, or closes. */
  | 'gateway_closed'
  | 'terminal_unknown'
  /** More than is the organisation's own. */
  | 'exceeds_own'
  | 'invalid_argument';

export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;

  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
