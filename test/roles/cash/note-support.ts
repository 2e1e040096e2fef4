// Orders of shops about notes, and notes that were taken in, at a test's cash.
import { ed25519, hpke, sha256 } from '../../../src/crypto/index.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { exchangeAccountId, systemAccountId } from '../../../src/roles/cash/accounts.ts';
import type { NotesBookedAnswer, ReceiveNotesRequest } from '../../../src/roles/cash/note-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import {
  NoteOrder,
  NoteReceipt,
  NoteRejection,
  type SignedNoteOrder,
} from '../../../src/roles/documents/note-order.ts';
import { type NotePayee, PayeeContent, payeeSealInfo } from '../../../src/roles/documents/note-payee.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { FOREVER, type TestShop } from './pay-support.ts';
import { expectSigned } from './shop-support.ts';
import {
  answerOf,
  CASH_SEALING_KEY,
  EUR,
  keyIdOf,
  nextRequest,
  type TestCash,
  type TestDevice,
} from './support.ts';

export const ISSUER: Peer = { kind: 'role', role: 'issuer', keyId: new Uint8Array(8) };
export const RECEIVER: Peer = { kind: 'role', role: 'receiver', keyId: new Uint8Array(8) };

export type NoteOrderFields = Partial<NoteOrder> & Pick<NoteOrder, 'action'>;

export function noteOrder({ shop, key }: TestShop, fields: NoteOrderFields, signer = key): SignedNoteOrder {
  const document: NoteOrder = {
    request: nextRequest(),
    shop,
    source: 'exchange',
    amount: 100n,
    currency: EUR,
    reference: new Uint8Array(32).fill(fields.action === 'issue' ? 5 : 0),
    applyBy: FOREVER,
    ...fields,
  };
  return { document, signature: ed25519.sign(signer.secretKey, NoteOrder.signedBytes(document)) };
}

export const toShop = ({ shop }: Pick<TestShop, 'shop'>): NotePayee => ({ kind: 'shop', shop });

/** An address of the device. */
export function toDevice(
  { device }: Pick<TestDevice, 'device'>,
  {
    currency = EUR,
    key: { publicKey } = CASH_SEALING_KEY,
  }: { currency?: number; key?: Pick<KeyPair, 'publicKey'> } = {},
): NotePayee & { readonly kind: 'device' } {
  const keyId = keyIdOf(publicKey);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: publicKey,
    info: payeeSealInfo(keyId),
    aad: new Uint8Array(),
    plaintext: PayeeContent.encode({ device, currency }),
  });
  return { kind: 'device', sealed: { keyId, encapsulatedKey: enc, ciphertext } };
}

export function taking(payee: NotePayee, fields: Partial<ReceiveNotesRequest> = {}): ReceiveNotesRequest {
  return {
    ...{ request: nextRequest(), payee, amount: 100n, currency: EUR },
    ...{ reference: new Uint8Array(32).fill(6), applyBy: FOREVER, ...fields },
  };
}

export type Asked = SignedNoteOrder | ReceiveNotesRequest;
const isOrder = (asked: Asked): asked is SignedNoteOrder => 'document' in asked;

/** All of them in one turn. */
export function askAll(cash: TestCash, all: readonly Asked[]): Promise<CallResult<NotesBookedAnswer>[]> {
  const [issuer, receiver] = [cash.client(ISSUER), cash.client(RECEIVER)];
  return Promise.all(
    all.map((asked) => (isOrder(asked) ? issuer.noteOrder({ order: asked }) : receiver.receiveNotes(asked))),
  );
}

/** `done`, `rejected: <reason>`, `refused: <code>` or `unknown`; signatures and names are checked. */
export function toldOf(result: CallResult<NotesBookedAnswer>, asked: Asked): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { request, amount, currency, reference } = isOrder(asked) ? asked.document : asked;
  if (result.answer.kind === 'done') {
    const { document, signature } = result.answer.receipt;
    expectSigned(NoteReceipt.signedBytes(document), signature);
    const action = isOrder(asked) ? asked.document.action : 'receive';
    const { keyId: _, timestamp: __, ...said } = document;
    if (JSON.stringify(said, text) !== JSON.stringify({ request, action, amount, currency, reference }, text))
      throw new Error('expected a receipt of this request, got another');
    return 'done';
  }
  const { document, signature } = result.answer.rejection;
  expectSigned(NoteRejection.signedBytes(document), signature);
  const digest = isOrder(asked) ? sha256(NoteOrder.codec.encode(asked.document)) : asked.reference;
  if (document.request !== request || Buffer.compare(document.orderDigest, digest) !== 0)
    throw new Error('expected a rejection of this request, got another');
  return `rejected: ${document.reason}`;
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

export async function asked(cash: TestCash, ...all: readonly Asked[]): Promise<string[]> {
  return (await askAll(cash, all)).map((result, i) => toldOf(result, all[i]!));
}

/** Receipt or rejection, as bytes. */
export async function bytesOf(cash: TestCash, one: Asked): Promise<Uint8Array> {
  const [result] = await askAll(cash, [one]);
  toldOf(result!, one);
  return encoded(result!);
}

export function encoded(result: CallResult<NotesBookedAnswer>): Uint8Array {
  const answer = answerOf(result);
  return answer.kind === 'done'
    ? NoteReceipt.signed.encode(answer.receipt)
    : NoteRejection.signed.encode(answer.rejection);
}

async function balanceOf({ ledger }: TestCash, id: bigint): Promise<bigint> {
  const [account] = await ledger.lookupAccounts([id]);
  return account === undefined ? 0n : account.creditsPosted - account.debitsPosted;
}

/** Of a shop: what it has sold, and what backs its notes. */
export const held = async (
  cash: TestCash,
  { shop }: TestShop,
): Promise<[sales: bigint, exchange: bigint]> => [
  await balanceOf(cash, shop),
  await balanceOf(cash, exchangeAccountId(shop, EUR)),
];

export const notesOut = (cash: TestCash): Promise<bigint> => balanceOf(cash, systemAccountId('notes', EUR));
