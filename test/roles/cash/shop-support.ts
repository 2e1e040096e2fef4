// A shop at cash, purchases as the ledger has them after a payment order, and the orders that a shop signs.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { TransferFlags } from '../../../src/layout/generated.ts';
import { TransferCode } from '../../../src/roles/cash/accounts.ts';
import type { ShopOrderAnswer } from '../../../src/roles/cash/messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import {
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
  type SignedShopOrder,
} from '../../../src/roles/documents/payment-receipts.ts';
import { Statement } from '../../../src/roles/documents/statement.ts';
import {
  answerOf,
  CASH_KEY,
  creditOf,
  EUR,
  keyPair,
  nextRequest,
  type TestCash,
  type TestDevice,
} from './support.ts';

export interface TestShop {
  readonly shop: bigint;
  readonly key: KeyPair;
}

let shops = 0;

export async function openedShop(cash: TestCash, currency = EUR): Promise<TestShop> {
  const number = ++shops;
  const shop = (1n << 91n) + BigInt(number);
  const key = keyPair(500_000 + number);
  answerOf(await cash.client().openShop({ shop, signingKey: key.publicKey, currency }));
  return { shop, key };
}

/** A device with so much money. */
export async function loaded(cash: TestCash, amount: bigint): Promise<TestDevice> {
  const device = await cash.opened();
  answerOf((await cash.credit(creditOf(device, { amount })))[0]!);
  return device;
}

export interface Payment {
  readonly amount: bigint;
  /** An authorisation, of so many seconds; 0: without an end. */
  readonly timeoutSeconds?: number;
}

/** What a payment order leaves in the ledger. Returns the purchase's request. */
export async function paid(
  { ledger }: TestCash,
  { device }: TestDevice,
  { shop }: TestShop,
  { amount, timeoutSeconds }: Payment,
): Promise<bigint> {
  const id = nextRequest();
  const isReserved = timeoutSeconds !== undefined;
  const [result] = await ledger.createTransfers([
    {
      id,
      debitAccountId: device,
      creditAccountId: shop,
      amount,
      ledger: EUR,
      code: isReserved ? TransferCode.authorisation : TransferCode.payment,
      ...(isReserved && { flags: TransferFlags.pending, timeout: timeoutSeconds }),
    },
  ]);
  if (result!.status !== 'created') throw new Error(`expected a payment, got ${result!.status}`);
  return id;
}

export type ShopOrderFields = Partial<ShopOrder> & Pick<ShopOrder, 'action' | 'purchase'>;

export function shopOrder({ shop, key }: TestShop, fields: ShopOrderFields): SignedShopOrder {
  const document: ShopOrder = {
    request: nextRequest(),
    shop,
    amount: 0n,
    currency: EUR,
    applyBy: 1n << 62n,
    ...fields,
  };
  return { document, signature: ed25519.sign(key.secretKey, ShopOrder.signedBytes(document)) };
}

/** `done: <amount>`, `rejected: <reason>`, `refused: <code>` or `unknown`; signatures are checked. */
export function told(result: CallResult<ShopOrderAnswer>, order: SignedShopOrder): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { request, action, purchase } = order.document;
  if (result.answer.kind === 'done') {
    const { document, signature } = result.answer.receipt;
    expectSigned(ShopOrderReceipt.signedBytes(document), signature);
    if (document.request !== request || document.action !== action || document.purchase !== purchase) {
      throw new Error('expected a receipt of this order, got another');
    }
    return `done: ${document.amount}`;
  }
  const { document, signature } = result.answer.rejection;
  expectSigned(ShopOrderRejection.signedBytes(document), signature);
  const digest = sha256(ShopOrder.codec.encode(order.document));
  if (document.request !== request || Buffer.compare(document.orderDigest, digest) !== 0) {
    throw new Error('expected a rejection of this order, got another');
  }
  return `rejected: ${document.reason}`;
}

export function expectSigned(message: Uint8Array, signature: Uint8Array): void {
  if (!ed25519.verify(CASH_KEY.publicKey, message, signature)) {
    throw new Error('expected a signature of cash, got another');
  }
}

export async function ordered(cash: TestCash, ...orders: readonly SignedShopOrder[]): Promise<string[]> {
  const client = cash.client();
  const results = await Promise.all(orders.map((order) => client.shopOrder({ order })));
  return results.map((result, i) => told(result, orders[i]!));
}

/** What the shop has, minor units. */
export async function earned({ ledger }: TestCash, { shop }: TestShop): Promise<bigint> {
  const [account] = await ledger.lookupAccounts([shop]);
  return account!.creditsPosted - account!.debitsPosted;
}

export interface StatementFields {
  readonly after?: bigint;
  readonly purchases?: readonly bigint[];
  readonly currency?: number;
}

export async function statementOf(
  cash: TestCash,
  { device }: Pick<TestDevice, 'device'>,
  { after = 0n, purchases = [], currency = EUR }: StatementFields = {},
): Promise<Statement> {
  const client = cash.client();
  const { statement } = answerOf(
    await client.getStatement({ device, query: { currency, after, purchases } }),
  );
  expectSigned(Statement.signedBytes(statement.document), statement.signature);
  return statement.document;
}
