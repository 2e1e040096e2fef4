import { Command } from 'commander';
import { ed25519 } from '../../crypto/index.ts';
import { systemClock } from '../../identity/time.ts';
import { DeviceOrder } from '../../roles/documents/device-order.ts';
import { DEVICES_PAGE_MAX, type DeviceReport } from '../../roles/management/messages.ts';
import { formatSigned, parseAmount } from '../../shared/amount.ts';
import type { Currencies, Currency } from '../../shared/currency.ts';
import { id } from '../../shared/id.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { exposureText, plainExposure } from '../exposure.ts';
import { formatId, formatTimestamp, parseId } from '../files/fields.ts';
import { type HomeOptions, withHome } from '../home-options.ts';
import {
  answered,
  checkReason,
  hex,
  type Management,
  printable,
  REASON_HELP,
  untilDone,
  withManagement,
} from '../management.ts';
import { jsonText, type Output, tableText } from '../output.ts';

/** How long an order may be carried out: cash may be away for a while. */
const APPLY_WITHIN_NS = 600_000_000_000n;

interface Options extends HomeOptions {
  readonly json?: boolean;
}

const DEVICE_HELP = "the device's number: decimal, 0x and hex digits, or a UUID";

export function deviceCommand(output: Output): Command {
  const device = new Command('device')
    .alias('devices')
    .description('Show the devices that are enrolled; block, limit, replace or revoke one')
    .addHelpText(
      'after',
      `
Orders are signed with the operator's key; management and cash both check them.

Examples:
  $ specie device list
  $ specie device block 0x0190f3c0a1b200010203040506070809 --reason "phone lost"
  $ specie device replace 0x0190f3c0a1b200010203040506070809 --by 0x51b5b0c7d4e90f2a7c0e5d3a1f8b6c24
  $ specie device limits 0x0190f3c0a1b200010203040506070809 --payment 50.00 --day 200.00
  $ specie device exposure 0x0190f3c0a1b200010203040506070809`,
    );
  const commands = [
    listCommand(output),
    showCommand(output),
    orderCommand(output, 'block', 'Refuse payments and loads of a device from now on, until it is unblocked'),
    orderCommand(output, 'unblock', 'Let a device that was blocked pay and load again'),
    replaceCommand(output),
    limitsCommand(output),
    exposureCommand(output),
    orderCommand(
      output,
      'revoke',
      'Refuse a device from now on: its channels, its orders. There is no way back',
    ).addHelpText(
      'after',
      `
Management refuses it at once; cash, which shops may reach without management, is told until it knows.
Loads that management has admitted before go to their end. The balance stays on the device's account at cash:
specie device replace moves it.`,
    ),
  ];
  for (const command of commands) {
    device.addCommand(
      command.exitOverride().configureOutput({
        writeOut: (text) => output.write(text),
        writeErr: (text) => output.note(text.trimEnd()),
      }),
    );
  }
  return device;
}

function listCommand(output: Output): Command {
  return withHome(new Command('list'))
    .description('List every device: whose it is, since when, and in which state')
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
    .argument('<device>', DEVICE_HELP)
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
                ...(report.replacedBy === undefined
                  ? []
                  : [`replaced by      ${formatId(report.replacedBy)}`]),
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

function exposureCommand(output: Output): Command {
  return withHome(new Command('exposure'))
    .description('Show what a lost or cloned device can still have paid without a server')
    .argument('<device>', DEVICE_HELP)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The money of a purse is its holder's until the allowance ends; block or replace the device, and other wallets take none
of it from their next block list on. What they took before is settled.`,
    )
    .action((text: string, options: Options) => {
      const device = parseId(text);
      return withManagement(options, output, async (management, { configuration }) => {
        const answer = answered(await management.call('device_exposure', { device }));
        const now = systemClock();
        output.write(
          options.json
            ? jsonText(plainExposure(device, answer, now))
            : exposureText(device, answer, now, configuration.currencies),
        );
      });
    });
}

// ---- Orders

interface OrderOptions extends Options {
  readonly reason: string;
}

type Action = DeviceOrder['action'];

function withOrder(command: Command): Command {
  return withHome(command)
    .argument('<device>', DEVICE_HELP)
    .option('--reason <text>', REASON_HELP, 'by an operator')
    .option('--json', 'print one JSON object');
}

function orderCommand(output: Output, kind: 'block' | 'unblock' | 'revoke', description: string): Command {
  return withOrder(new Command(kind))
    .description(description)
    .action((text: string, options: OrderOptions) => order(parseId(text), options, output, () => ({ kind })));
}

function replaceCommand(output: Output): Command {
  return withOrder(new Command('replace'))
    .description('Close a lost device for good, and move its balance to another one of the same owner')
    .requiredOption('--by <device>', 'the new device, which is enrolled already')
    .addHelpText(
      'after',
      `
What is still reserved stays, and moves when the replacement is ordered again. There is no way back.`,
    )
    .action((text: string, options: OrderOptions & { readonly by: string }) => {
      const by = parseId(options.by);
      return order(parseId(text), options, output, () => ({ kind: 'replace', by }));
    });
}

function limitsCommand(output: Output): Command {
  return withOrder(new Command('limits'))
    .description('Set the most that a device may pay')
    .requiredOption('--payment <amount>', 'in one payment; 0: no limit')
    .requiredOption('--day <amount>', 'on one day (UTC); 0: no limit')
    .action((text: string, options: OrderOptions & { readonly payment: string; readonly day: string }) =>
      order(parseId(text), options, output, (currency) => ({
        kind: 'limits',
        currency: currency.ledger,
        paymentMax: parseAmount(options.payment, currency),
        dayMax: parseAmount(options.day, currency),
      })),
    );
}

/** Signs the order, and asks until cash has carried it out. */
function order(
  device: bigint,
  options: OrderOptions,
  output: Output,
  actionIn: (currency: Currency) => Action,
): Promise<void> {
  const reason = checkReason(options.reason);
  return withManagement(options, output, async (management, { signing, name, configuration }) => {
    const action = actionIn(configuration.currency);
    const request = id();
    const applyBy = systemClock() + APPLY_WITHIN_NS;
    const document = { request, operator: name, device, action, reason, applyBy };
    const signature = ed25519.sign(signing.secretKey, DeviceOrder.signedBytes(document));
    const message = { order: { document, signature } };
    const { timestamp, moved } = await untilDone(
      async () => answered(await management.call('device_order', message)),
      `specie request ${formatId(request)} tells`,
    );
    const done = { request, device, action: action.kind, timestamp, moved };
    output.write(options.json ? jsonText(plainOrder(done)) : orderText(done, configuration.currencies));
  });
}

interface DoneOrder {
  readonly request: bigint;
  readonly device: bigint;
  readonly action: Action['kind'];
  readonly timestamp: bigint;
  readonly moved: readonly {
    readonly currency: number;
    readonly amount: bigint;
    readonly left: bigint;
    readonly stillReserved: bigint;
  }[];
}

const DONE: { readonly [kind in Action['kind']]: string } = {
  block: 'blocked',
  unblock: 'unblocked',
  revoke: 'revoked',
  replace: 'replaced',
  limits: 'limits set',
};

function orderText({ device, action, timestamp, moved }: DoneOrder, currencies: Currencies): string {
  const lines = [`device ${formatId(device)}: ${DONE[action]} at ${formatTimestamp(timestamp)}`];
  for (const { currency, amount, left, stillReserved } of moved) {
    const money = currencies.ofLedger(currency);
    lines.push(`${formatSigned(amount, money)} ${money.code} moved`);
    if (left > 0n) lines.push(`${formatSigned(left, money)} left: the new device may not hold more`);
    if (stillReserved > 0n)
      lines.push(`${formatSigned(stillReserved, money)} reserved: order it again later`);
  }
  return `${lines.join('\n')}\n`;
}

function plainOrder({ request, device, action, timestamp, moved }: DoneOrder) {
  return {
    request: formatId(request),
    device: formatId(device),
    action,
    at: formatTimestamp(timestamp),
    moved,
  };
}

/** A list of one, beginning behind the number before. */
async function find(management: Management, device: bigint): Promise<DeviceReport | undefined> {
  const after = device === 0n ? undefined : device - 1n;
  const { devices } = answered(await management.call('list_devices', { after, limit: 1 }));
  return devices.find((report) => report.device === device);
}

function stateOf({ revoked, blocked, replacedBy }: DeviceReport): string {
  if (replacedBy !== undefined) return 'replaced';
  if (revoked) return 'revoked';
  return blocked ? 'blocked' : 'enrolled';
}

function plain(report: DeviceReport) {
  const { device, signingKey, enrolledAt, userData, accountOnFile, revoked, blocked, replacedBy } = report;
  return {
    device: formatId(device),
    revoked,
    blocked,
    replacedBy: replacedBy === undefined ? null : formatId(replacedBy),
    enrolledAt: formatTimestamp(enrolledAt),
    accountOnFile,
    userData,
    signingKey: hex(signingKey),
  };
}
