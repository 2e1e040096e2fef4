// The gateway of an organisation, a process of its own: enrolled and approved as a shop is, which it deals in notes as.
//
//     <folder>/gateway   gateway.json, keys, shop/, store     terminals ──▶ gateway ──▶ issuer, receiver
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  askDesk,
  type DeskCommand,
  type DeskReply,
  enrolGateway,
  type GatewayHome,
  makeGateway,
  type StatusText,
} from '../../gateway/index.ts';
import type { Account } from '../../layout/generated.ts';
import { exchangeAccountId, systemAccountId } from '../../roles/cash/accounts.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import type { Side } from '../../roles/gateway/messages.ts';
import { managementProtocol } from '../../roles/management/messages.ts';
import { formatAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { withRole } from '../connect.ts';
import { CommandError } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { APPROVED_WITHIN_MS, approver, priceOf } from './shops.ts';
import type { System } from './system.ts';

const ORGANISATION = 'campus';
const HOST = '127.0.0.1';
const PAYOUT_ACCOUNT = 'AT611904300234573201';
/** Whole units of the currency. */
const EXCHANGE_UNITS_MAX = 100n;
const DAY_UNITS_MAX = 1_000n;
/** What the organisation takes of each exchange. */
const FEE_BASIS_POINTS = 100;

/** Balances at cash. Minor units. */
export interface AtCash {
  /** Of the gateway's account for notes. */
  readonly exchange: bigint;
  /** Wide notes that are out. */
  readonly notes: bigint;
}

export class LocalGateway {
  readonly home: GatewayHome;
  readonly #system: System;
  readonly #currency: Currency;

  private constructor(system: System, home: GatewayHome, currency: Currency) {
    this.#system = system;
    this.home = home;
    this.#currency = currency;
  }

  /** Makes, enrols, approves and opens it. */
  static async open(system: System, folder: string, output: Output): Promise<LocalGateway> {
    const { currency, root } = system.operator.configuration;
    const [lanPort, wanPort] = system.gatewayPorts;
    const text = (units: bigint): string => formatAmount(priceOf(units, currency), currency);
    const home = await makeGateway({
      home: join(folder, 'gateway'),
      settings: {
        ...{ organisation: ORGANISATION, currency: currency.code },
        ...{ lanHost: HOST, lanPort: lanPort!, wanHost: HOST, wanPort: wanPort! },
        ...{ amountMax: text(EXCHANGE_UNITS_MAX), dayMax: text(DAY_UNITS_MAX) },
        feeBasisPoints: FEE_BASIS_POINTS,
      },
    });
    await withRole(system.operator, 'management', output, async (transport) => {
      const { onWaiting, approved } = approver(new RoleClient({ protocol: managementProtocol, transport }));
      await enrolGateway(home, {
        account: async () => PAYOUT_ACCOUNT,
        directory: () => readFileSync(join(system.home, 'directory.json'), 'utf8'),
        ...{ root, patienceMs: APPROVED_WITHIN_MS, onWaiting },
      });
      await approved();
    });
    const gateway = new LocalGateway(system, home, currency);
    await gateway.start();
    return gateway;
  }

  async start(): Promise<void> {
    await this.#system.startGateway(this.home.path);
  }

  /** What a terminal of that side takes to find it. */
  entry(side: Side): { readonly name: string; readonly url: string; readonly key: string } {
    const { listening } = this.#system.part('gateway');
    return { name: ORGANISATION, url: listening[side] as string, key: listening.key as string };
  }

  /** @param terminal the key of its channel, hex */
  async admit(terminal: string): Promise<void> {
    await this.#desk({ do: 'admit', terminal });
  }

  async status(): Promise<StatusText> {
    const reply = await this.#desk({ do: 'status' });
    if (!('status' in reply))
      throw new CommandError("gateway: expected its status, got another desk's reply");
    return reply.status;
  }

  async atCash(output: Output): Promise<AtCash> {
    const shop = this.home.shop.certificate()!.document.shop;
    const { ledger } = this.#currency;
    const [exchange, notes] = [exchangeAccountId(shop, ledger), systemAccountId('notes', ledger)];
    const accounts = await withRole(this.#system.operator, 'cash', output, (client) =>
      client.lookupAccounts([exchange, notes]),
    );
    const balance = (id: bigint): bigint => owed(accounts.find((account) => account.id === id));
    return { exchange: balance(exchange), notes: balance(notes) };
  }

  async #desk(command: DeskCommand): Promise<DeskReply> {
    const { socketPath } = this.home;
    const reply = await askDesk(socketPath, command);
    if (reply === undefined)
      throw new CommandError(`${socketPath}: expected the gateway's desk, got none; is the path too long?`);
    return reply;
  }
}

/** One that is not there was never needed. */
function owed(account: Account | undefined): bigint {
  return account === undefined ? 0n : account.creditsPosted - account.debitsPosted;
}
