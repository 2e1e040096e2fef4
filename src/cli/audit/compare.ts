// The audit: five parties say what became of each load; whatever two of them say must agree.
//
//     a load that is …   wallet     management   settlement   cash       institution
//     done               done       done         done         done       done          same amount, currency, device
//     not done           not done   not done     not done     not there  not there
//     open               a request that anyone still works on is listed, and counts for neither
//
// Money that one party alone knows of is the worst that can be found: charged and not credited, credited and not charged.
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
  /** Requests that are under way: neither agreed on nor in dispute. */
  readonly open: readonly bigint[];
  readonly passed: boolean;
}

/** Parties whose books hold each load that is done. A wallet's is there only if the wallet was asked. */
const HAVE_ALL: readonly Party[] = ['management', 'settlement', 'cash', 'institution'];

export function compare(input: AuditInput): AuditResult {
  const byRequest = gather(input);
  const open = [...byRequest].filter(([, said]) => isOpen(said)).map(([request]) => request);
  const settled = [...byRequest].filter(([, said]) => !isOpen(said));
  const checks = [
    onceEach(input),
    agreement(settled, input),
    held(byRequest),
    terms(settled),
    float(input, open),
    ledger(input),
    wallets(input, open, byRequest),
  ];
  return { checks, open, passed: checks.every(({ findings }) => findings.length === 0) };
}

type Said = ReadonlyMap<Party, Statement>;

function gather({ books }: AuditInput): Map<bigint, Map<Party, Statement>> {
  const byRequest = new Map<bigint, Map<Party, Statement>>();
  for (const { party, statements } of books) {
    for (const statement of statements) {
      let said = byRequest.get(statement.request);
      if (said === undefined) {
        said = new Map();
        byRequest.set(statement.request, said);
      }
      if (!said.has(party)) said.set(party, statement);
    }
  }
  return byRequest;
}

function isOpen(said: Said): boolean {
  return [...said.values()].some(({ standing }) => standing === 'open');
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

function agreement(settled: readonly (readonly [bigint, Said])[], { books }: AuditInput): AuditCheck {
  const asked = new Set(books.map(({ party }) => party));
  const findings: Finding[] = [];
  for (const [request, said] of settled) {
    const done = [...said.values()].some(({ standing }) => standing === 'done');
    if (!done) continue;
    const missing = HAVE_ALL.filter((party) => asked.has(party) && said.get(party)?.standing !== 'done');
    const denying = said.get('wallet') !== undefined && said.get('wallet')!.standing !== 'done';
    if (missing.length > 0 || denying) findings.push({ request, text: describe(said, asked) });
  }
  return {
    name: 'what is done for one party is done for all, and the other way round',
    compared: settled.length,
    findings,
  };
}

/** What only the institution calls open is money that is held and that nobody works on. */
function held(byRequest: ReadonlyMap<bigint, Said>): AuditCheck {
  const findings: Finding[] = [];
  for (const [request, said] of byRequest) {
    const open = [...said].filter(([, { standing }]) => standing === 'open').map(([party]) => party);
    if (open.length !== 1 || open[0] !== 'institution') continue;
    findings.push({ request, text: `institution: ${said.get('institution')!.word}, and nobody works on it` });
  }
  return { name: 'no money is held for a load that nobody works on', compared: byRequest.size, findings };
}

function terms(settled: readonly (readonly [bigint, Said])[]): AuditCheck {
  const findings: Finding[] = [];
  let compared = 0;
  for (const [request, said] of settled) {
    const done = [...said].filter(([, { standing }]) => standing === 'done');
    for (const [party, statement] of done) {
      const [first, reference] = done[0]!;
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

/** What the institution took in = what cash says it holds = what the devices have. */
function float(input: AuditInput, open: readonly bigint[]): AuditCheck {
  const findings: Finding[] = [];
  const everything = sums(input, 'cash', []);
  // Of a load that is open, one side may have moved already.
  const [taken, credited] = [sums(input, 'institution', open), sums(input, 'cash', open)];
  const owed = new Map<number, bigint>();
  for (const { currency, balance } of input.balancesAtCash) add(owed, currency, balance);
  const currencies = new Set([taken, everything, owed, input.floatAtCash].flatMap((sum) => [...sum.keys()]));
  for (const currency of currencies) {
    const of = (sum: ReadonlyMap<number, bigint>) => sum.get(currency) ?? 0n;
    const expectSame = (left: string, a: bigint, right: string, b: bigint) => {
      if (a !== b) findings.push({ request: 0n, text: `currency ${currency}: ${left} ${a}, ${right} ${b}` });
    };
    expectSame('float', of(input.floatAtCash), 'loads credited', of(everything));
    expectSame('float', of(input.floatAtCash), 'balances of devices', of(owed));
    if (input.books.some(({ party }) => party === 'institution')) {
      expectSame('institution has taken', of(taken), 'cash has credited', of(credited));
    }
  }
  const name = 'institution, float and balances of devices are the same sum';
  return { name, compared: currencies.size, findings };
}

function sums({ books }: AuditInput, party: Party, without: readonly bigint[]): Map<number, bigint> {
  const left = new Set(without);
  const sum = new Map<number, bigint>();
  for (const { request, standing, currency, amount } of books.find((book) => book.party === party)
    ?.statements ?? []) {
    if (standing === 'done' && !left.has(request)) add(sum, currency, amount);
  }
  return sum;
}

function add(sum: Map<number, bigint>, currency: number, amount: bigint): void {
  sum.set(currency, (sum.get(currency) ?? 0n) + amount);
}

function ledger({ ledgerTotals }: AuditInput): AuditCheck {
  const findings: Finding[] = [];
  for (const [currency, { debits, credits }] of ledgerTotals) {
    if (debits === credits) continue;
    findings.push({ request: 0n, text: `currency ${currency}: debits ${debits}, credits ${credits}` });
  }
  return { name: 'debits equal credits over the whole ledger', compared: ledgerTotals.size, findings };
}

function wallets(
  input: AuditInput,
  open: readonly bigint[],
  byRequest: ReadonlyMap<bigint, Said>,
): AuditCheck {
  const findings: Finding[] = [];
  const unsettled = new Set<bigint>();
  for (const request of open) {
    for (const { device } of byRequest.get(request)!.values()) unsettled.add(device);
  }
  const key = (device: bigint, currency: number) => `${device}/${currency}`;
  const own = new Map(
    input.balancesInWallets.map((entry) => [key(entry.device, entry.currency), entry.balance]),
  );
  let compared = 0;
  for (const { device, currency, balance } of input.balancesAtCash) {
    const held = own.get(key(device, currency));
    own.delete(key(device, currency));
    if (unsettled.has(device)) continue;
    if (held === undefined && !input.allWallets) continue;
    compared++;
    if ((held ?? 0n) !== balance) {
      findings.push({
        request: 0n,
        text: `device ${device.toString(16)}: wallet ${held ?? 'not found'}, cash ${balance}`,
      });
    }
  }
  for (const [name, balance] of own) {
    if (balance !== 0n)
      findings.push({ request: 0n, text: `device ${name}: wallet ${balance}, cash has no account` });
  }
  return { name: "each wallet's own record is its balance at cash", compared, findings };
}

function describe(said: Said, asked: ReadonlySet<Party>): string {
  return PARTIES.filter((party) => asked.has(party) && (party !== 'wallet' || said.has(party)))
    .map((party) => `${party}: ${said.get(party)?.word ?? 'not there'}`)
    .join(', ');
}
