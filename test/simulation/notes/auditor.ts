// Proves what notes may do from what nobody can deny: the ledger's transfers, the tables of the mints, and what people hold in
// the end. It shares no code with the project: it reads records by their offsets and adds up by itself.
//
//     always   each transfer for notes is by notes of that request, and each note is signed and spent for one reason
//              a gateway's account holds what its counters say, and its counters what its tables say
//     end      nothing is under way; people have in money what they have put in, less fees
//              what a sender was told of an exchange, its destination has seen, once
//              whoever is honest has what his own books say; all others together have no more than is left
import { createHash } from 'node:crypto';

const NOTE_ISSUE = 54;
const NOTE_RECEIPT = 55;
const HELD = 0;
const KEY_BYTES = 32;

export interface Moved {
  readonly id: bigint;
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  readonly amount: bigint;
  readonly code: number;
}

export type Records = ReadonlyMap<string, Uint8Array>;

export interface GatewayEnd {
  readonly name: string;
  readonly float: bigint;
  readonly records: Records;
  readonly exchangeAccount: bigint;
  /** Of one terminal, a UTC day. */
  readonly dayMax: bigint;
  readonly exchanges: () => readonly {
    readonly request: bigint;
    readonly direction: 'out' | 'in';
    readonly state: string;
    readonly step: string;
    readonly amount: bigint | undefined;
    readonly fee: bigint | undefined;
    readonly sender: Uint8Array | undefined;
    readonly destination: Uint8Array | undefined;
    readonly history: readonly { readonly at: bigint }[];
  }[];
}

export interface PersonEnd {
  readonly name: string;
  readonly side: 'lan' | 'wan';
  /** Of a LAN. */
  readonly gateway: string | undefined;
  readonly device: bigint;
  readonly channelKey: string;
  readonly isHonest: boolean;
  readonly free: bigint;
  readonly told: readonly { readonly event: string; readonly amount: bigint; readonly reference: bigint }[];
}

export interface Audited {
  readonly transfers: readonly Moved[];
  readonly balanceOf: (account: bigint) => bigint;
  readonly notesAccount: bigint;
  readonly issuer: Records;
  readonly receiver: Records;
  readonly sales: readonly {
    readonly buyer: string;
    readonly request: bigint;
    readonly quote: bigint;
    readonly amount: bigint;
    readonly outcome: string;
  }[];
  readonly gateways: readonly GatewayEnd[];
  readonly people: readonly PersonEnd[];
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const u128 = (view: DataView, at: number): bigint =>
  view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);

function* tableOf(records: Records, table: string): Generator<readonly [key: string, value: DataView]> {
  const start = `${table}\0`;
  for (const [place, value] of records)
    if (place.startsWith(start)) yield [place.slice(start.length), viewOf(value)];
}

type Sums = Map<bigint, bigint>;
const add = (sums: Sums, of: bigint, amount: bigint): void =>
  void sums.set(of, (sums.get(of) ?? 0n) + amount);
const total = (sums: Sums): bigint => [...sums.values()].reduce((sum, amount) => sum + amount, 0n);

interface Book {
  /** By the request that did it. */
  readonly signed: Sums;
  readonly spent: Sums;
  readonly held: Sums;
}

/** From the notes one by one, and compared with the sums that the mint keeps. */
function bookOf(records: Records, whose: string, problems: string[]): Book {
  const book: Book = { signed: new Map(), spent: new Map(), held: new Map() };
  for (const [, view] of tableOf(records, 'notes-signed'))
    add(book.signed, u128(view, 0), view.getBigUint64(20 + view.getUint32(16, true), true));
  for (const [, view] of tableOf(records, 'notes-spent')) {
    const amount = view.getBigUint64(21 + view.getUint32(17, true), true);
    add(view.getUint8(0) === HELD ? book.held : book.spent, u128(view, 1), amount);
  }
  let [signed, held, spent] = [0n, 0n, 0n];
  for (const [, view] of tableOf(records, 'notes-totals')) {
    signed += u128(view, 0);
    held += u128(view, 24);
    spent += u128(view, 48);
  }
  if (signed !== total(book.signed) || held !== total(book.held) || spent !== total(book.spent))
    problems.push(`${whose}: sums of ${signed}, ${held}, ${spent} are not those of the notes`);
  return book;
}

/** Whenever anybody looks, whatever is under way. */
export function auditAlways(audited: Audited): string[] {
  const problems: string[] = [];
  const issuer = bookOf(audited.issuer, 'issuer', problems);
  const receiver = bookOf(audited.receiver, 'receiver', problems);
  wideNotes(audited, issuer, receiver, problems);
  for (const gateway of audited.gateways) backing(audited, gateway, problems);
  return problems;
}

/** The transfer by which a quote is melted. */
function meltOf(quote: bigint): bigint {
  const number = Buffer.alloc(16);
  number.writeBigUInt64LE(quote & 0xffff_ffff_ffff_ffffn, 0);
  number.writeBigUInt64LE(quote >> 64n, 8);
  const digest = createHash('sha256').update('specie melt v1\0').update(number).digest();
  return BigInt(`0x${digest.toString('hex', 0, 16)}`) >> 1n;
}

/** Each transfer has its notes, and each note its transfer, or the swap in which it came of others. */
function wideNotes(audited: Audited, issuer: Book, receiver: Book, problems: string[]): void {
  const { transfers, notesAccount, balanceOf, sales } = audited;
  const quotes = new Map(sales.map(({ request, quote }) => [request, quote]));
  const melts = new Map(
    [...receiver.held.keys(), ...receiver.spent.keys()].map((request) => [meltOf(request), request]),
  );
  const explained = { signed: new Set<bigint>(), spent: new Set<bigint>() };
  let [unsigned, unspent] = [0n, 0n];
  for (const { id, code, amount } of transfers) {
    if (code === NOTE_ISSUE) {
      const request = quotes.get(id) ?? id;
      const signed = issuer.signed.get(request) ?? 0n;
      explained.signed.add(request);
      if (signed !== 0n && signed !== amount) problems.push(`issue ${id}: ${amount} paid, ${signed} signed`);
      unsigned += amount - signed;
    }
    if (code === NOTE_RECEIPT) {
      const request = melts.get(id) ?? id;
      const held = receiver.held.get(request) ?? 0n;
      const spent = receiver.spent.get(request) ?? 0n;
      explained.spent.add(request);
      if (held + spent !== amount)
        problems.push(`receipt ${id}: ${amount} paid, for notes of ${held + spent}`);
      unspent += held;
    }
  }
  for (const [request, amount] of issuer.signed)
    if (!explained.signed.has(request))
      problems.push(`issuer: ${amount} signed by ${request}, paid by nobody`);
  if (total(issuer.spent) + total(issuer.held) > 0n) problems.push('issuer: it has taken notes in');
  for (const [request, amount] of receiver.spent)
    if (!explained.spent.has(request) && receiver.signed.get(request) !== amount)
      problems.push(`receiver: ${amount} spent by ${request}, and neither paid nor signed anew`);
  for (const [request, amount] of receiver.signed)
    if (receiver.spent.get(request) !== amount)
      problems.push(`receiver: ${amount} signed by ${request} for nothing`);
  // (1) cash says what is out; what is under way is on one side already.
  const out = total(issuer.signed) + total(receiver.signed) - total(receiver.spent);
  const notes = balanceOf(notesAccount);
  if (notes !== out + unsigned - unspent)
    problems.push(
      `notes: ${notes} at cash, ${out} out, ${unsigned} not signed yet, ${unspent} not spent yet`,
    );
}

interface Counters {
  readonly taken: bigint;
  readonly issued: bigint;
  readonly fees: bigint;
  readonly generating: bigint;
  readonly requested: bigint;
  readonly offered: bigint;
  readonly waitingWide: bigint;
  readonly waitingLocal: bigint;
}

function countersOf(records: Records): Counters {
  const [found] = tableOf(records, 'backing');
  const at = (place: number): bigint => (found === undefined ? 0n : u128(found[1], 16 * place));
  return {
    ...{ taken: at(0), issued: at(1), fees: at(2), generating: at(3) },
    ...{ requested: at(4), offered: at(5), waitingWide: at(6), waitingLocal: at(7) },
  };
}

/** (2) The account is float, and what has come and gone by the gateway's own counters; those are what its tables add up to. */
function backing(audited: Audited, gateway: GatewayEnd, problems: string[]): void {
  const { name, float, records, exchangeAccount } = gateway;
  const { balanceOf } = audited;
  const own: string[] = [];
  const book = bookOf(records, name, own);
  const { taken, issued, fees, generating, requested, offered } = countersOf(records);
  const outstanding = total(book.signed) - total(book.spent);
  if (taken - issued !== outstanding + fees + generating)
    own.push(
      `${name}: ${taken} taken, ${issued} issued, but ${outstanding} out, ${fees} fees, ${generating} to come`,
    );
  const account = balanceOf(exchangeAccount);
  const expected = float + taken - issued;
  // Before it is put in there is none.
  if (account !== 0n || taken + issued > 0n) {
    if (account < expected - requested || account > expected + offered)
      own.push(`${name}: ${account} at cash, expected ${expected}, less ${requested}, or ${offered} more`);
  }
  // What has gone out and come back has left its fee behind.
  const fee = new Map(gateway.exchanges().map((exchange) => [exchange.request, exchange.fee ?? 0n]));
  for (const [request, amount] of fee.size === 0 ? [] : book.signed) {
    const spent = book.spent.get(request);
    if (spent !== undefined && spent - (fee.get(request) ?? 0n) !== amount && spent !== amount)
      own.push(`${name}: swap ${request} of ${spent} for ${amount}`);
  }
  problems.push(...own);
}

/** When nothing is open any more, all wide notes are paid in, and local ones as far as a send allows. */
export function auditEnd(audited: Audited): string[] {
  const problems: string[] = [];
  const { gateways, people, balanceOf, notesAccount, sales, receiver, issuer } = audited;
  for (const gateway of gateways) {
    settled(audited, gateway, problems);
    limits(gateway, problems);
  }
  for (const person of people) ownBooks(audited, person, problems);
  const books = [bookOf(issuer, 'issuer', problems), bookOf(receiver, 'receiver', problems)];
  if (books.some(({ held }) => total(held) > 0n)) problems.push('wide notes are held in the end');
  // (3), (5) What was put in is what has come out, what the gateways have earned, and what is left in notes.
  const put = sales.filter(({ outcome }) => outcome === 'paid').reduce((sum, { amount }) => sum + amount, 0n);
  const paid = people.reduce((sum, { device }) => sum + balanceOf(device), 0n);
  const wide = balanceOf(notesAccount);
  let [fees, local] = [0n, 0n];
  for (const { records, name } of gateways) {
    const book = bookOf(records, name, problems);
    fees += countersOf(records).fees;
    local += total(book.signed) - total(book.spent);
  }
  if (put !== paid + wide + fees + local)
    problems.push(`put in ${put}: ${paid} paid out, ${wide} wide notes, ${local} local ones, ${fees} fees`);
  const isHonest = people.every((person) => person.isHonest);
  const inHands = (side: 'lan' | 'wan', gateway?: string): bigint =>
    people
      .filter((person) => person.side === side && (gateway === undefined || person.gateway === gateway))
      .reduce((sum, { free }) => sum + free, 0n);
  // Whoever cheats may lose notes that nobody else gets.
  const isLeft = (left: bigint, held: bigint): boolean => (isHonest ? left === held : left >= held);
  if (!isLeft(wide, inHands('wan')))
    problems.push(`${wide} of wide notes are left, ${inHands('wan')} in hands`);
  for (const { name, records } of gateways) {
    const book = bookOf(records, name, problems);
    const left = total(book.signed) - total(book.spent);
    if (!isLeft(left, inHands('lan', name)))
      problems.push(`${name}: ${left} of local notes are left, ${inHands('lan', name)} in hands`);
  }
  return problems;
}

/** Nothing is under way, and both ends of each exchange have seen the same end of it. */
function settled({ balanceOf, people }: Audited, gateway: GatewayEnd, problems: string[]): void {
  const { name, float, records, exchangeAccount } = gateway;
  const { taken, issued, ...rest } = countersOf(records);
  for (const [counter, amount] of Object.entries(rest))
    if (counter !== 'fees' && amount !== 0n) problems.push(`${name}: ${counter} is ${amount} in the end`);
  if (balanceOf(exchangeAccount) !== float + taken - issued)
    problems.push(`${name}: ${balanceOf(exchangeAccount)} at cash, expected ${float + taken - issued}`);
  const byKey = new Map(people.map((person) => [person.channelKey, person]));
  for (const table of ['copies', 'open-requests'])
    for (const [,] of tableOf(records, table)) problems.push(`${name}: ${table} are left in the end`);
  for (const [key] of tableOf(records, 'deliveries')) {
    const of = byKey.get(Buffer.from(key.slice(0, KEY_BYTES), 'latin1').toString('hex'));
    // A cheat's terminal knows nothing of what he has sent himself, nor takes in what he has spent.
    if (of?.isHonest === true) problems.push(`${name}: a delivery to ${of.name} is left in the end`);
  }
  const count = (of: PersonEnd | undefined, event: string, request: bigint): number =>
    of?.told.filter((told) => told.event === event && told.reference === request).length ?? 0;
  for (const { request, state, amount, sender, destination } of gateway.exchanges()) {
    if (sender === undefined || destination === undefined) continue;
    const from = byKey.get(Buffer.from(sender).toString('hex'));
    const to = byKey.get(Buffer.from(destination).toString('hex'));
    const received = count(to, 'received', request);
    const what = `${name}: exchange ${request.toString(16)} of ${amount} is ${state}`;
    if (received > (state === 'delivered' ? 1 : 0)) problems.push(`${what}, and received ${received} times`);
    // What a cheat does to his own copies is between him and the mint.
    if (state === 'delivered' && received === 0 && from?.isHonest === true && to?.isHonest === true)
      problems.push(`${what}, and ${to.name} has not received it`);
    if (from?.isHonest !== true) continue;
    const told = ['delivered', 'returned', 'rejected'].filter((event) => count(from, event, request) > 0);
    if (told.length !== 1 || told[0] !== state || count(from, state, request) !== 1)
      problems.push(`${what}, and ${from.name} was told ${told.join(', ') || 'nothing'}`);
  }
}

const DAY = 86_400_000_000_000n;

/** Nobody has sent more in a day than the terms allow; what was rejected does not count. */
function limits({ name, dayMax, exchanges }: GatewayEnd, problems: string[]): void {
  const sent = new Map<string, bigint>();
  for (const { state, sender, amount, fee, history } of exchanges()) {
    const [first] = history;
    if (sender === undefined || amount === undefined || fee === undefined || state === 'rejected') continue;
    const day = `${Buffer.from(sender).toString('hex')} ${first!.at / DAY}`;
    const sum = (sent.get(day) ?? 0n) + amount + fee;
    sent.set(day, sum);
    if (sum > dayMax)
      problems.push(`${name}: a terminal has sent ${sum} in a day, expected at most ${dayMax}`);
  }
}

const GAINS = ['withdrawn', 'received', 'token_taken', 'returned', 'reclaimed', 'rejected'];
const COSTS = ['sent', 'token_made', 'deposited'];

/** What an honest one has is what came, less what went; and cash agrees about what it can see. */
function ownBooks({ sales, balanceOf }: Audited, person: PersonEnd, problems: string[]): void {
  const { name, told, free, device, isHonest } = person;
  const sum = (events: readonly string[]): bigint =>
    told.filter(({ event }) => events.includes(event)).reduce((all, { amount }) => all + amount, 0n);
  const bought = sales
    .filter(({ buyer, outcome }) => buyer === name && outcome === 'paid')
    .reduce((all, { amount }) => all + amount, 0n);
  if (bought !== sum(['withdrawn'])) problems.push(`${name}: bought ${bought}, has ${sum(['withdrawn'])}`);
  if (!isHonest) return;
  if (sum(['lost']) > 0n) problems.push(`${name}: is honest, and has lost ${sum(['lost'])}`);
  if (free !== sum(GAINS) - sum(COSTS))
    problems.push(`${name}: has ${free}, by its own books ${sum(GAINS) - sum(COSTS)}`);
  if (balanceOf(device) !== sum(['deposited']))
    problems.push(`${name}: ${balanceOf(device)} at cash, deposited ${sum(['deposited'])}`);
}
