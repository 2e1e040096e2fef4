// The shops of a trading day, each a process of its own: enrolled by its owner, approved by an operator, opened. At their
// desks purchases are given back, taken and released.
//
//     <folder>/shops/1   shop.json, catalogue, keys, store        wallets ──▶ shop-1 ──▶ management
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RoleClient } from '../../roles/common/role-client.ts';
import { type ManagementOperations, managementProtocol } from '../../roles/management/messages.ts';
import { type Amount, amountOf, formatAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { askDesk, askForCertificate, type DeskCommand, makeShop, type ShopHome } from '../../shop/index.ts';
import { withRole } from '../connect.ts';
import { CommandError } from '../exit-codes.ts';
import { formatId } from '../files/fields.ts';
import { answered } from '../management.ts';
import type { Output } from '../output.ts';
import { Check } from './check.ts';
import type { System } from './system.ts';

const NAMES = ['Cafe Ada', 'Kiosk Babbage', 'Books Curie'] as const;
export const SHOPS = NAMES.length;
/** One for each shop; test numbers of the ISO 13616 registry's examples. */
const PAYOUT_ACCOUNTS = ['DE89370400440532013000', 'FR1420041010050500013M02606', 'NL91ABNA0417164300'];

/** Prices in whole units of the currency. */
export const ARTICLES = [
  { id: 'coffee', name: 'Coffee', units: 3n },
  { id: 'cake', name: 'Cake', units: 4n },
  { id: 'paper', name: 'Newspaper', units: 2n },
  { id: 'book', name: 'Book', units: 12n },
] as const;

export const APPROVED_WITHIN_MS = 30_000;
const RESERVE_SECONDS_MAX = 3_600;
/** Commands at one desk at a time. */
const AT_DESK = 8;

/** The n-th sale of so many is given back; the one behind it by half. */
const REFUNDED_EVERY = 10;

/** A purchase that is paid or reserved, as its wallet knows it. */
export interface Bought {
  readonly request: bigint;
  /** From 0. */
  readonly shop: number;
  readonly kind: 'sale' | 'authorisation';
  readonly amount: Amount;
  readonly holder: Buyer;
}

export interface Buyer {
  /** By what was foretold, minor units. */
  balance: Amount;
  reserved: Amount;
}

export interface OrderCounts {
  refunds: number;
  /** Of the refunds, those of half. */
  partial: number;
  captures: number;
  voids: number;
  /** Of authorisations, those that are left as they are. */
  reserved: number;
}

export class Shops {
  readonly ordered = new Check('every refund, capture and void was done, signed by cash');
  readonly counts: OrderCounts = { refunds: 0, partial: 0, captures: 0, voids: 0, reserved: 0 };
  readonly homes: readonly ShopHome[];
  readonly #system: System;
  readonly #currency: Currency;

  private constructor(system: System, homes: readonly ShopHome[], currency: Currency) {
    this.#system = system;
    this.homes = homes;
    this.#currency = currency;
  }

  /** Enrols, approves and opens them. */
  static async open(system: System, folder: string, output: Output): Promise<Shops> {
    const { currency, root } = system.operator.configuration;
    const directory = readFileSync(join(system.home, 'directory.json'), 'utf8');
    const homes = await Promise.all(
      NAMES.map(async (name, i) => {
        const home = await makeShop({
          ...{ home: join(folder, 'shops', `${i + 1}`), name, directory, root, currency: currency.code },
          account: PAYOUT_ACCOUNTS[i]!,
          port: system.shopPorts[i]!,
        });
        stock(home, currency);
        return home;
      }),
    );
    await withRole(system.operator, 'management', output, async (transport) => {
      const management = new RoleClient({ protocol: managementProtocol, transport });
      const asked = homes.map(async (home) => {
        const { onWaiting, approved } = approver(management);
        await askForCertificate(home, { patienceMs: APPROVED_WITHIN_MS, onWaiting });
        await approved();
      });
      await Promise.all(asked);
    });
    const shops = new Shops(system, homes, currency);
    await Promise.all(homes.map((_, i) => shops.start(i)));
    return shops;
  }

  async start(shop: number): Promise<void> {
    await this.#system.startShop(shop, this.homes[shop]!.path);
  }

  card(shop: number): string {
    const home = this.homes[shop]!;
    return home.files.read(home.cardPath).trim();
  }

  /** Gives some purchases back, takes some of what is reserved and releases some, each at its shop's desk. */
  async order(bought: readonly Bought[], onProgress: (done: number) => void): Promise<void> {
    let done = 0;
    const byShop = this.homes.map(() => [] as (() => Promise<void>)[]);
    const numbers = { sale: 0, authorisation: 0 };
    for (const purchase of bought) {
      const work = this.#workOf(purchase, numbers[purchase.kind]++);
      byShop[purchase.shop]!.push(async () => {
        await work?.();
        onProgress(++done);
      });
    }
    await Promise.all(
      byShop.map(async (works) => {
        const rest = works.values();
        const takeTurns = async (): Promise<void> => {
          for (const work of rest) await work();
        };
        await Promise.all(Array.from({ length: AT_DESK }, takeTurns));
      }),
    );
  }

  #workOf(
    { request, shop, kind, amount, holder }: Bought,
    number: number,
  ): (() => Promise<void>) | undefined {
    const purchase = request.toString(16).padStart(32, '0');
    const { counts } = this;
    const text = (value: bigint): string => formatAmount(amountOf(value), this.#currency);
    const ask = async (command: DeskCommand, moved: () => void): Promise<void> => {
      const isDone = await this.#atDesk(shop, command);
      if (isDone) moved();
    };
    if (kind === 'sale') {
      const isHalf = number % REFUNDED_EVERY === 1;
      if (!isHalf && number % REFUNDED_EVERY !== 0) return undefined;
      const back = isHalf ? amount / 2n : amount;
      return () =>
        ask({ do: 'refund', purchase, till: '1', amount: text(back) }, () => {
          holder.balance = amountOf(holder.balance + back);
          counts.refunds++;
          if (isHalf) counts.partial++;
        });
    }
    switch (number % 3) {
      case 0: {
        const taken = (amount * 3n) / 5n;
        return () =>
          ask({ do: 'capture', purchase, till: '1', amount: text(taken) }, () => {
            holder.reserved = amountOf(holder.reserved - amount);
            holder.balance = amountOf(holder.balance - taken);
            counts.captures++;
          });
      }
      case 1:
        return () =>
          ask({ do: 'void', purchase, till: '1' }, () => {
            holder.reserved = amountOf(holder.reserved - amount);
            counts.voids++;
          });
      default:
        counts.reserved++;
        return undefined;
    }
  }

  async #atDesk(shop: number, command: DeskCommand): Promise<boolean> {
    const { socketPath } = this.homes[shop]!;
    const what = 'purchase' in command ? formatId(BigInt(`0x${command.purchase}`)) : '';
    let isDone = false;
    try {
      const replies = await askDesk(socketPath, command);
      if (replies === undefined) {
        throw new CommandError(`${socketPath}: expected the shop's desk, got none; is the path too long?`);
      }
      for await (const reply of replies) if ('settled' in reply) isDone = true;
      this.ordered.expect(isDone, () => `${command.do} ${what}: no answer`);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      this.ordered.expect(false, () => `${command.do} ${what}: ${(error as Error).message}`);
    }
    return isDone;
  }
}

/** An operator who approves a shop as soon as it waits. */
export function approver(management: Pick<RoleClient<ManagementOperations>, 'call'>): {
  readonly onWaiting: (state: string, shop: bigint) => void;
  readonly approved: () => Promise<unknown>;
} {
  let approving: Promise<unknown> = Promise.resolve();
  return {
    onWaiting: (_, shop) => {
      if (shop === 0n) return;
      approving = approving.then(async () => answered(await management.call('approve_shop', { shop })));
      // Where it fails, the shop waits in vain, and that is what is told.
      approving.catch(() => {});
    },
    approved: () => approving,
  };
}

/** What it sells, and that it takes reservations. */
function stock(home: ShopHome, currency: Currency): void {
  const articles = ARTICLES.map(({ id, name, units }) => ({
    ...{ id, name },
    price: formatAmount(priceOf(units, currency), currency),
  }));
  const catalogue = { kind: 'specie catalogue', version: 1, currency: currency.code, articles };
  writeFileSync(home.cataloguePath, JSON.stringify(catalogue));
  const settings = JSON.parse(readFileSync(home.settingsPath, 'utf8')) as object;
  const changed = { ...settings, authorisationSecondsMax: RESERVE_SECONDS_MAX };
  writeFileSync(home.settingsPath, JSON.stringify(changed));
}

export function priceOf(units: bigint, { exponent }: Currency): Amount {
  return amountOf(units * 10n ** BigInt(exponent));
}
