// The audit of notes. What issuer and receiver have done, cash has done before, so they are asked before cash:
//
//     cash: account notes    issue ▶ issuer: issued, or a quote paid ▶ minted      issuer: signed ──╮
//                          receipt ▶ receiver: taken ▶ spent                       receiver: spent, signed in swaps
//
//     notes at cash = signed − spent + quotes paid and not minted + under way
//
// Local notes of a gateway are counted anew from its store, which nobody uses meanwhile, and compared with its account at cash.
import type { Client } from '../../channel/client.ts';
import type { Counters } from '../../gateway/backing.ts';
import { type Account, type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { KeysetTotals } from '../../mint/note-book.ts';
import { exchangeAccountId, systemAccountId, TransferCode } from '../../roles/cash/accounts.ts';
import { REPORTS_PAGE_MAX, type RequestReport } from '../../roles/common/request-report.ts';
import type { CallResult } from '../../roles/common/role-client.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import { issuerProtocol, type KeysetCirculation } from '../../roles/issuer/messages.ts';
import { receiverProtocol } from '../../roles/receiver/messages.ts';
import type { Standing } from './books.ts';
import { answered, pages, TransferReader } from './collect.ts';
import { type AuditCheck, type Finding, OPEN_NANOSECONDS_MAX } from './compare.ts';

export type NoteParty = 'issuer' | 'receiver';

/** What became of one request for which cash moves money to the account of notes, or from it. */
export interface NoteMove {
  readonly request: bigint;
  readonly kind: 'issue' | 'quote_payment' | 'taking';
  readonly standing: Standing;
  readonly amount: bigint;
  /** The party's own word, for the report. */
  readonly word: string;
  /** Nanoseconds. */
  readonly since: bigint;
}

/** Sums over all keysets of a currency, minor units. */
export interface Circulation {
  readonly signed: bigint;
  readonly spent: bigint;
}

export interface NoteBooks {
  readonly moves: readonly NoteMove[];
  /** As it was before its requests were read, and after. */
  readonly before: Circulation;
  readonly after: Circulation;
}

export interface NotesAtCash {
  readonly moves: readonly {
    readonly request: bigint;
    readonly kind: 'issue' | 'taking';
    readonly amount: bigint;
    readonly at: bigint;
  }[];
  /** Of the account: what notes are out for; and what moved while it was read. */
  readonly balance: bigint;
  readonly movedMeanwhile: bigint;
  /** Of gateways' accounts, by the shop that a gateway is. */
  readonly exchanges: ReadonlyMap<bigint, bigint>;
}

/** A gateway's store, as it was read. */
export interface GatewayBooks {
  readonly organisation: string;
  readonly shop: bigint;
  readonly currency: number;
  /** Of its local keysets: what it has written down as sums, and what its notes come to. */
  readonly totals: readonly KeysetTotals[];
  readonly counted: readonly KeysetTotals[];
  readonly counters: Counters;
}

/** Minor units. */
export interface GatewayFigures {
  readonly organisation: string;
  readonly outstanding: bigint;
  /** Fees, and what was put in beside them. */
  readonly own: bigint;
  readonly atCash: bigint;
  /** What the account holds beyond what the gateway counts; below 0: it is short. */
  readonly beyond: bigint;
}

const STANDING: Readonly<Record<string, Standing>> = {
  issued: 'done',
  paid: 'done',
  taken: 'done',
  rejected: 'not_done',
};
const KINDS: ReadonlySet<string> = new Set(['issue', 'quote_payment', 'taking']);

export async function fromIssuer(client: Client, currency: number): Promise<NoteBooks> {
  const role = new RoleClient({ protocol: issuerProtocol, transport: client });
  return noteBooks(
    'issuer',
    currency,
    () => role.call('circulation', { currency }),
    (after) => role.call('list_requests', { after, limit: REPORTS_PAGE_MAX }),
  );
}

export async function fromReceiver(client: Client, currency: number): Promise<NoteBooks> {
  const role = new RoleClient({ protocol: receiverProtocol, transport: client });
  return noteBooks(
    'receiver',
    currency,
    () => role.call('circulation', { currency }),
    (after) => role.call('list_requests', { after, limit: REPORTS_PAGE_MAX }),
  );
}

async function noteBooks(
  party: NoteParty,
  currency: number,
  circulation: () => Promise<CallResult<{ readonly keysets: readonly KeysetCirculation[] }>>,
  list: (after: bigint | undefined) => Promise<CallResult<{ readonly reports: readonly RequestReport[] }>>,
): Promise<NoteBooks> {
  const sums = async (): Promise<Circulation> => {
    const { keysets } = answered(party, await circulation());
    return keysets.reduce(
      (total, { signed, spent }) => ({ signed: total.signed + signed, spent: total.spent + spent }),
      { signed: 0n, spent: 0n },
    );
  };
  const before = await sums();
  const reports = await pages(async (after: bigint | undefined) => {
    const { reports: page } = answered(party, await list(after));
    return page.map((report) => ({ key: report.request, row: report }));
  });
  const moves = reports
    .filter((report) => KINDS.has(report.kind) && report.currency === currency)
    .map(({ request, kind, state, amount, createdAt }) => ({
      ...{ request, amount, word: state, since: createdAt },
      kind: kind as NoteMove['kind'],
      standing: STANDING[state] ?? ('open' as const),
    }));
  return { moves, before, after: await sums() };
}

/** After issuer and receiver. */
export async function notesAtCash(
  client: Client,
  currency: number,
  gateways: readonly Pick<GatewayBooks, 'shop' | 'currency'>[],
): Promise<NotesAtCash> {
  const notes = systemAccountId('notes', currency);
  const reader = new TransferReader(client);
  const moves: NotesAtCash['moves'][number][] = [];
  let movedMeanwhile = 0n;
  const take = ({ id, code, amount, flags, timestamp: at }: Transfer): void => {
    const kind =
      code === TransferCode.note_issue ? 'issue' : code === TransferCode.note_receipt ? 'taking' : undefined;
    if (kind !== undefined && (flags & TransferFlags.pending) === 0)
      moves.push({ request: id, kind, amount, at });
  };
  await reader.more(notes, take);
  const accounts = await client.lookupAccounts([
    notes,
    ...gateways.map((gateway) => exchangeAccountId(gateway.shop, gateway.currency)),
  ]);
  await reader.more(notes, (transfer) => {
    take(transfer);
    movedMeanwhile += transfer.amount;
  });
  const balances = new Map(accounts.map((account) => [account.id, owed(account)]));
  const balance = (account: bigint): bigint => balances.get(account) ?? 0n;
  return {
    ...{ moves, movedMeanwhile, balance: balance(notes) },
    exchanges: new Map(
      gateways.map((gateway) => [gateway.shop, balance(exchangeAccountId(gateway.shop, gateway.currency))]),
    ),
  };
}

const owed = ({ creditsPosted, debitsPosted }: Account): bigint => creditsPosted - debitsPosted;

export interface WideInput {
  /** Nanoseconds: when the first party was asked. */
  readonly began: bigint;
  readonly issuer: NoteBooks;
  readonly receiver: NoteBooks;
  readonly cash: NotesAtCash;
}

/** Minor units. */
export interface WideFigures {
  /** At cash. */
  readonly atCash: bigint;
  /** Signed and not taken in. */
  readonly out: bigint;
  /** Of quotes that are paid: their notes have not been fetched. */
  readonly unminted: bigint;
}

export interface WideResult {
  readonly checks: readonly AuditCheck[];
  readonly figures: WideFigures;
  /** Under way for issuer or receiver, and not done for cash. */
  readonly open: readonly bigint[];
}

export function compareWide(input: WideInput): WideResult {
  const { issuer, receiver, cash } = input;
  const atCash = new Set(cash.moves.map(({ request }) => request));
  const open = [...issuer.moves, ...receiver.moves]
    .filter(({ request, standing }) => standing === 'open' && !atCash.has(request))
    .map(({ request }) => request);
  const { issued, paid } = sumsDone(issuer);
  const { signed } = issuer.after;
  const figures = {
    atCash: cash.balance,
    out: signed - net(receiver.after),
    unminted: issued + paid - signed,
  };
  return { checks: [agreement(input), circulation(input)], figures, open };
}

/** Of requests that are done, by what they were for. */
function sumsDone({ moves }: NoteBooks): {
  readonly issued: bigint;
  readonly paid: bigint;
  readonly taken: bigint;
} {
  const sum = (kind: NoteMove['kind']): bigint =>
    moves.reduce(
      (total, move) => (move.kind === kind && move.standing === 'done' ? total + move.amount : total),
      0n,
    );
  return { issued: sum('issue'), paid: sum('quote_payment'), taken: sum('taking') };
}

/** What the receiver has taken in and not signed anew. */
const net = ({ signed, spent }: Circulation): bigint => spent - signed;

function agreement({ began, issuer, receiver, cash }: WideInput): AuditCheck {
  const findings: Finding[] = [];
  const moved = new Map(cash.moves.map((move) => [move.request, move]));
  const seen = new Set<bigint>();
  for (const [party, { moves }] of [['issuer', issuer] as const, ['receiver', receiver] as const]) {
    for (const { request, kind, standing, amount, word, since } of moves) {
      const atCash = moved.get(request);
      const isOurs = atCash !== undefined && (atCash.kind === 'taking') === (kind === 'taking');
      if (isOurs) seen.add(request);
      const said = `${party}: ${word} ${amount}`;
      const there = isOurs
        ? `${atCash.kind === 'issue' ? 'issued' : 'received'} ${atCash.amount}`
        : 'not there';
      const isRight =
        standing === 'open'
          ? began - since <= OPEN_NANOSECONDS_MAX
          : standing === 'done'
            ? isOurs && atCash.amount === amount
            : !isOurs;
      if (!isRight) findings.push({ request, text: `${said}, cash: ${there}` });
    }
  }
  for (const { request, kind, amount, at } of cash.moves) {
    // What has come since they were asked, they could not have.
    if (seen.has(request) || at >= began) continue;
    const [party, word] = kind === 'issue' ? ['issuer', 'issued'] : ['receiver', 'received'];
    findings.push({ request, text: `${party}: not there, cash: ${word} ${amount}` });
  }
  return {
    name: 'what cash has moved for notes, issuer and receiver have done, and the other way round',
    compared: new Set([
      ...moved.keys(),
      ...issuer.moves.map((move) => move.request),
      ...receiver.moves.map((move) => move.request),
    ]).size,
    findings,
  };
}

/** Sums are read before and after the requests that explain them: they are right if these lie between. */
function circulation({ issuer, receiver, cash }: WideInput): AuditCheck {
  const findings: Finding[] = [];
  const found = (text: string): void => void findings.push({ request: 0n, text });
  const { issued, paid } = sumsDone(issuer);
  const { taken } = sumsDone(receiver);
  if (issuer.before.signed > issued + paid) {
    found(`issuer: signed ${issuer.before.signed}, cash has moved ${issued + paid} for it`);
  }
  if (issuer.after.signed < issued) found(`issuer: signed ${issuer.after.signed}, issued ${issued}`);
  if (issuer.after.spent !== 0n) found(`issuer: expected to take nothing in, got ${issuer.after.spent}`);
  if (net(receiver.before) > taken || net(receiver.after) < taken) {
    const { spent, signed } = receiver.after;
    found(`receiver: spent ${spent}, of it ${signed} signed anew, cash has moved ${taken} for the rest`);
  }
  const balance = cash.moves.reduce(
    (total, { kind, amount }) => (kind === 'issue' ? total + amount : total - amount),
    0n,
  );
  const more = cash.balance - balance;
  if ((more < 0n ? -more : more) > cash.movedMeanwhile)
    found(`cash: notes ${cash.balance}, its transfers for them come to ${balance}`);
  return {
    name: 'notes at cash are what issuer has signed, and receiver not taken in',
    compared: issuer.moves.length + receiver.moves.length,
    findings,
  };
}

export function compareGateways(
  gateways: readonly GatewayBooks[],
  cash: Pick<NotesAtCash, 'exchanges'>,
): { readonly checks: readonly AuditCheck[]; readonly figures: readonly GatewayFigures[] } {
  const own: Finding[] = [];
  const behind: Finding[] = [];
  const figures: GatewayFigures[] = [];
  let compared = 0;
  for (const { organisation, shop, totals, counted, counters } of gateways) {
    const found = (findings: Finding[], text: string): void =>
      void findings.push({ request: 0n, text: `gateway ${organisation}: ${text}` });
    for (const [keysetId, name, written, count] of sumsOf(totals, counted)) {
      compared++;
      if (written !== count) found(own, `keyset ${keysetId}: ${name} ${written}, its notes come to ${count}`);
    }
    const outstanding = counted.reduce((total, { signed, spent }) => total + signed - spent, 0n);
    const { taken, issued, fees, generating, requested, funded, withdrawn, withdrawing } = counters;
    const owedFor = outstanding + fees + generating;
    if (taken - issued !== owedFor) {
      found(
        own,
        `${taken} taken in, ${issued} issued; ${outstanding} outstanding, ${fees} fees, ${generating} to be generated`,
      );
    }
    const put = funded - withdrawn;
    const atCash = cash.exchanges.get(shop) ?? 0n;
    // By the notes themselves, not by what is written down of them.
    const expected = owedFor + put;
    if (atCash < expected - requested - withdrawing) {
      const less = requested + withdrawing;
      const underWay = less === 0n ? '' : `, of which ${less} may have left`;
      found(
        behind,
        `${outstanding} outstanding, ${fees} fees, ${generating} to be generated, ${put} put in${underWay}; cash: ${atCash}`,
      );
    }
    if (outstanding < 0n) found(behind, `more taken in than signed: ${outstanding} outstanding`);
    const beyond = atCash - expected;
    figures.push({ organisation, outstanding, own: fees + put, atCash, beyond });
  }
  return {
    figures,
    checks: [
      { name: "each gateway's counters are what its local notes come to", compared, findings: own },
      {
        name: 'behind local notes lies their value at cash',
        compared: gateways.length,
        findings: behind,
      },
    ],
  };
}

const NO_TOTALS = { signed: 0n, signedCount: 0n, held: 0n, heldCount: 0n, spent: 0n, spentCount: 0n };
const NAMES = {
  signed: 'signed',
  signedCount: 'number of signed',
  held: 'held',
  heldCount: 'number of held',
  spent: 'spent',
  spentCount: 'number of spent',
} as const;

function* sumsOf(
  totals: readonly KeysetTotals[],
  counted: readonly KeysetTotals[],
): Generator<readonly [keysetId: string, name: string, written: bigint, counted: bigint]> {
  const byId = (list: readonly KeysetTotals[]) => new Map(list.map((one) => [one.keysetId, one]));
  const [written, recounted] = [byId(totals), byId(counted)];
  for (const keysetId of new Set([...written.keys(), ...recounted.keys()])) {
    const [left, right] = [written.get(keysetId) ?? NO_TOTALS, recounted.get(keysetId) ?? NO_TOTALS];
    for (const name of Object.keys(NAMES) as (keyof typeof NAMES)[])
      yield [keysetId, NAMES[name], left[name], right[name]];
  }
}
