// Cash for tests of the wallet: one ledger of devices that keeps its books strictly, signs what it says, and can be told
// what a shop orders later.
import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { type KeySet, keyIdOf } from '../../src/identity/key-set.ts';
import { decodePaymentOrder, orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  type SignedPaymentReceipt,
  type SignedPaymentRejection,
} from '../../src/roles/documents/payment-receipts.ts';
import {
  NumberContent,
  numberSealInfo,
  PurchaseBinding,
  type PurchaseTerms,
  paymentSealInfo,
  purchaseReference,
  type SealedNumber,
  type SealedPayment,
} from '../../src/roles/documents/purchase.ts';
import {
  type PurchaseState,
  type SignedStatement,
  Statement,
  type StatementEntry,
  type StatementQuery,
} from '../../src/roles/documents/statement.ts';

/** What the ledger has of a purchase. */
interface Payment {
  readonly device: bigint;
  readonly shop: bigint;
  readonly kind: 'sale' | 'authorisation';
  readonly amount: bigint;
  readonly timestamp: bigint;
  /** Of an authorisation: when it runs out. */
  readonly until: bigint;
  readonly receipt: SignedPaymentReceipt;
  state: PurchaseState;
  /** What was taken of it, less what was given back. */
  taken: bigint;
}

export interface TestCashOptions {
  readonly now: () => bigint;
  readonly keySets: {
    readonly management: readonly [KeySet, KeySet];
    readonly cash: readonly [KeySet, KeySet];
  };
  readonly signingKeyOf: (device: bigint) => Uint8Array | undefined;
}

export class TestCash {
  /** Of a page. */
  pageMax = 64;
  /** 0 or 1: which of cash's key sets signs. */
  keySet: 0 | 1 = 0;
  readonly payments = new Map<bigint, Payment>();
  readonly rejections = new Map<bigint, SignedPaymentRejection>();
  readonly entries = new Map<bigint, StatementEntry[]>();
  /** Sequence numbers of orders that were opened, by their requests. */
  readonly sequences = new Map<bigint, bigint>();
  readonly #options: TestCashOptions;
  #last = 0n;
  #transfer = 1n << 100n;

  constructor(options: TestCashOptions) {
    this.#options = options;
  }

  signingKeyOf(device: bigint): Uint8Array | undefined {
    return this.#options.signingKeyOf(device);
  }

  get signer(): KeySet['signing'] {
    return this.#options.keySets.cash[this.keySet].signing;
  }

  /** As management and cash do it between them: both seals are opened, and all they say is compared. */
  pay(
    terms: PurchaseTerms,
    number: SealedNumber,
    payment: SealedPayment,
  ): SignedPaymentReceipt | SignedPaymentRejection {
    const { request, shop, amount, currency, expiresAt, kind } = terms;
    const aad = PurchaseBinding.encode({ request, shop });
    const { management, cash } = this.#options.keySets;
    const content = NumberContent.decode(opened(management, number, numberSealInfo, aad));
    const order = opened(cash, payment, paymentSealInfo, aad);
    const { device, reference } = content;
    const found = decodePaymentOrder(order);
    const signed = orderSignedBytes(order);
    const expected = [
      request,
      device,
      shop,
      amount,
      currency,
      expiresAt,
      kind,
      hex(purchaseReference(terms, sha256)),
    ];
    const says = [
      [found.id, found.debitAccountId, found.creditAccountId, found.amount, found.ledger, found.expiresAt],
      [found.code === 20 ? 'sale' : 'authorisation', hex(found.reference)],
    ].flat();
    expectSame(says, expected);
    expectSame(
      [content.amount, content.currency, content.expiresAt, content.kind, hex(reference)],
      expected.slice(3),
    );
    const signingKey = this.#options.signingKeyOf(device)!;
    if (!ed25519.verify(signingKey, signed, found.signature))
      throw new Error('expected the device to have signed');
    const known = this.payments.get(request)?.receipt ?? this.rejections.get(request);
    if (known !== undefined) return known;
    for (const [other, sequence] of this.sequences) {
      if (sequence === found.sequence)
        throw new Error(`sequence ${sequence} of ${other} is used again by ${request}`);
    }
    this.sequences.set(request, found.sequence);
    const orderDigest = sha256(signed);
    const timestamp = this.#time();
    if (timestamp >= expiresAt) return this.#reject(terms, reference, orderDigest, 'order_expired');
    if (amount > this.balance(device) - this.reserved(device))
      return this.#reject(terms, reference, orderDigest, 'exceeds_credits');
    const isSale = kind === 'sale';
    const receipt = this.receipt({
      ...{ request, kind: isSale ? 'paid' : 'reserved', orderDigest, shop, amount, currency, timestamp },
      reference: found.reference,
    });
    const until = isSale ? 0n : timestamp + BigInt(found.timeout) * 1_000_000_000n;
    const state = isSale ? 'paid' : 'reserved';
    const taken = isSale ? amount : 0n;
    this.payments.set(request, { device, shop, kind, amount, timestamp, until, receipt, state, taken });
    const reason = isSale ? 'payment' : 'authorisation';
    this.#book(device, {
      transfer: request,
      reason,
      phase: isSale ? 'single' : 'pending',
      amount,
      timestamp,
    });
    return receipt;
  }

  /** Takes of what is reserved, and releases the rest. */
  capture(purchase: bigint, amount: bigint): void {
    const payment = this.#reserved(purchase, amount);
    Object.assign(payment, { state: 'captured', taken: amount });
    this.#book(payment.device, { reason: 'authorisation', phase: 'post', amount, purchase });
  }

  void(purchase: bigint): void {
    const payment = this.#reserved(purchase, 0n);
    payment.state = 'voided';
    const { device, amount } = payment;
    this.#book(device, { reason: 'authorisation', phase: 'void', amount, purchase });
  }

  refund(purchase: bigint, amount: bigint): void {
    const payment = this.payments.get(purchase)!;
    if (amount > payment.taken)
      throw new Error(`expected at most ${payment.taken} to give back, got ${amount}`);
    payment.taken -= amount;
    this.#book(payment.device, { side: 'credit', reason: 'refund', amount, purchase });
  }

  credit(device: bigint, amount: bigint, transfer?: bigint, reason = 'load'): void {
    this.#book(device, { side: 'credit', reason, amount, ...(transfer !== undefined && { transfer }) });
  }

  debit(device: bigint, amount: bigint, reason: string, transfer?: bigint): void {
    this.#book(device, { reason, amount, ...(transfer !== undefined && { transfer }) });
  }

  balance(device: bigint): bigint {
    let sum = 0n;
    for (const { side, phase, amount } of this.entries.get(device) ?? []) {
      if (phase === 'single' || phase === 'post') sum += side === 'credit' ? amount : -amount;
    }
    return sum;
  }

  reserved(device: bigint): bigint {
    this.#expire();
    const held = [...this.payments.values()].filter((payment) => payment.device === device);
    return held.reduce((sum, { state, amount }) => (state === 'reserved' ? sum + amount : sum), 0n);
  }

  /** A page, signed; with anything changed. */
  statement(
    device: bigint,
    query: StatementQuery,
    change: Partial<Statement> = {},
    secretKey?: Uint8Array,
  ): SignedStatement {
    this.#expire();
    const all = (this.entries.get(device) ?? []).filter(({ timestamp }) => timestamp > query.after);
    const entries = all.slice(0, this.pageMax);
    const more = all.length > entries.length;
    const asOf = this.#time();
    const document: Statement = {
      keyId: keyIdOf(this.signer.publicKey, sha256),
      device,
      currency: query.currency,
      after: query.after,
      until: more ? entries.at(-1)!.timestamp : asOf,
      more,
      balance: this.balance(device),
      reserved: this.reserved(device),
      asOf,
      entries,
      purchases: query.purchases.map((request) => {
        const found = this.payments.get(request);
        const mine = found?.device === device ? found : undefined;
        return {
          request,
          state: mine?.state ?? 'unknown',
          amount: mine?.amount ?? 0n,
          timestamp: mine?.timestamp ?? 0n,
        };
      }),
      ...change,
    };
    const signature = ed25519.sign(secretKey ?? this.signer.secretKey, Statement.signedBytes(document));
    return { document, signature };
  }

  /** As cash would sign it, with anything in it. */
  receipt(document: Omit<PaymentReceipt, 'keyId'>, secretKey = this.signer.secretKey): SignedPaymentReceipt {
    const whole = { keyId: keyIdOf(this.signer.publicKey, sha256), ...document };
    return { document: whole, signature: ed25519.sign(secretKey, PaymentReceipt.signedBytes(whole)) };
  }

  rejection(
    document: Omit<PaymentRejection, 'keyId' | 'rejectedAt'>,
    secretKey = this.signer.secretKey,
  ): SignedPaymentRejection {
    const rejectedAt = this.#options.now();
    const whole = { keyId: keyIdOf(this.signer.publicKey, sha256), rejectedAt, ...document };
    return { document: whole, signature: ed25519.sign(secretKey, PaymentRejection.signedBytes(whole)) };
  }

  #reject(
    { request, shop, amount, currency }: PurchaseTerms,
    reference: Uint8Array,
    orderDigest: Uint8Array,
    reason: string,
  ): SignedPaymentRejection {
    const of = { request, orderDigest, shop, amount, currency, reference };
    const rejection = this.rejection({ ...of, reason });
    this.rejections.set(request, rejection);
    return rejection;
  }

  #reserved(purchase: bigint, amount: bigint): Payment {
    this.#expire();
    const payment = this.payments.get(purchase)!;
    if (payment.state !== 'reserved' || amount > payment.amount)
      throw new Error(`expected ${amount} reserved, got ${payment.state} ${payment.amount}`);
    return payment;
  }

  #expire(): void {
    const now = this.#options.now();
    for (const payment of this.payments.values()) {
      if (payment.state === 'reserved' && now >= payment.until) payment.state = 'expired';
    }
  }

  #book(device: bigint, entry: Partial<StatementEntry> & Pick<StatementEntry, 'reason' | 'amount'>): void {
    const whole: StatementEntry = {
      transfer: this.#transfer++,
      side: 'debit',
      phase: 'single',
      purchase: 0n,
      timestamp: entry.timestamp ?? this.#time(),
      ...entry,
    };
    this.entries.set(device, [...(this.entries.get(device) ?? []), whole]);
  }

  /** The ledger's: no two transfers have the same. */
  #time(): bigint {
    const now = this.#options.now();
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function opened(
  keySets: readonly [KeySet, KeySet],
  seal: SealedNumber | SealedPayment,
  infoOf: (keyId: Uint8Array) => Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  const keySet = keySets.find(({ sealing }) => hex(keyIdOf(sealing.publicKey, sha256)) === hex(seal.keyId));
  if (keySet === undefined) throw new Error('expected a seal to a key of the role, got another');
  return hpke.open({
    recipientPrivateKey: keySet.sealing.secretKey,
    info: infoOf(seal.keyId),
    aad,
    enc: seal.encapsulatedKey,
    ciphertext: seal.ciphertext,
  });
}

function expectSame(found: readonly unknown[], expected: readonly unknown[]): void {
  for (const [i, value] of found.entries()) {
    if (value !== expected[i]) throw new Error(`purchase: expected ${expected[i]}, got ${value}`);
  }
}
