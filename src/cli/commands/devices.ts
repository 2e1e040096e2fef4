import { Command } from 'commander';
import { type CallResult, RoleClient } from '../../roles/common/role-client.ts';
import { DEVICES_PAGE_MAX, type DeviceReport, managementProtocol } from '../../roles/management/messages.ts';
import { withOperator, withRole } from '../connect.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import { jsonText, type Output, tableText } from '../output.ts';

interface Options extends HomeOptions {
  readonly json?: boolean;
}

interface RevokeOptions extends Options {
  readonly reason: string;
}

/** As management takes it. */
const REASON_BYTES_MAX = 128;

type Management = RoleClient<(typeof managementProtocol)['operations']>;

export function devicesCommand(output: Output): Command {
  const devices = new Command('devices')
    .description('Show the devices that are enrolled, and revoke one that is lost or stolen')
    .addHelpText(
      'after',
      `
Examples:
  $ specie devices list
  $ specie devices revoke 0x0190f3c0a1b200010203040506070809 --reason "phone lost"`,
    );
  for (const command of [listCommand(output), showCommand(output), revokeCommand(output)]) {
    devices.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return devices;
}

function listCommand(output: Output): Command {
  return withHome(new Command('list'))
    .description('List every device: whose it is, since when, and whether it is revoked')
    .option('--json', 'print one JSON object')
    .action((options: Options) =>
      withManagement(options, output, async (management) => {
        const devices: DeviceReport[] = [];
        for (let after: bigint | undefined; ; after = devices.at(-1)!.device) {
          const page = answered(await management.call('list_devices', { after, limit: DEVICES_PAGE_MAX }));
          devices.push(...page.devices);
          if (page.devices.length === 0) break;
        }
        output.write(
          options.json
            ? jsonText({ devices: devices.map(plain) })
            : tableText(
                ['device', 'enrolled', 'state', 'account on file', 'user data'],
                devices.map((device) => [
                  formatId(device.device),
                  formatTimestamp(device.enrolledAt),
                  stateOf(device),
                  device.accountOnFile ? 'yes' : 'no',
                  printable(device.userData),
                ]),
              ),
        );
      }),
    );
}

function showCommand(output: Output): Command {
  return withHome(new Command('show'))
    .description('Show one device')
    .argument('<device>', "the device's number: decimal, 0x and hex digits, or a UUID")
    .option('--json', 'print one JSON object')
    .action((text: string, options: Options) => {
      const device = parseId(text);
      return withManagement(options, output, async (management) => {
        const report = await find(management, device);
        if (report === undefined) {
          throw new CommandError(
            `management: expected a device ${formatId(device)}, got none of that number`,
            ExitCode.refused,
          );
        }
        output.write(
          options.json
            ? jsonText(plain(report))
            : [
                `device           ${formatId(device)}`,
                `state            ${stateOf(report)}`,
                `enrolled         ${formatTimestamp(report.enrolledAt)}`,
                `account on file  ${report.accountOnFile ? 'yes' : 'no'}`,
                `user data        ${printable(report.userData)}`,
                `signing key      ${hex(report.signingKey)}`,
                '',
              ].join('\n'),
        );
      });
    });
}

function revokeCommand(output: Output): Command {
  return withHome(new Command('revoke'))
    .description('Refuse a device from now on: its channels, its orders. There is no way back')
    .argument('<device>', "the device's number: decimal, 0x and hex digits, or a UUID")
    .option('--reason <text>', `kept with the device, at most ${REASON_BYTES_MAX} bytes`, 'by an operator')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Loads that management has admitted before go to their end. The balance stays on the device's account at cash.`,
    )
    .action((text: string, options: RevokeOptions) => {
      const device = parseId(text);
      const { reason } = options;
      const bytes = Buffer.byteLength(reason);
      if (bytes > REASON_BYTES_MAX) {
        throw new CommandError(`--reason: expected at most ${REASON_BYTES_MAX} bytes, got ${bytes}`);
      }
      return withManagement(options, output, async (management) => {
        const { revokedAt } = answered(await management.call('revoke_device', { device, reason }));
        output.write(
          options.json
            ? jsonText({ device: formatId(device), revokedAt: formatTimestamp(revokedAt) })
            : `device ${formatId(device)}: revoked since ${formatTimestamp(revokedAt)}\n`,
        );
      });
    });
}

function withManagement(
  options: HomeOptions,
  output: Output,
  use: (management: Management) => Promise<void>,
): Promise<void> {
  return withOperator(options, (operator) =>
    withRole(operator, 'management', output, (transport) =>
      use(new RoleClient({ protocol: managementProtocol, transport })),
    ),
  );
}

/** A list of one, beginning behind the number before. */
async function find(management: Management, device: bigint): Promise<DeviceReport | undefined> {
  const after = device === 0n ? undefined : device - 1n;
  const { devices } = answered(await management.call('list_devices', { after, limit: 1 }));
  return devices.find((report) => report.device === device);
}

function answered<Answer>(result: CallResult<Answer>): Answer {
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

function stateOf({ revoked }: DeviceReport): string {
  return revoked ? 'revoked' : 'enrolled';
}

function plain({ device, signingKey, enrolledAt, userData, accountOnFile, revoked }: DeviceReport) {
  return {
    device: formatId(device),
    revoked,
    enrolledAt: formatTimestamp(enrolledAt),
    accountOnFile,
    userData,
    signingKey: hex(signingKey),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Whoever enrols chooses this text: what would move a terminal's cursor, or turn the line round, is shown as its number. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
