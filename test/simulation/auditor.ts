// Proves the end of a simulation from books that no role has written: those of the institution, the ledger's own records,
// and the wallets' disks. It shares no code with the roles.
//
//     card charged once  ⇔  one transfer float ─▶ device  ⇔  one receipt in that device's wallet
//     wallet = balance at cash, float = what the institution has taken, nothing held, nothing open
import { AccountFilterFlags, type Transfer } from '../../src/layout/generated.ts';
import type { CreditReceipt } from '../../src/roles/documents/receipts.ts';
import { BalanceRecord, ReceiptRecord, StoredDevice } from '../../src/wallet/core/records.ts';
import { RequestRecord } from '../../src/wallet/core/request.ts';
import type { MemoryLedger } from '../kernel/memory-host.ts';
import type { MemoryInstitution } from './institution.ts';
import type { WalletProcess } from './wallets.ts';

const FLOAT = 978_001n;
const LOAD = 10;

export interface Found {
  readonly problems: readonly string[];
  /** How many loads ended in which state, for a look at what a seed has covered. */
  readonly ends: ReadonlyMap<string, number>;
}

export async function audit(
  institution: MemoryInstitution,
  ledger: MemoryLedger,
  wallets: readonly WalletProcess[],
): Promise<Found> {
  const problems: string[] = [...institution.faults, ...wallets.flatMap(({ faults }) => faults)];
  const ends = new Map<string, number>();
  const transfers = new Map<bigint, Transfer>();
  for (const transfer of transfersOf(ledger)) {
    if (transfers.has(transfer.id)) problems.push(`transfer ${hex(transfer.id)} stands twice`);
    if (transfer.code !== LOAD) problems.push(`transfer ${hex(transfer.id)}: code ${transfer.code}`);
    transfers.set(transfer.id, transfer);
  }

  let takenAll = 0n;
  const spent = new Map<string, bigint>();
  for (const [request, { card, amount, standing, taken, returned }] of institution.orders) {
    const net = taken - returned;
    if (taken > 1 || net < 0)
      problems.push(`card charged ${taken} times, given back ${returned} times for ${hex(request)}`);
    if (standing === 'authorised') problems.push(`money is held for ${hex(request)}`);
    const transfer = transfers.get(request);
    if (net === 1) {
      takenAll += amount;
      spent.set(card, (spent.get(card) ?? 0n) + amount);
      if (transfer === undefined) problems.push(`charged and not credited: ${hex(request)}`);
      else if (transfer.amount !== amount)
        problems.push(`charged ${amount}, credited ${transfer.amount}: ${hex(request)}`);
    } else if (transfer !== undefined) problems.push(`credited and not charged: ${hex(request)}`);
  }
  for (const request of transfers.keys())
    if (!institution.orders.has(request))
      problems.push(`credited, and the institution knows nothing: ${hex(request)}`);
  for (const [card, { first, available }] of institution.cards)
    if (first - available !== (spent.get(card) ?? 0n))
      problems.push(`card: ${first - available} gone, ${spent.get(card) ?? 0n} charged`);

  const [float] = ledger.lookupAccounts([FLOAT]);
  const floatHas = (float?.debitsPosted ?? 0n) - (float?.creditsPosted ?? 0n);
  if (floatHas !== takenAll) problems.push(`float ${floatHas}, institution ${takenAll}`);

  let held = 0n;
  const receipted = new Set<bigint>();
  for (const { disk, plan } of wallets) {
    const told = (text: string): void => void problems.push(`${plan.name}: ${text}`);
    const device = StoredDevice.decode(disk.records.get('device')!).device;
    const { balance } = BalanceRecord.decode(disk.records.get('balance')!);
    const [account] = ledger.lookupAccounts([device]);
    const atCash = (account?.creditsPosted ?? 0n) - (account?.debitsPosted ?? 0n);
    held += atCash;
    if (atCash !== balance) told(`wallet ${balance}, cash ${atCash}`);
    let sum = 0n;
    for (const { value } of await disk.list('receipt/')) {
      const {
        request,
        amount,
        device: credited,
      } = ReceiptRecord.decode(value).receipt.document satisfies CreditReceipt;
      sum += amount;
      if (receipted.has(request)) told(`two receipts of ${hex(request)}`);
      receipted.add(request);
      const transfer = transfers.get(request);
      if (transfer?.creditAccountId !== device || credited !== device || transfer.amount !== amount)
        told(`receipt of ${hex(request)} that cash has not booked so`);
    }
    if (sum !== balance) told(`receipts ${sum}, balance ${balance}`);
    const cards = cardsOf(plan);
    for (const { value } of await disk.list('request/')) {
      const { request, kind, state, amount } = RequestRecord.decode(value);
      ends.set(`${kind} ${state.kind}`, (ends.get(`${kind} ${state.kind}`) ?? 0) + 1);
      if (kind !== 'load') continue;
      const order = institution.orders.get(request);
      const isCharged = order !== undefined && order.taken - order.returned === 1;
      if ((state.kind === 'loaded') !== isCharged)
        told(`${hex(request)} is ${state.kind}, charged: ${isCharged}`);
      if (order !== undefined && order.amount !== amount)
        told(`${hex(request)}: ordered ${amount}, asked ${order.amount}`);
      if (order !== undefined && !cards.has(order.card)) told(`${hex(request)}: another's card`);
    }
    if ((await disk.list('open/')).length > 0) told('something is open');
  }
  if (held !== floatHas) problems.push(`devices have ${held}, float ${floatHas}`);
  for (const request of transfers.keys())
    if (!receipted.has(request)) problems.push(`credited, and no wallet has a receipt: ${hex(request)}`);
  return { problems, ends };
}

function transfersOf(ledger: MemoryLedger): Transfer[] {
  const flags = AccountFilterFlags.debits | AccountFilterFlags.credits;
  const nothing = {
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    code: 0,
    timestampMin: 0n,
    timestampMax: 0n,
  };
  return ledger.getAccountTransfers({ ...nothing, accountId: FLOAT, limit: 8190, flags });
}

function cardsOf({ card, wishes }: WalletProcess['plan']): Set<string> {
  const own = wishes.map((wish) => wish.card).filter((number) => number !== undefined);
  return new Set(card === undefined ? own : [card, ...own]);
}

const hex = (id: bigint): string => id.toString(16);
