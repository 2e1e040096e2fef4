// What the commands have in common that ask management something as an operator.
import type { OperatorHome } from '../identity/load-home.ts';
import { type CallResult, RoleClient } from '../roles/common/role-client.ts';
import { managementProtocol } from '../roles/management/messages.ts';
import { withOperator, withRole } from './connect.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import type { HomeOptions } from './home-options.ts';
import type { Output } from './output.ts';

export type Management = RoleClient<(typeof managementProtocol)['operations']>;

/** As management takes it. */
const REASON_BYTES_MAX = 128;
export const REASON_HELP = `kept with it, at most ${REASON_BYTES_MAX} bytes`;

export function withManagement(
  options: HomeOptions,
  output: Output,
  use: (management: Management, operator: OperatorHome) => Promise<void>,
): Promise<void> {
  return withOperator(options, (operator) =>
    withRole(operator, 'management', output, (transport) =>
      use(new RoleClient({ protocol: managementProtocol, transport }), operator),
    ),
  );
}

/** @throws CommandError */
export function answered<Answer>(result: CallResult<Answer>): Answer {
  switch (result.kind) {
    case 'ok':
      return result.answer;
    case 'refused':
      throw new CommandError(`management: ${result.refusal.message}`, ExitCode.refused);
    default:
      throw new CommandError(
        `management: expected an answer, got none: ${result.reason}`,
        ExitCode.unreachable,
      );
  }
}

/** @throws CommandError */
export function checkReason(reason: string): string {
  const bytes = Buffer.byteLength(reason);
  if (bytes <= REASON_BYTES_MAX) return reason;
  throw new CommandError(`--reason: expected at most ${REASON_BYTES_MAX} bytes, got ${bytes}`);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Whoever enrols chooses this text: what would move a terminal's cursor, or turn the line round, is shown as its number. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
