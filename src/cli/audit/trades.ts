// The audit of what happens at shops: purchases, authorisations, and what shops order later (refunds, captures, voids).
// Each has a request that is its transfer in the ledger, and a course:
//
//     cash ──▶ management ──▶ shop ──▶ wallet
//
//     done        whoever comes before in the course says done too; but for orders that were handed straight to cash,
//                 of which management never knows
//     open        excuses only what comes behind it
//     not done    by cash's signature alone, and so not done for anybody
//
// Those last in the course are asked first: what one has done, those before it had done when they are asked.
import type { Standing } from './books.ts';
import { type AuditCheck, type Finding, OPEN_NANOSECONDS_MAX } from './compare.ts';

export const TRADE_PARTIES = ['cash', 'management', 'shop', 'wallet'] as const;
export type TradeParty = (typeof TRADE_PARTIES)[number];

export type TradeKind = 'purchase' | 'authorisation' | 'refund' | 'capture' | 'void';

/** What one party says of one trade. */
export interface Trade {
  readonly request: bigint;
  readonly kind: TradeKind;
  readonly standing: Standing;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: number;
  readonly shop: bigint;
  /** 0n: this party does not know it. */
  readonly device: bigint;
  /** Of what a shop has ordered; otherwise 0n. */
  readonly purchase: bigint;
  /** The party's own word for the standing, for the report. */
  readonly word: string;
  /** Since when it knows it, nanoseconds. */
  readonly since: bigint;
}

export interface TradeInput {
  /** Nanoseconds: when the first party was asked. */
  readonly began: bigint;
  readonly books: { readonly [party in TradeParty]: readonly Trade[] };
  /** Shops whose stores were read: each has everything that it has sold. */
  readonly shops: ReadonlySet<bigint>;
  /** What wallets say has become of their authorisations, by request; minor units. Those that know of no end are not there. */
  readonly endsInWallets: ReadonlyMap<bigint, { readonly captured: bigint }>;
}

export interface TradeResult {
  readonly checks: readonly AuditCheck[];
  readonly passed: boolean;
  /** Under way for somebody, and not done for cash. */
  readonly open: readonly bigint[];
  /** Handed straight to cash: nobody but cash and whoever handed it in knows of it. */
  readonly direct: number;
}

type Said = ReadonlyMap<TradeParty, Trade>;
type Trades = ReadonlyMap<bigint, Said>;

export function compareTrades(input: TradeInput): TradeResult {
  const trades = gather(input);
  const checks = [
    agreement(trades, input),
    terms(trades),
    givenBack(trades),
    reserved(trades, input),
    tooLong(trades, input),
  ];
  let direct = 0;
  const open: bigint[] = [];
  for (const [request, said] of trades) {
    if (said.size === 1 && isFirst(said.get('cash'))) direct++;
    const isDone = said.get('cash')?.standing === 'done';
    if (!isDone && [...said.values()].some(({ standing }) => standing === 'open')) open.push(request);
  }
  return { checks, passed: checks.every(({ findings }) => findings.length === 0), open, direct };
}

function gather({ books }: TradeInput): Trades {
  const trades = new Map<bigint, Map<TradeParty, Trade>>();
  for (const party of TRADE_PARTIES) {
    for (const trade of books[party]) {
      let said = trades.get(trade.request);
      if (said === undefined) {
        said = new Map();
        trades.set(trade.request, said);
      }
      const before = said.get(party);
      // Of two shops, or wallets, under one id one at most has it done: the other's word is about nothing.
      if (before === undefined || trade.standing === 'done') said.set(party, trade);
    }
  }
  return trades;
}

function agreement(trades: Trades, { shops, began }: TradeInput): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, said] of trades) {
    if (!agrees(said, shops, began)) findings.push({ request, text: describe(said, shops) });
  }
  return {
    name: 'what is paid, reserved, given back, taken or released for one is so for all',
    compared: trades.size,
    findings,
  };
}

function agrees(said: Said, shops: ReadonlySet<bigint>, began: bigint): boolean {
  const cash = said.get('cash');
  const management = said.get('management');
  const shop = said.get('shop');
  const others = [management, shop, said.get('wallet')];
  if (cash === undefined) return others.every((trade) => trade?.standing !== 'done');
  // Another order under the same id, at another shop, was rejected: that says nothing of this one.
  if (others.some((trade) => trade?.standing === 'not_done' && trade.shop === cash.shop)) return false;
  if (shop?.standing === 'done' && management?.standing !== 'done') return false;
  const isMissing = shop === undefined && shops.has(cash.shop) && cash.since < began;
  return !(isMissing && management?.standing === 'done');
}

function terms(trades: Trades): AuditCheck {
  const findings: Finding[] = [];
  let compared = 0;
  for (const [request, said] of trades) {
    const counting = [...said].filter(([, { standing }]) => standing === 'done');
    for (const [party, trade] of counting) {
      const [first, reference] = counting[0]!;
      compared++;
      const differs =
        trade.kind !== reference.kind ||
        // A void moves nothing.
        (trade.kind !== 'void' && trade.amount !== reference.amount) ||
        (trade.kind !== 'void' && trade.currency !== reference.currency) ||
        trade.shop !== reference.shop ||
        trade.purchase !== reference.purchase ||
        (isFirst(trade) &&
          trade.device !== 0n &&
          reference.device !== 0n &&
          trade.device !== reference.device);
      if (differs) findings.push({ request, text: `${first}: ${text(reference)}; ${party}: ${text(trade)}` });
    }
  }
  return { name: 'amount, currency, shop and device of a purchase are the same for all', compared, findings };
}

/** A purchase, and not what was ordered about one later. */
function isFirst(trade: Trade | undefined): boolean {
  return trade?.kind === 'purchase' || trade?.kind === 'authorisation';
}

function text({ kind, amount, currency, shop }: Trade): string {
  return `${kind} of ${amount} in ${currency} at shop ${shop.toString(16)}`;
}

/** By the ledger alone: whoever has signed what. */
function givenBack(trades: Trades): AuditCheck {
  const findings: Finding[] = [];
  const paid = new Map<bigint, bigint>();
  const refunded = new Map<bigint, bigint>();
  const add = (sums: Map<bigint, bigint>, id: bigint, amount: bigint): void =>
    void sums.set(id, (sums.get(id) ?? 0n) + amount);
  for (const said of trades.values()) {
    const cash = said.get('cash');
    if (cash?.kind === 'purchase') add(paid, cash.request, cash.amount);
    else if (cash?.kind === 'capture') add(paid, cash.purchase, cash.amount);
    else if (cash?.kind === 'refund') add(refunded, cash.purchase, cash.amount);
  }
  for (const [request, amount] of refunded) {
    const most = paid.get(request) ?? 0n;
    if (amount > most) findings.push({ request, text: `cash: ${most} paid, ${amount} given back` });
  }
  return { name: 'no more is given back of a purchase than was paid', compared: refunded.size, findings };
}

/** An authorisation ends once, with no more than was reserved; and as its wallet says. */
function reserved(trades: Trades, { endsInWallets }: TradeInput): AuditCheck {
  const findings: Finding[] = [];
  const ends = new Map<bigint, Trade>();
  let compared = 0;
  for (const said of trades.values()) {
    const end = said.get('cash');
    if (end === undefined || (end.kind !== 'capture' && end.kind !== 'void')) continue;
    compared++;
    const { purchase: request } = end;
    const first = trades.get(request)?.get('cash');
    if (first?.kind !== 'authorisation') {
      findings.push({ request, text: `cash: a ${end.kind} of what is not reserved` });
    } else if (ends.has(request)) {
      findings.push({ request, text: `cash: a ${ends.get(request)!.kind}, and a ${end.kind}` });
    } else if (end.kind === 'capture' && end.amount > first.amount) {
      findings.push({ request, text: `cash: ${first.amount} reserved, ${end.amount} taken` });
    }
    ends.set(request, end);
  }
  for (const [request, { captured }] of endsInWallets) {
    compared++;
    const end = ends.get(request);
    const taken = end?.kind === 'capture' ? end.amount : 0n;
    if (taken !== captured) {
      findings.push({ request, text: `wallet: ${captured} taken, cash: ${taken} taken` });
    }
  }
  return { name: 'of what was reserved, no more was taken, and once', compared, findings };
}

function tooLong(trades: Trades, { began }: TradeInput): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, said] of trades) {
    const shop = said.get('shop');
    if (shop?.standing !== 'open' || began - shop.since <= OPEN_NANOSECONDS_MAX) continue;
    findings.push({ request, text: `shop: ${shop.word}` });
  }
  return {
    name: 'no purchase is under way at a shop for longer than a day',
    compared: trades.size,
    findings,
  };
}

function describe(said: Said, shops: ReadonlySet<bigint>): string {
  return TRADE_PARTIES.filter((party) => {
    if (said.has(party)) return true;
    return party === 'shop' ? [...said.values()].some(({ shop }) => shops.has(shop)) : party !== 'wallet';
  })
    .map((party) => `${party}: ${said.get(party)?.word ?? 'not there'}`)
    .join(', ');
}
