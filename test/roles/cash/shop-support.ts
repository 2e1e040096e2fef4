// Purchases at a test's cash, what a shop orders about them, and statements.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
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
import { outcome, payAll, purchaseOf, type TestShop } from './pay-support.ts';
import { answerOf, CASH_KEY, EUR, nextRequest, type TestCash, type TestDevice } from './support.ts';

export interface Payment {
  readonly amount: bigint;
  /** An authorisation, of so many seconds. */
  readonly timeoutSeconds?: number;
}

/** Returns the purchase's request. */
export async function paid(
  cash: TestCash,
  device: TestDevice,
  shop: TestShop,
  { amount, timeoutSeconds }: Payment,
): Promise<bigint> {
  const isReserved = timeoutSeconds !== undefined;
  const purchase = purchaseOf(device, shop, {
    amount,
    ...(isReserved && {
      code: TransferCode.authorisation,
      flags: TransferFlags.pending,
      timeout: timeoutSeconds,
    }),
  });
  const [result] = await payAll(cash, purchase);
  const got = outcome(result!);
  if (got !== (isReserved ? 'reserved' : 'paid')) throw new Error(`expected a payment, got ${got}`);
  return purchase.request;
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
