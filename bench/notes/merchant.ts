// A merchant who deals in wide notes, as a gateway does: orders and sealed notes are made before the clock runs, and sent over one
// connection to each role of the mint.
import { Client } from '../../src/channel/client.ts';
import { ed25519, noteCrypto, type SigningKey, sha256 } from '../../src/crypto/index.ts';
import { plainNote } from '../../src/gateway/wide-mint.ts';
import { shopClientIdentity } from '../../src/identity/client-identity.ts';
import type { Directory } from '../../src/identity/directory.ts';
import type { KeyPair } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import type { MintRole } from '../../src/identity/roles.ts';
import { systemClock } from '../../src/identity/time.ts';
import type { SecretKeyset } from '../../src/notes/keyset.ts';
import { type BlindSignature, type Note, sumOf, withoutDleq } from '../../src/notes/note.ts';
import { makeOutputs, type Output, unblindAll } from '../../src/notes/outputs.ts';
import { systemRandomBytes } from '../../src/notes/random.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { openNotes, sealNotes } from '../../src/roles/common/sealed-notes.ts';
import { NoteOrder } from '../../src/roles/documents/note-order.ts';
import { issueTermsMessage, PlainNotes, SignedOutputs } from '../../src/roles/documents/notes.ts';
import { IssuerClient } from '../../src/roles/issuer/client.ts';
import type { IssueNotesAnswer, IssueNotesRequest } from '../../src/roles/issuer/messages.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import type { TakeNotesAnswer, TakeNotesRequest } from '../../src/roles/receiver/messages.ts';
import { id } from '../../src/shared/id.ts';
import type { ShopHome } from '../../src/shop/node/shop-home.ts';

const VALID_NS = 3_600_000_000_000n;
const REQUEST_TIMEOUT_MS = 60_000;

export interface IssueRequest {
  readonly message: IssueNotesRequest;
  readonly outputs: readonly Output[];
  readonly replyKey: KeyPair;
}

export function outputsFor(amounts: readonly bigint[], keyset: SecretKeyset): Output[] {
  const secrets = randomSecrets(amounts.length, systemRandomBytes);
  return makeOutputs(amounts, keyset.public.id, secrets, noteCrypto);
}

export const notesOf = (
  outputs: readonly Output[],
  signatures: readonly BlindSignature[],
  keyset: SecretKeyset,
): Note[] => unblindAll(outputs, signatures, keyset.public, noteCrypto);

export class Merchant {
  readonly #shop: bigint;
  readonly #currency: number;
  readonly #directory: Directory;
  readonly #signer: SigningKey;
  readonly #clients: readonly Client[];
  readonly #issuer: IssuerClient;
  readonly #receiver: ReceiverClient;

  private constructor(
    shop: bigint,
    currency: number,
    directory: Directory,
    signer: SigningKey,
    clients: readonly [Client, Client],
  ) {
    this.#shop = shop;
    this.#currency = currency;
    this.#directory = directory;
    this.#signer = signer;
    this.#clients = clients;
    this.#issuer = new IssuerClient(clients[0]);
    this.#receiver = new ReceiverClient(clients[1]);
  }

  static async connect(home: ShopHome, directory: Directory, currency: number): Promise<Merchant> {
    const certificate = home.certificate()!;
    const { signing, channel } = await home.keys(async () => undefined);
    const connect = (to: MintRole): Client =>
      new Client({
        url: directory.address(to),
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
        identity: shopClientIdentity({
          ...{ to, directory: () => directory, clock: systemClock, channelKey: channel },
          certificate: () => certificate,
        }),
      });
    const clients = [connect('issuer'), connect('receiver')] as const;
    for (const client of clients) await client.ping();
    const signer = ed25519.signingKey(signing.secretKey);
    return new Merchant(certificate.document.shop, currency, directory, signer, [...clients]);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close(1_000);
  }

  /** Against what the merchant has sold. */
  order(amounts: readonly bigint[], keyset: SecretKeyset): IssueRequest {
    const outputs = outputsFor(amounts, keyset);
    const replyKey = generateKeyPair('sealing');
    const terms = { outputs: outputs.map(({ message }) => message), replyKey: replyKey.publicKey };
    const document: NoteOrder = {
      ...{ request: id(), shop: this.#shop, action: 'issue', source: 'sales' },
      amount: amounts.reduce((sum, amount) => sum + amount, 0n),
      currency: this.#currency,
      reference: sha256(issueTermsMessage(terms)),
      applyBy: systemClock() + VALID_NS,
    };
    const order = { document, signature: this.#signer.sign(NoteOrder.signedBytes(document)) };
    return { message: { order, ...terms }, outputs, replyKey };
  }

  async issue({ message }: IssueRequest): Promise<IssueNotesAnswer & { readonly kind: 'issued' }> {
    for (;;) {
      const answer = answered(await this.#issuer.issueNotes(message));
      if (answer === undefined || answer.kind === 'pending') continue;
      if (answer.kind === 'issued') return answer;
      throw new Error(`issue: expected notes, got ${answer.rejection.document.reason}`);
    }
  }

  /** What the answer has sealed. */
  open(
    { message, replyKey }: IssueRequest,
    { notes }: IssueNotesAnswer & { readonly kind: 'issued' },
  ): readonly BlindSignature[] {
    const { request, amount } = message.order.document;
    const opened = openNotes(SignedOutputs, notes, [replyKey], { use: 'issue', request, amount });
    if (opened === undefined) throw new Error('issue: expected an answer that opens');
    return opened;
  }

  taking(notes: readonly Note[]): TakeNotesRequest {
    const [request, amount] = [id(), sumOf(notes)];
    const plain = notes.map((note) => plainNote(withoutDleq(note)));
    const { sealing } = this.#directory.currentKeySet('receiver', systemClock()).keys;
    const use = { use: 'receive', request, amount } as const;
    return {
      ...{ request, amount, currency: this.#currency, payee: { kind: 'shop', shop: this.#shop } },
      notes: sealNotes(PlainNotes, plain, sealing, use, systemRandomBytes),
      applyBy: systemClock() + VALID_NS,
    };
  }

  /** @returns `taken`, or why not */
  async take(message: TakeNotesRequest): Promise<string> {
    for (;;) {
      const result = await this.#receiver.takeNotes(message);
      if (result.kind === 'refused') return result.refusal.code;
      const answer: TakeNotesAnswer | undefined = answered(result);
      if (answer === undefined || answer.kind === 'pending') continue;
      return answer.kind === 'rejected' ? answer.reason : answer.kind;
    }
  }
}

/** undefined: to be asked again */
function answered<Answer>(result: CallResult<Answer>): Answer | undefined {
  if (result.kind === 'refused') throw result.refusal;
  return result.kind === 'ok' ? result.answer : undefined;
}
