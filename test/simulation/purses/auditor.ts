// Proves the end of a simulation of purses from what nobody can deny: the ledger's transfers, what purses have signed, and what
// management has answered. It shares no code with the project: it reads orders by their offsets, checks signatures with Node's own
// cryptography, and adds up by itself.
//
//     conservation   what was loaded = devices + purses, less what the operator has covered; each payment settled once, as signed
//     fraud          a report that makes two contradictory orders of a purse known is answered with the proof, that one or an earlier
//     innocence      whoever is accused, blocked, covered or disputed has signed what cannot be honest
//     honesty pays   an order of an honest purse that was reported in time waits only while its purse has less than it says
//     wallets        nobody has subtracted what was not added, nor added what was not spent, nor taken what it should not
import { createPublicKey, verify } from 'node:crypto';
import type { Closing, Evidence, Report } from './evidence.ts';

const FLOAT = 978_001n;
const OFFLINE_LOSS = 978_006n;
const LOAD = 10;
const RESERVE = 51;
const HANDOVER = 52;
const RELEASE = 53;
const COVER = 82;
const SIGNED_BYTES = 184;
const ORDER_BYTES = 256;
const TAG = Buffer.from('specie payment order v1\0', 'latin1');
/** By how much clocks may be wrong, and an answer under way. */
const LATITUDE = 30n * 60_000_000_000n;

/** As the ledger has it. */
export interface Moved {
  readonly id: bigint;
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  readonly amount: bigint;
  readonly userData128: bigint;
  readonly code: number;
  readonly timestamp: bigint;
}

interface Proof {
  readonly signingKey: Uint8Array;
  readonly evidence:
    | { readonly kind: 'orders'; readonly first: Uint8Array; readonly second: Uint8Array }
    | {
        readonly kind: 'closing';
        readonly order: Uint8Array;
        readonly closing: {
          readonly document: {
            readonly purse: bigint;
            readonly lastSequence: bigint;
            readonly total: bigint;
          };
        };
      };
}

/** What operators are shown of a device. */
export interface Shown {
  readonly device: bigint;
  readonly name: string;
  readonly loaded: bigint;
  /** By an operator, for whatever reason. */
  readonly isStopped: boolean;
  readonly isBlocked: boolean;
  readonly frauds: readonly { readonly purse: bigint; readonly proof: Proof }[];
  readonly purses: readonly {
    readonly purse: bigint;
    readonly allowance: bigint;
    readonly received: bigint;
    readonly settled: bigint;
    readonly covered: bigint;
    readonly left: bigint;
    readonly coverMax: bigint;
  }[];
}

/** What a pocket has on its disk of one purse. */
export interface PurseDisk {
  readonly pocket: string;
  readonly purse: bigint;
  readonly records: ReadonlyMap<string, Uint8Array>;
}

export interface Audited {
  readonly transfers: readonly Moved[];
  /** Posted credits less posted debits, as the ledger says. */
  readonly balanceOf: (account: bigint) => bigint;
  readonly evidence: Evidence;
  readonly disks: readonly PurseDisk[];
  readonly devices: readonly Shown[];
  readonly coverPercent: bigint;
  readonly balanceMax: bigint;
}

interface Order {
  readonly request: bigint;
  readonly payer: bigint;
  readonly payee: bigint;
  readonly amount: bigint;
  readonly total: bigint;
  readonly sequence: bigint;
  readonly reportBy: bigint;
  /** All that is signed, as a text. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

function readOrder(bytes: Uint8Array): Order {
  const view = new DataView(bytes.buffer, bytes.byteOffset, ORDER_BYTES);
  const wide = (at: number): bigint => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  return {
    request: wide(0),
    payer: wide(16),
    payee: wide(32),
    amount: wide(48),
    total: wide(80),
    sequence: view.getBigUint64(160, true),
    reportBy: view.getBigUint64(168, true),
    text: Buffer.from(bytes.subarray(0, SIGNED_BYTES)).toString('base64'),
    bytes: bytes.subarray(0, ORDER_BYTES),
  };
}

function isSigned({ bytes }: Order, key: Uint8Array): boolean {
  const x = Buffer.from(key).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const message = Buffer.concat([TAG, bytes.subarray(0, SIGNED_BYTES)]);
  return verify(null, message, publicKey, bytes.subarray(192, ORDER_BYTES));
}

/** An honest purse numbers its payments, and adds them up. */
function disagree(one: Order, other: Order): boolean {
  if (one.text === other.text || one.payer !== other.payer) return false;
  if (one.sequence === other.sequence) return true;
  const [first, second] = one.sequence < other.sequence ? [one, other] : [other, one];
  return second.total - second.amount < first.total;
}

const isBeyond = (
  order: Order,
  closing: { readonly purse: bigint; readonly lastSequence: bigint; readonly total: bigint },
): boolean =>
  order.payer === closing.purse && (order.sequence > closing.lastSequence || order.total > closing.total);

const hex = (id: bigint): string => id.toString(16).slice(0, 8);

export function auditPurses(audited: Audited): string[] {
  return new PurseAudit(audited).problems();
}

class PurseAudit {
  readonly #audited: Audited;
  readonly #problems: string[] = [];
  /** Written down by a wallet before they could leave it. */
  readonly #orders = new Map<bigint, Order>();
  readonly #ofPurse = new Map<bigint, Order[]>();
  /** Whose each purse is; also of those whose wallet never got to know of them. */
  readonly #owned = new Map<bigint, { readonly device: bigint; readonly amount: bigint }>();
  readonly #settled = new Map<bigint, 'purse' | 'loss'>();
  readonly #balances = new Map<bigint, bigint>();
  /** Of purses, with their times: what came in, and what cash has given back by itself. */
  readonly #credits = new Map<bigint, { at: bigint; amount: bigint }[]>();
  readonly #returns = new Map<bigint, { at: bigint; amount: bigint }[]>();
  readonly #paid = new Map<bigint, bigint>();
  readonly #covered = new Map<bigint, bigint>();
  readonly #recovered = new Map<bigint, bigint>();
  readonly #released = new Map<bigint, bigint>();
  readonly #guilty = new Set<bigint>();
  readonly #detected = new Set<bigint>();

  constructor(audited: Audited) {
    this.#audited = audited;
  }

  problems(): string[] {
    this.#problems.push(...this.#audited.evidence.faults);
    this.#collect();
    this.#judge();
    this.#replay();
    this.#conserve();
    this.#answers();
    this.#accusations();
    this.#honestArePaid();
    this.#wallets();
    return this.#problems;
  }

  #told(text: string): void {
    this.#problems.push(text);
  }

  #collect(): void {
    for (const { pocket, purse, records } of this.#audited.disks) {
      for (const [key, value] of records) {
        if (!key.startsWith('sent/')) continue;
        const order = readOrder(value);
        if (order.payer !== purse) this.#told(`${pocket}: ${hex(order.request)} is of another purse`);
        const known = this.#orders.get(order.request);
        if (known !== undefined && known.text !== order.text)
          this.#told(`${pocket}: two orders under ${hex(order.request)}`);
        if (known !== undefined) continue;
        this.#orders.set(order.request, order);
        this.#ofPurse.set(purse, [...(this.#ofPurse.get(purse) ?? []), order]);
      }
    }
    const terms = this.#terms();
    for (const { purse, device, amount } of terms.values()) this.#owned.set(purse, { device, amount });
    for (const { code, creditAccountId, debitAccountId: device, amount } of this.#audited.transfers)
      if (code === RESERVE) this.#owned.set(creditAccountId, { device, amount });
    for (const order of this.#orders.values()) {
      const { signingKey, reportBy } = terms.get(order.payer)!;
      if (!isSigned(order, signingKey)) this.#told(`${hex(order.request)} is not signed by its purse`);
      if (order.reportBy !== reportBy) this.#told(`${hex(order.request)}: another reportBy`);
    }
  }

  #terms() {
    return new Map(this.#audited.evidence.purses.map((terms) => [terms.purse, terms]));
  }

  /** By what purses have signed, whether anybody has noticed or not. */
  #judge(): void {
    const { closings } = this.#audited.evidence;
    for (const [purse, orders] of this.#ofPurse) {
      const isGuilty =
        orders.some((one, i) => orders.slice(0, i).some((other) => disagree(one, other))) ||
        orders.some((order) => closings.some((closing) => isBeyond(order, closing)));
      if (isGuilty) this.#guilty.add(purse);
      else if (orders.some(({ sequence }) => sequence > BigInt(orders.length)))
        this.#told(`purse ${hex(purse)} has left out numbers`);
    }
  }

  #replay(): void {
    const terms = this.#terms();
    const { openings } = this.#audited.evidence;
    const ids = new Set<bigint>();
    const add = (map: Map<bigint, bigint>, key: bigint, amount: bigint): bigint => {
      const sum = (map.get(key) ?? 0n) + amount;
      map.set(key, sum);
      return sum;
    };
    for (const moved of this.#audited.transfers) {
      const {
        id,
        debitAccountId: debit,
        creditAccountId: credit,
        amount,
        code,
        userData128,
        timestamp,
      } = moved;
      const wrong = (text: string): void => this.#told(`transfer ${hex(id)}, code ${code}: ${text}`);
      if (ids.has(id)) wrong('stands twice');
      ids.add(id);
      const left = add(this.#balances, debit, -amount);
      add(this.#balances, credit, amount);
      if (left < 0n && debit !== FLOAT && debit !== OFFLINE_LOSS) wrong(`${-left} more than there is`);
      if (this.#owned.has(credit))
        this.#credits.set(credit, [...(this.#credits.get(credit) ?? []), { at: timestamp, amount }]);
      if (this.#owned.has(debit) && code !== HANDOVER)
        this.#returns.set(debit, [...(this.#returns.get(debit) ?? []), { at: timestamp, amount }]);
      const settling = (from: 'purse' | 'loss'): Order | undefined => {
        const order = this.#orders.get(from === 'purse' && this.#orders.has(id) ? id : userData128);
        if (order === undefined) {
          wrong('nobody has signed it');
          return undefined;
        }
        if (this.#settled.has(order.request)) wrong('is settled already');
        this.#settled.set(order.request, from);
        if (order.payee !== credit || order.amount !== amount) wrong('is not as it was signed');
        if (timestamp > order.reportBy + LATITUDE) wrong('too late');
        return order;
      };
      switch (code) {
        case LOAD:
          if (debit !== FLOAT) wrong('not from float');
          break;
        case RESERVE: {
          const opening = openings.get(id);
          if (opening?.device !== debit || opening.amount !== amount)
            wrong('is not what the device has signed');
          if ((terms.get(credit)?.opening ?? id) !== id) wrong('is for another purse');
          break;
        }
        case HANDOVER: {
          const order = settling('purse');
          if (order !== undefined && order.payer !== debit) wrong('another purse has paid');
          add(this.#paid, debit, amount);
          break;
        }
        case RELEASE:
          if (this.#owned.get(debit)?.device !== credit) wrong("not to the purse's device");
          if ((this.#covered.get(debit) ?? 0n) !== (this.#recovered.get(debit) ?? 0n))
            wrong('the operator has paid for that purse');
          add(this.#released, debit, amount);
          break;
        case COVER:
          if (debit === OFFLINE_LOSS) {
            const order = settling('loss');
            if (order === undefined) break;
            const sum = add(this.#covered, order.payer, amount);
            if (!this.#guilty.has(order.payer)) wrong('covers an honest purse');
            if (sum > this.#coverMax(order.payer)) wrong(`covers ${sum}`);
          } else {
            if (credit !== OFFLINE_LOSS) wrong('is neither');
            if (add(this.#recovered, debit, amount) > (this.#covered.get(debit) ?? 0n))
              wrong('takes back more than was paid');
          }
          break;
        default:
          wrong('is none of this chart');
      }
    }
  }

  #coverMax(purse: bigint): bigint {
    return ((this.#owned.get(purse)?.amount ?? 0n) * this.#audited.coverPercent) / 100n;
  }

  #conserve(): void {
    const { devices, balanceOf, balanceMax } = this.#audited;
    for (const [account, balance] of this.#balances)
      if (balance !== balanceOf(account))
        this.#told(`account ${hex(account)}: transfers ${balance}, ledger ${balanceOf(account)}`);
    const has = (account: bigint): bigint => this.#balances.get(account) ?? 0n;
    let held = 0n;
    for (const { device, loaded, name } of devices) {
      const reserved = [...this.#owned].filter(([, owned]) => owned.device === device);
      const expected = reserved.reduce(
        (sum, [purse, { amount }]) => sum - amount + (this.#released.get(purse) ?? 0n),
        loaded,
      );
      if (has(device) !== expected) this.#told(`${name}: expected ${expected}, got ${has(device)}`);
      held += has(device);
      for (const [purse] of reserved) {
        held += has(purse);
        // At the end all purses are over: what is left waits for room on the device.
        if (has(purse) > 0n && has(device) < balanceMax)
          this.#told(`purse ${hex(purse)} of ${name} has kept ${has(purse)}`);
      }
    }
    const loaded = devices.reduce((sum, device) => sum + device.loaded, 0n);
    if (-has(FLOAT) !== loaded) this.#told(`loaded ${loaded}, float ${-has(FLOAT)}`);
    if (held !== loaded - has(OFFLINE_LOSS))
      this.#told(`loaded ${loaded}, offline loss ${-has(OFFLINE_LOSS)}, held ${held}`);
  }

  #answers(): void {
    const { reports, closings } = this.#audited.evidence;
    const finals = new Map<string, { readonly said: string; readonly answered: number }>();
    for (const report of reports) {
      const order = readOrder(report.order);
      const { outcome, from, signed, by } = report;
      const wrong = (text: string): void =>
        this.#told(`${by} was told of ${hex(order.request)} ${outcome}: ${text}`);
      if (this.#orders.get(order.request)?.text !== order.text) wrong('no wallet has written it down');
      if (signed !== undefined) {
        const said = `${outcome} ${Buffer.from(signed).toString('base64')}`;
        if ((finals.get(order.text)?.said ?? said) !== said) wrong('something else than before');
        if (!finals.has(order.text)) finals.set(order.text, { said, answered: report.answered });
      } else if ((finals.get(order.text)?.answered ?? report.asked) < report.asked)
        wrong('after a final answer');
      const settled = this.#settled.get(order.request);
      if (outcome === 'settled' && settled !== from) wrong(`from ${from}, in the ledger ${settled}`);
      if (outcome === 'rejected' && settled !== undefined) wrong('it is settled');
      if (outcome === 'rejected' && report.answeredAt + LATITUDE < order.reportBy) wrong('in time');
      if (outcome === 'disputed' && report.proof === undefined) wrong('and no proof');
      this.#detection(report, order, closings, wrong);
    }
  }

  #detection(
    report: Report,
    order: Order,
    closings: readonly Closing[],
    wrong: (text: string) => void,
  ): void {
    const { proof, asked } = report;
    if (proof !== undefined) {
      if (!this.#proves(proof, order.payer)) wrong('the proof proves nothing');
      this.#detected.add(order.payer);
      return;
    }
    const before = this.#audited.evidence.reports
      .filter((other) => other.answered < asked && isTaken(other))
      .map((other) => readOrder(other.order));
    if (before.some((other) => disagree(other, order)))
      wrong('it contradicts what had arrived, and no proof');
    const isPairBefore = before.some(
      (one) => one.payer === order.payer && before.some((other) => disagree(one, other)),
    );
    if (isPairBefore) wrong('two that contradict each other had arrived, and no proof');
    if (closings.some((closing) => (closing.closed ?? asked) < asked && isBeyond(order, closing)))
      wrong('it is beyond the closing, and no proof');
  }

  /** @returns whether it shows that the purse has cheated, by its own signatures */
  #proves({ signingKey, evidence }: Proof, purse: bigint): boolean {
    const known = this.#terms().get(purse)?.signingKey;
    if (known === undefined || Buffer.compare(known, signingKey) !== 0) return false;
    if (!this.#guilty.has(purse)) return false;
    if (evidence.kind === 'orders') {
      const [one, other] = [readOrder(evidence.first), readOrder(evidence.second)];
      return (
        one.payer === purse &&
        disagree(one, other) &&
        isSigned(one, signingKey) &&
        isSigned(other, signingKey)
      );
    }
    const order = readOrder(evidence.order);
    return order.payer === purse && isBeyond(order, evidence.closing.document) && isSigned(order, signingKey);
  }

  #accusations(): void {
    const { devices } = this.#audited;
    for (const { name, device, frauds, isBlocked, isStopped, purses } of devices) {
      for (const { purse, proof } of frauds)
        if (!this.#proves(proof, purse)) this.#told(`${name} is accused, and has not cheated`);
      if (isBlocked && !isStopped && frauds.length === 0) this.#told(`${name} is blocked for nothing`);
      if (!isBlocked && frauds.length > 0) this.#told(`${name} has cheated, and is not blocked`);
      const own = this.#audited.evidence.purses.filter((terms) => terms.device === device);
      for (const { purse } of own)
        if (this.#detected.has(purse) && !frauds.some((fraud) => fraud.purse === purse))
          this.#told(`${name}: a fraud that cash knows and management does not`);
      for (const { purse } of own)
        if (!purses.some((shown) => shown.purse === purse)) this.#told(`${name}: ${hex(purse)} is not shown`);
      for (const shown of purses) this.#shown(name, shown);
    }
  }

  #shown(name: string, shown: Shown['purses'][number]): void {
    const { purse } = shown;
    // One that nobody knows of has nothing.
    const amount = this.#owned.get(purse)?.amount ?? 0n;
    const received = sumOf(this.#credits.get(purse)) - amount;
    const expected = {
      allowance: amount,
      received,
      settled: this.#paid.get(purse) ?? 0n,
      covered: this.#covered.get(purse) ?? 0n,
      left: this.#balances.get(purse) ?? 0n,
      coverMax: this.#coverMax(purse),
    };
    for (const [field, value] of Object.entries(expected)) {
      const got = shown[field as keyof typeof expected];
      if (got !== value) this.#told(`${name}, purse ${hex(purse)}: ${field} is ${value}, shown ${got}`);
    }
  }

  #honestArePaid(): void {
    const terms = this.#terms();
    const reported = new Map<string, Order>();
    for (const report of this.#audited.evidence.reports) {
      const order = readOrder(report.order);
      if (isTaken(report) && report.answeredAt + LATITUDE < order.reportBy) reported.set(order.text, order);
    }
    for (const order of reported.values()) {
      if (this.#settled.has(order.request)) continue;
      const { payer, amount, request } = order;
      // What comes at the last moment may be too late to be of use.
      const end = terms.get(payer)!.reportBy - LATITUDE;
      const gone = (this.#paid.get(payer) ?? 0n) + sumOf(this.#returns.get(payer), end);
      const available = sumOf(this.#credits.get(payer), end) - gone;
      if (amount <= available) this.#told(`${hex(request)} is not settled, and its purse has ${available}`);
      const cover = this.#coverMax(payer) - (this.#covered.get(payer) ?? 0n);
      if (this.#detected.has(payer) && amount <= cover)
        this.#told(`${hex(request)} is not settled, and ${cover} may be covered`);
    }
  }

  #wallets(): void {
    const { disks, evidence } = this.#audited;
    const terms = this.#terms();
    const added = new Map<bigint, Set<bigint>>();
    for (const { pocket, purse, records } of disks) {
      const seen: Order[] = [];
      for (const [key, value] of records) {
        const told = (text: string): void => this.#told(`${pocket}: ${key}: ${text}`);
        if (key.startsWith('seen/')) seen.push(readOrder(value));
        if (!key.startsWith('received/')) continue;
        const order = readOrder(value);
        if (this.#orders.get(order.request)?.text !== order.text) told('added, and nobody has spent it');
        if (order.payee !== purse) told('added, and meant for another');
        added.set(purse, (added.get(purse) ?? new Set()).add(order.request));
      }
      seen.forEach((one, i) => {
        if (seen.slice(0, i).some((other) => disagree(one, other)))
          this.#told(`${pocket} has taken two orders that contradict each other`);
      });
    }
    for (const { pocket, records } of disks) {
      for (const key of records.keys()) {
        if (!key.startsWith('receipt/')) continue;
        const order = this.#orders.get(BigInt(`0x${key.slice('receipt/'.length)}`));
        if (order === undefined || !added.get(order.payee)?.has(order.request))
          this.#told(`${pocket}: ${key}: subtracted, and nobody has added it`);
      }
    }
    for (const [purse, orders] of this.#ofPurse) {
      if (this.#guilty.has(purse)) continue;
      const spent = orders.reduce((sum, { amount }) => sum + amount, 0n);
      const received = [...(added.get(purse) ?? [])].reduce(
        (sum, request) => sum + (this.#orders.get(request)?.amount ?? 0n),
        terms.get(purse)!.amount,
      );
      if (spent > received) this.#told(`purse ${hex(purse)} has ${received}, and has spent ${spent}`);
    }
    for (const { pocket, request, at, blocked } of evidence.taken) {
      const order = this.#orders.get(request);
      const payer = order && terms.get(order.payer);
      if (payer === undefined) continue;
      if (at >= payer.expiresAt) this.#told(`${pocket} has taken ${hex(request)} of a purse that was over`);
      if (blocked.has(payer.purse)) this.#told(`${pocket} has taken ${hex(request)} of a blocked purse`);
    }
  }
}

/** Until a time. */
function sumOf(moves: readonly { at: bigint; amount: bigint }[] = [], until?: bigint): bigint {
  const before = until === undefined ? moves : moves.filter(({ at }) => at < until);
  return before.reduce((sum, { amount }) => sum + amount, 0n);
}

/** Whether cash keeps the order: what comes too late, or is one too many, it does not. */
const isTaken = ({ outcome, reason }: Report): boolean =>
  outcome !== 'rejected' && reason !== 'too_many_orders';
