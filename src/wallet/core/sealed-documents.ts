// What leaves the wallet signed or sealed.
import { keyIdOf } from '../../identity/key-set.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../roles/documents/account-seal.ts';
import { encodeNotePayee, PayeeContent, payeeSealInfo } from '../../roles/documents/note-payee.ts';
import type { DocumentKind, Signed } from '../../roles/documents/signed.ts';
import { WalletError } from './errors.ts';
import type { WalletCrypto } from './ports.ts';
import type { Keys } from './secrets.ts';

/**
 * An account number that settlement alone can open, for this device and this request.
 * @param sealingKey settlement's
 * @throws WalletError invalid_argument, whose message does not hold the number
 */
export function sealedAccount(
  accountNumber: string,
  binding: AccountBinding,
  { signingKey }: Keys,
  sealingKey: Uint8Array,
  crypto: WalletCrypto,
): SealedAccount {
  const keyId = keyIdOf(sealingKey, (message) => crypto.sha256(message));
  let plaintext: Uint8Array;
  try {
    plaintext = encodeAccountContent({ signingKey, accountNumber });
  } catch (error) {
    throw new WalletError('invalid_argument', (error as Error).message);
  }
  try {
    const [info, aad] = [accountSealInfo(keyId), accountSealAad(binding)];
    return { keyId, ...crypto.seal({ publicKey: sealingKey, info, aad, plaintext }) };
  } finally {
    plaintext.fill(0);
  }
}

const NOTHING = new Uint8Array();

/**
 * Where notes can be turned into money for this device: a text that names it to cash alone, another one each time.
 * @param sealingKey cash's
 */
export function payeeAddress(content: PayeeContent, sealingKey: Uint8Array, crypto: WalletCrypto): string {
  const keyId = keyIdOf(sealingKey, (message) => crypto.sha256(message));
  const [info, plaintext] = [payeeSealInfo(keyId), PayeeContent.encode(content)];
  const sealed = { keyId, ...crypto.seal({ publicKey: sealingKey, info, aad: NOTHING, plaintext }) };
  return encodeNotePayee({ kind: 'device', sealed });
}

/** @throws WalletError invalid_argument: a value does not fit its field */
export function signedDocument<Document>(
  kind: DocumentKind<Document>,
  document: Document,
  { signingSecret }: Keys,
  crypto: WalletCrypto,
): Signed<Document> {
  let bytes: Uint8Array;
  try {
    bytes = kind.signedBytes(document);
  } catch (error) {
    throw new WalletError('invalid_argument', (error as Error).message);
  }
  return { document, signature: crypto.sign(signingSecret, bytes) };
}
