// Whose word it is where a payout goes: seals are anyone's to make, so the account has the shop's signature.
import { expect, test } from 'vitest';
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import {
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../../src/roles/documents/account-seal.ts';
import { PayoutOrder } from '../../../src/roles/documents/payout.ts';
import { ShopEnrolment, type SignedShopEnrolment } from '../../../src/roles/documents/shop-enrolment.ts';
import type { SettlementParts } from '../../../src/roles/settlement/parts.ts';
import { payOut } from '../../../src/roles/settlement/pay-out.ts';
import type { PayoutInstruction } from '../../../src/roles/settlement/payout-messages.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { CASH, EUR, keyIdOf, SEALING, signingPair } from './support.ts';

const SHOP = signingPair('shop');
const THIEF = signingPair('thief');

/** In the shop's name, as anyone can make it. */
function sealed(accountNumber: string, request: bigint): SealedAccount {
  const keyId = keyIdOf(SEALING.publicKey);
  const { enc: encapsulatedKey, ciphertext } = hpke.seal({
    recipientPublicKey: SEALING.publicKey,
    info: accountSealInfo(keyId),
    aad: accountSealAad({ purpose: 'payout', request }),
    plaintext: encodeAccountContent({ signingKey: SHOP.publicKey, accountNumber }),
  });
  return { keyId, encapsulatedKey, ciphertext };
}

function enrolment(signer = SHOP, signingKey = SHOP.publicKey): SignedShopEnrolment {
  const request = 9n;
  const account = sealed('DE02120300000000202051', request);
  const document = { request, signingKey, channelKey: signingKey, name: 'a shop', account, applyBy: 1n };
  return { document, signature: ed25519.sign(signer.secretKey, ShopEnrolment.signedBytes(document)) };
}

function instruction(of: SignedShopEnrolment): PayoutInstruction {
  const document = {
    ...{ keyId: keyIdOf(CASH.publicKey), payout: 1n, window: 2n, shop: 3n },
    ...{ signingKey: SHOP.publicKey, amount: 100n, currency: EUR, timestamp: 1n },
  };
  const signature = ed25519.sign(CASH.secretKey, PayoutOrder.signedBytes(document));
  return { order: { document, signature }, enrolment: of };
}

/** What settlement says; `pending`: it was admitted. */
async function said(of: SignedShopEnrolment): Promise<string> {
  const parts = {
    store: memoryRoleStore(new MemoryDisk()),
    runner: { submit: () => [Promise.resolve({ stateName: 'admitted' })] },
    cashKey: () => CASH.publicKey,
    payouts: { begun: () => {} },
    limits: { amountMax: new Map([[EUR, 1n]]), answerWithinMs: 1 },
    clock: () => 1n,
  } as unknown as SettlementParts;
  const answer = await payOut([{ page: 1n, payouts: [instruction(of)] }], parts)[0]!;
  return 'code' in answer ? answer.code : answer.state;
}

test('a payout goes to the account that its shop has signed, and to no other', async () => {
  expect(await said(enrolment())).toBe('admitted');
  expect(await said(enrolment(THIEF))).toBe('signature_invalid');
  expect(await said(enrolment(THIEF, THIEF.publicKey))).toBe('key_mismatch');
  const good = enrolment();
  const account = sealed('DE89370400440532013000', good.document.request);
  expect(await said({ ...good, document: { ...good.document, account } })).toBe('signature_invalid');
});
