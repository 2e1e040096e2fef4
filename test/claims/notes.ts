// Wide notes of a whole system, made by hand: a shop has them issued, and taken in again.
import { hpke, noteCrypto } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import { keysAnswer } from '../../src/notes/json/keys.ts';
import { mintQuote } from '../../src/notes/json/quotes.ts';
import type { PublicKeyset } from '../../src/notes/keyset.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { NoteOrder } from '../../src/roles/documents/note-order.ts';
import {
  issueTermsMessage,
  NotesBinding,
  notesSealInfo,
  type PlainNote,
  PlainNotes,
  padded,
  type SealedNotes,
  SignedOutputs,
  unpadded,
} from '../../src/roles/documents/notes.ts';
import { IssuerClient } from '../../src/roles/issuer/client.ts';
import type { IssueNotesRequest, MintCall, PayQuoteRequest } from '../../src/roles/issuer/messages.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import type { TakeNotesRequest } from '../../src/roles/receiver/messages.ts';
import { id } from '../../src/shared/id.ts';
import { now, signedBy, soon } from './device.ts';
import type { HandmadeShop } from './shop.ts';
import { answerOf, EUR, eventually } from './system.ts';

const { sha256 } = systemCrypto;
const utf8 = new TextEncoder();

export const mintCallOf = (path: string, body?: object): MintCall => ({
  method: body === undefined ? 'GET' : 'POST',
  path,
  body: body === undefined ? new Uint8Array(0) : utf8.encode(JSON.stringify(body)),
});

export class NoteHolder {
  readonly shop: HandmadeShop;
  readonly #reply = generateKeyPair('sealing');
  readonly issuer: IssuerClient;
  readonly receiver: ReceiverClient;
  readonly keyset: PublicKeyset;

  private constructor(
    shop: HandmadeShop,
    issuer: IssuerClient,
    receiver: ReceiverClient,
    keyset: PublicKeyset,
  ) {
    this.shop = shop;
    this.issuer = issuer;
    this.receiver = receiver;
    this.keyset = keyset;
  }

  static async open(shop: HandmadeShop): Promise<NoteHolder> {
    const issuer = new IssuerClient(await shop.connect('issuer'));
    const receiver = new ReceiverClient(await shop.connect('receiver'));
    const { body } = answerOf(await issuer.mintCall(mintCallOf('/v1/keys')));
    return new NoteHolder(shop, issuer, receiver, keysAnswer.decode(body).keysets[0] as PublicKeyset);
  }

  #order(amount: bigint, reference: Uint8Array) {
    return signedBy(
      NoteOrder,
      {
        ...{ request: id(), shop: this.shop.number, action: 'issue' as const, source: 'exchange' as const },
        ...{ amount, currency: EUR, reference, applyBy: soon() },
      },
      this.shop.signing,
    );
  }

  /** @returns the request, which waits to be sent, and what its answer comes to */
  issue(amount: bigint): {
    readonly request: IssueNotesRequest;
    notes(sealed: SealedNotes): readonly PlainNote[];
  } {
    const amounts = splitAmount(amount, this.keyset);
    const made = makeOutputs(amounts, this.keyset.id, randomSecrets(amounts.length), noteCrypto);
    const outputs = made.map(({ message: { amount, keysetId, blinded } }) => ({ amount, keysetId, blinded }));
    const { publicKey: replyKey, secretKey } = this.#reply;
    const order = this.#order(amount, sha256(issueTermsMessage({ outputs, replyKey })));
    return {
      request: { order, outputs, replyKey },
      notes: ({ keyId, encapsulatedKey: enc, ciphertext }) => {
        const plaintext = hpke.open({
          recipientPrivateKey: secretKey,
          info: notesSealInfo('issue', keyId),
          aad: NotesBinding.encode({ request: order.document.request, amount }),
          ...{ enc, ciphertext },
        });
        const notes = unblindAll(made, unpadded(SignedOutputs, plaintext), this.keyset, noteCrypto);
        return notes.map(({ amount, keysetId, secret, signature, dleq }) => ({
          ...{ amount, keysetId, secret, signature, dleq },
        }));
      },
    };
  }

  take(notes: readonly PlainNote[]): TakeNotesRequest {
    const { sealing } = this.shop.system.directory().currentKeySet('receiver', now()).keys;
    const keyId = keyIdOf(sealing, sha256);
    const request = id();
    const amount = notes.reduce((sum, note) => sum + note.amount, 0n);
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: sealing,
      info: notesSealInfo('receive', keyId),
      aad: NotesBinding.encode({ request, amount }),
      plaintext: padded(PlainNotes, notes),
    });
    return {
      ...{ request, payee: { kind: 'shop', shop: this.shop.number }, amount, currency: EUR, applyBy: soon() },
      notes: { keyId, encapsulatedKey: enc, ciphertext },
    };
  }

  /** Issued and taken in again: what was asked for both. */
  async roundTrip(amount: bigint): Promise<{
    readonly issue: IssueNotesRequest;
    readonly notes: readonly PlainNote[];
    readonly taking: TakeNotesRequest;
  }> {
    const issue = this.issue(amount);
    let notes: readonly PlainNote[] = [];
    await eventually(async () => {
      const answer = answerOf(await this.issuer.issueNotes(issue.request));
      if (answer.kind === 'issued') notes = issue.notes(answer.notes);
      return answer.kind === 'issued';
    });
    const taking = this.take(notes);
    await eventually(async () => answerOf(await this.receiver.takeNotes(taking)).kind === 'taken');
    return { issue: issue.request, notes, taking };
  }

  /** Of a quote that nobody pays: it would move money if it were sent as it is. */
  async payment(amount: bigint): Promise<PayQuoteRequest> {
    const call = mintCallOf('/v1/mint/quote/specie', { amount: Number(amount), unit: this.keyset.unit });
    const { quote } = mintQuote.decode(answerOf(await this.issuer.mintCall(call)).body);
    return { order: this.#order(amount, sha256(utf8.encode(quote))), quote };
  }
}
