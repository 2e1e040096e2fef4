// What the commands have in common that ask management something as an operator.
import { setTimeout } from 'node:timers/promises';
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

/** How long a command waits for cash. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = 250;

/** Asks until what management tells cash has been carried out there. @param otherwise what to do when it takes long @throws CommandError */
export async function untilDone<Answer extends { readonly kind: string }>(
  ask: () => Promise<Answer | { readonly kind: 'pending'; readonly state: string }>,
  otherwise: string,
): Promise<Exclude<Answer, { readonly kind: 'pending' }>> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const answer = await ask();
    if (!isPending(answer)) return answer as Exclude<Answer, { readonly kind: 'pending' }>;
    if (Date.now() >= until) {
      throw new CommandError(
        `management: expected cash to carry it out, got ${answer.state}: ${otherwise}`,
        ExitCode.unreachable,
      );
    }
    await setTimeout(PAUSE_MS);
  }
}

function isPending(answer: { readonly kind: string }): answer is { kind: 'pending'; state: string } {
  return answer.kind === 'pending';
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
