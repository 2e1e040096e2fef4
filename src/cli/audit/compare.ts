// The audit: five parties say what became of each load; whatever two of them say must agree. A load has a course:
//
//     institution ──▶ settlement ──▶ cash ──▶ management ──▶ wallet
//     captured        charged        credited  loaded         loaded
//
//     done        whoever comes before in the course is done too, whatever else anybody says
//     open        excuses only what comes behind it: management still has to credit what was charged, the wallet to hear of it
//     not done    not done for anybody
//     under way   listed; and for longer than a day it is a fault, as a party could call a load open for ever
//
// Money that one party alone knows of is the worst that can be found: charged and not credited, credited and not charged.
// The parties are asked while they work, one after the other: what does not agree is asked again (audit.ts).
import { type AuditInput, PARTIES, type Party, type Statement } from './books.ts';

export interface Finding {
  readonly request: bigint;
  /** "cash: credited 5.00, institution: not there" */
  readonly text: string;
}

export interface AuditCheck {
  readonly name: string;
  readonly compared: number;
  readonly findings: readonly Finding[];
}

export interface AuditResult {
  readonly checks: readonly AuditCheck[];
  /** Requests that are under way. */
  readonly open: readonly bigint[];
  readonly passed: boolean;
}

/** How long a load may be under way: an institution that is not there for longer is something to look at too. */
export const OPEN_NANOSECONDS_MAX = 24n * 3_600_000_000_000n;

const COURSE: readonly Party[] = ['institution', 'settlement', 'cash', 'management', 'wallet'];

export function compare(input: AuditInput): AuditResult {
  const loads = gather(input);
  const open = [...loads].filter(([, { said }]) => isOpen(said)).map(([request]) => request);
  const checks = [
    onceEach(input),
    agreement(loads),
    held(loads),
    tooLong(loads, input),
    terms(loads),
    float(loads, input),
    sheet(input),
    ledger(input),
    wallets(loads, input),
  ];
  return { checks, open, passed: checks.every(({ findings }) => findings.length === 0) };
}

type Said = ReadonlyMap<Party, Statement>;

interface Load {
  readonly said: Said;
  /** Whose word counts for it. */
  readonly asked: ReadonlySet<Party>;
}
type Loads = ReadonlyMap<bigint, Load>;

function gather(input: AuditInput): Loads {
  const byRequest = new Map<bigint, Map<Party, Statement>>();
  for (const { party, statements } of input.books) {
    for (const statement of statements) {
      let said = byRequest.get(statement.request);
      if (said === undefined) {
        said = new Map();
        byRequest.set(statement.request, said);
      }
      if (!said.has(party)) said.set(party, statement);
    }
  }
  const asked = new Set(input.books.map(({ party }) => party));
  const askedOthers = new Set([...asked].filter((party) => party !== 'institution'));
  const loads = new Map<bigint, Load>();
  for (const [request, said] of byRequest) {
    const isBehind = isBehindStatement(said, input);
    if (isBehind) said.delete('institution');
    loads.set(request, { said, asked: isBehind ? askedOthers : asked });
  }
  return loads;
}

/** Whether the institution's statement was made too early to say what became of it. */
function isBehindStatement(said: Said, { statementEnd, now }: AuditInput): boolean {
  if (statementEnd === undefined || isTooLong(said, now)) return false;
  // Cash's word before settlement's: settlement is who would have made up a charge.
  const { at = 0n } = said.get('cash') ?? said.get('settlement') ?? {};
  return at > statementEnd;
}

function isOpen(said: Said): boolean {
  return [...said.values()].some(({ standing }) => standing === 'open');
}

function isTooLong(said: Said, now: bigint): boolean {
  // The wallet's time is left out: it may have had a request ready for long before it had a network.
  const times = [...said]
    .filter(([party, { since }]) => party !== 'wallet' && since > 0n)
    .map(([, { since }]) => since);
  return times.some((since) => now - since > OPEN_NANOSECONDS_MAX);
}

function onceEach({ books }: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  let compared = 0;
  for (const { party, statements } of books) {
    const seen = new Set<bigint>();
    for (const { request } of statements) {
      compared++;
      if (seen.has(request)) findings.push({ request, text: `${party}: more than once` });
      seen.add(request);
    }
  }
  return { name: 'no party has a load twice', compared, findings };
}

function agreement(loads: Loads): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, load] of loads) {
    if (!agrees(load)) findings.push({ request, text: describe(load) });
  }
  return {
    name: 'what is done for one party is done for all, and the other way round',
    compared: loads.size,
    findings,
  };
}

function agrees({ said, asked }: Load): boolean {
  const standing = (party: Party) => said.get(party)?.standing;
  const isAt = (party: Party, expected: Statement['standing']) =>
    !asked.has(party) || standing(party) === expected;
  const last = COURSE.findLastIndex((party) => standing(party) === 'done');
  // Settlement hears of a load from management alone, which does not end one before settlement has.
  if (last === -1) return standing('settlement') !== 'open' || isAt('management', 'open');
  const before = COURSE.slice(0, last).filter((party) => !isAt(party, 'done'));
  // A charge whose credit cash has rejected is given back; settlement was asked a moment before that.
  const isGivenBack =
    COURSE[last] === 'settlement' && standing('institution') === 'not_done' && isAt('management', 'open');
  if (before.length > 0 && !isGivenBack) return false;
  return COURSE.slice(last + 1).every((party) => {
    switch (party) {
      case 'wallet':
        return standing(party) !== 'not_done';
      case 'cash':
        return true;
      default:
        return isAt(party, 'open');
    }
  });
}

function held(loads: Loads): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, { said }] of loads) {
    const institution = said.get('institution');
    if (institution?.standing !== 'open' || said.get('settlement')?.standing === 'open') continue;
    findings.push({ request, text: `institution: ${institution.word}, and nobody works on it` });
  }
  return { name: 'no money is held for a load that nobody works on', compared: loads.size, findings };
}

function tooLong(loads: Loads, { now }: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, load] of loads) {
    const isWaiting = (['management', 'settlement'] as const).some(
      (party) => load.said.get(party)?.standing === 'open',
    );
    if (isWaiting && isTooLong(load.said, now)) findings.push({ request, text: describe(load) });
  }
  return { name: 'no load is under way for longer than a day', compared: loads.size, findings };
}

function terms(loads: Loads): AuditCheck {
  const findings: Finding[] = [];
  let compared = 0;
  for (const [request, { said }] of loads) {
    const counting = [...said].filter(([, { standing }]) => standing !== 'not_done');
    for (const [party, statement] of counting) {
      const [first, reference] = counting[0]!;
      compared++;
      const differs =
        statement.amount !== reference.amount ||
        statement.currency !== reference.currency ||
        (statement.device !== 0n && reference.device !== 0n && statement.device !== reference.device);
      if (!differs) continue;
      const text = `${first}: ${reference.amount} in ${reference.currency}, ${party}: ${statement.amount} in ${statement.currency}`;
      findings.push({ request, text });
    }
  }
  return { name: 'amount, currency and device are the same for all', compared, findings };
}

/** What the institution took in, less what is still to be credited and what has left = what cash says it holds for all. */
function float(loads: Loads, input: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  const { from, to } = input.balancesRead;
  const [surely, atMost, taken, credited, underWay, goneAtLeast, goneAtMost] = Array.from(
    { length: 7 },
    () => new Map<number, bigint>(),
  ) as [Sum, Sum, Sum, Sum, Sum, Sum, Sum];
  for (const { currency, amount, at } of input.books.find(({ party }) => party === 'cash')?.statements ??
    []) {
    if (at <= from) add(surely, currency, amount);
    if (at <= to) add(atMost, currency, amount);
  }
  for (const { currency, amount, at } of input.outflows) {
    if (at <= from || amount < 0n) add(goneAtLeast, currency, amount);
    if (at <= from || amount > 0n) add(goneAtMost, currency, amount);
  }
  for (const { said, asked } of loads.values()) {
    if (!asked.has('institution')) continue;
    const [institution, cash] = [said.get('institution'), said.get('cash')];
    if (cash?.standing === 'done') add(credited, cash.currency, cash.amount);
    if (institution?.standing !== 'done') continue;
    add(taken, institution.currency, institution.amount);
    if (cash === undefined && said.get('management')?.standing === 'open') {
      add(underWay, institution.currency, institution.amount);
    }
  }
  const currencies = new Set([taken, atMost, input.floatAtCash].flatMap((sum) => [...sum.keys()]));
  for (const currency of currencies) {
    const of = (sum: ReadonlyMap<number, bigint>) => sum.get(currency) ?? 0n;
    const found = (text: string) => findings.push({ request: 0n, text: `currency ${currency}: ${text}` });
    const held = of(input.floatAtCash);
    if (held < of(surely) - of(goneAtMost) || held > of(atMost) - of(goneAtLeast)) {
      const gone = of(goneAtMost) === 0n ? '' : `, of which ${of(goneAtMost)} has left`;
      found(`float ${held}, loads credited ${of(atMost)}${gone}`);
    }
    if (
      input.books.some(({ party }) => party === 'institution') &&
      of(taken) - of(underWay) !== of(credited)
    ) {
      const waiting = of(underWay) === 0n ? '' : `, ${of(underWay)} of it is under way`;
      found(`institution has taken ${of(taken)}${waiting}, cash has credited ${of(credited)}`);
    }
  }
  const name = 'institution and float are the same sum';
  return { name, compared: currencies.size, findings };
}

/** The balance sheet of docs/chart-of-accounts.md. */
function sheet(input: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  const meanwhile = movedMeanwhile(input);
  const sums = {
    devices: new Map(),
    loss: new Map(),
    offline_loss: new Map(),
    shops: new Map(),
    exchanges: new Map(),
    notes: new Map(),
    purses: new Map(),
    clearing: new Map(),
    fees: new Map(),
  };
  for (const { currency, balance } of input.balancesAtCash) add(sums.devices, currency, balance);
  for (const { account, currency, balance } of input.balancesOfOthers) add(sums[account], currency, balance);
  const all: ReadonlyMap<number, bigint>[] = [input.floatAtCash, ...Object.values(sums)];
  const currencies = new Set(all.flatMap((sum) => [...sum.keys()]));
  for (const currency of currencies) {
    const of = (sum: ReadonlyMap<number, bigint>) => sum.get(currency) ?? 0n;
    const float = of(input.floatAtCash);
    // Debit balances: written off.
    const [loss, offlineLoss] = [-of(sums.loss), -of(sums.offline_loss)];
    const [devices, shops, exchanges, notes, purses, clearing, fees] = [
      of(sums.devices),
      of(sums.shops),
      of(sums.exchanges),
      of(sums.notes),
      of(sums.purses),
      of(sums.clearing),
      of(sums.fees),
    ];
    const owed = devices + shops + exchanges + notes + purses + clearing + fees;
    if (magnitude(float + loss + offlineLoss - owed) <= of(meanwhile)) continue;
    findings.push({
      request: 0n,
      text:
        `currency ${currency}: float ${float}, loss ${loss}, offline loss ${offlineLoss}; devices ${devices}, ` +
        `shops ${shops}, exchanges ${exchanges}, notes ${notes}, purses ${purses}, clearing ${clearing}, fees ${fees}`,
    });
  }
  const name = 'float and losses are what devices, shops, exchanges, notes, purses, clearing and fees have';
  return { name, compared: currencies.size, findings };
}

/** Accounts are read some at a time: what moved in between may be at one end only. */
function movedMeanwhile({ books, balancesRead: { from, to }, movedMeanwhile: others }: AuditInput): Sum {
  const sum: Sum = new Map(others);
  for (const { at, currency, amount } of books.find(({ party }) => party === 'cash')?.statements ?? []) {
    if (at > from && at <= to) add(sum, currency, amount);
  }
  return sum;
}

type Sum = Map<number, bigint>;

function add(sum: Sum, currency: number, amount: bigint): void {
  sum.set(currency, (sum.get(currency) ?? 0n) + amount);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function ledger(input: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  const meanwhile = movedMeanwhile(input);
  for (const [currency, { debits, credits }] of input.ledgerTotals) {
    if (magnitude(debits - credits) <= (meanwhile.get(currency) ?? 0n)) continue;
    findings.push({ request: 0n, text: `currency ${currency}: debits ${debits}, credits ${credits}` });
  }
  return {
    name: 'debits equal credits over the whole ledger',
    compared: input.ledgerTotals.size,
    findings,
  };
}

/** A wallet has what cash has for it, but for loads and other transfers that it has not heard of yet. */
function wallets(loads: Loads, input: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  const { from, to } = input.balancesRead;
  const key = (device: bigint, currency: number) => `${device}/${currency}`;
  const unheard = new Map<string, { surely: bigint; atMost: bigint }>();
  for (const { said } of loads.values()) {
    const [wallet, cash] = [said.get('wallet'), said.get('cash')];
    if (wallet?.standing !== 'open' || cash?.standing !== 'done') continue;
    const name = key(wallet.device, wallet.currency);
    const before = unheard.get(name) ?? { surely: 0n, atMost: 0n };
    unheard.set(name, {
      surely: before.surely + (cash.at <= from ? cash.amount : 0n),
      atMost: before.atMost + (cash.at <= to ? cash.amount : 0n),
    });
  }
  for (const { device, currency, change, at } of input.unheard) {
    const name = key(device, currency);
    const { surely, atMost } = unheard.get(name) ?? { surely: 0n, atMost: 0n };
    const isSure = at <= from;
    unheard.set(name, {
      surely: surely + (isSure || change < 0n ? change : 0n),
      atMost: atMost + (isSure || change > 0n ? change : 0n),
    });
  }
  const own = new Map(
    input.balancesInWallets.map((entry) => [key(entry.device, entry.currency), entry.balance]),
  );
  let compared = 0;
  for (const { device, currency, balance } of input.balancesAtCash) {
    const name = key(device, currency);
    const inWallet = own.get(name);
    own.delete(name);
    if (inWallet === undefined && !input.allWallets) continue;
    compared++;
    const { surely, atMost } = unheard.get(name) ?? { surely: 0n, atMost: 0n };
    const more = balance - (inWallet ?? 0n);
    if (more < surely || more > atMost) {
      const waiting = atMost === 0n ? '' : `, with ${atMost} that it has not heard of yet`;
      findings.push({
        request: 0n,
        text: `device ${device.toString(16)}: wallet ${inWallet ?? 'not found'}, cash ${balance}${waiting}`,
      });
    }
  }
  for (const [name, balance] of own) {
    if (balance !== 0n)
      findings.push({ request: 0n, text: `device ${name}: wallet ${balance}, cash has no account` });
  }
  return { name: "each wallet's own record is its balance at cash", compared, findings };
}

function describe({ said, asked }: Load): string {
  return PARTIES.filter((party) => asked.has(party) && (party !== 'wallet' || said.has(party)))
    .map((party) => `${party}: ${said.get(party)?.word ?? 'not there'}`)
    .join(', ');
}
