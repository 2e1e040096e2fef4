import { Command } from 'commander';
import type { RoleName } from '../../identity/roles.ts';
import { cashProtocol } from '../../roles/cash/messages.ts';
import type { RequestReport } from '../../roles/common/request-report.ts';
import { type CallResult, RoleClient } from '../../roles/common/role-client.ts';
import { issuerProtocol } from '../../roles/issuer/messages.ts';
import { managementProtocol } from '../../roles/management/messages.ts';
import { receiverProtocol } from '../../roles/receiver/messages.ts';
import { settlementProtocol } from '../../roles/settlement/messages.ts';
import { formatSigned } from '../../shared/amount.ts';
import type { Currencies } from '../../shared/currency.ts';
import { withOperator, withRole } from '../connect.ts';
import { ExitCode } from '../exit-codes.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import { jsonText, type Output } from '../output.ts';

interface Options extends HomeOptions {
  readonly json?: boolean;
  readonly strict?: boolean;
}

/** What a role knows of a request; undefined: nothing. */
type Found = readonly [role: RoleName, found: RequestReport | undefined | Error];

/** Along the way of a load, and of notes. The directory of an earlier version has fewer. */
const ASKED = [
  'management',
  'settlement',
  'issuer',
  'receiver',
  'cash',
] as const satisfies readonly RoleName[];

export function requestCommand(output: Output, exit: (code: ExitCode) => void): Command {
  return withHome(new Command('request'))
    .description('Ask every role what became of a request')
    .argument('<id>', "the request's id: decimal, 0x and hex digits, or a UUID")
    .option('--json', 'print one JSON object')
    .option('--strict', 'exit with 2 when no role knows it')
    .addHelpText(
      'after',
      `
Roles remember requests for ever. docs/flows.md says what the states mean.

Examples:
  $ specie request 0x19aa4c31e0f2b7d94c01a2b3c4d5e6f7`,
    )
    .action(async (text: string, options: Options) => {
      const request = parseId(text);
      await withOperator(options, async (operator) => {
        const answers: Found[] = [];
        for (const role of ASKED.filter((name) => operator.directory.role(name) !== undefined)) {
          try {
            answers.push([
              role,
              await withRole(operator, role, output, (client) => lookup(role, client, request)),
            ]);
          } catch (error) {
            answers.push([role, error as Error]);
          }
        }
        output.write(
          options.json
            ? jsonText({
                request: formatId(request),
                ...Object.fromEntries(answers.map(([role, found]) => [role, plain(found)])),
              })
            : answers.map((answer) => reportText(answer, operator.configuration.currencies)).join(''),
        );
        if (answers.some(([, found]) => found instanceof Error)) exit(ExitCode.unreachable);
        else if (options.strict === true && answers.every(([, found]) => found === undefined))
          exit(ExitCode.refused);
      });
    });
}

type Transport = ConstructorParameters<typeof RoleClient>[0]['transport'];

async function lookup(
  role: RoleName,
  transport: Transport,
  request: bigint,
): Promise<RequestReport | undefined> {
  const asked = {
    management: () =>
      new RoleClient({ protocol: managementProtocol, transport }).call('lookup_request', { request }),
    settlement: () =>
      new RoleClient({ protocol: settlementProtocol, transport }).call('lookup_request', { request }),
    cash: () => new RoleClient({ protocol: cashProtocol, transport }).call('lookup_request', { request }),
    issuer: () => new RoleClient({ protocol: issuerProtocol, transport }).call('lookup_request', { request }),
    receiver: () =>
      new RoleClient({ protocol: receiverProtocol, transport }).call('lookup_request', { request }),
  } satisfies { [role in RoleName]: () => Promise<CallResult<{ report: RequestReport | undefined }>> };
  const result = await asked[role]();
  if (result.kind === 'ok') return result.answer.report;
  throw new Error(result.kind === 'refused' ? result.refusal.message : result.reason);
}

function reportText([role, found]: Found, currencies: Currencies): string {
  const head = role.padEnd(12);
  if (found === undefined) return `${head}does not know it\n`;
  if (found instanceof Error) return `${head}could not be asked: ${found.message}\n`;
  const { kind, state, amount, currency, device, detail, history } = found;
  const lines = [`${head}${kind}: ${state}`];
  const more = (text: string) => lines.push(`${' '.repeat(12)}${text}`);
  if (currency !== 0) {
    const money = currencies.ofLedger(currency);
    more(`${formatSigned(amount, money)} ${money.code}`);
  }
  if (device !== 0n) more(`device ${formatId(device)}`);
  if (detail !== '') more(detail);
  for (const step of history) more(`${formatTimestamp(step.at)}  ${step.state}`);
  return `${lines.join('\n')}\n`;
}

function plain(found: Found[1]): unknown {
  if (found === undefined) return null;
  return found instanceof Error ? { error: found.message } : found;
}
