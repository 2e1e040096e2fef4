// A wide mint in memory: issuer and receiver, over the real messages, with the accounts at cash behind them. Scripted: it can be
// told to reject, to dawdle, and to lie.
import { ed25519, hpke, type NoteCrypto, sha256 } from '../../src/crypto/index.ts';
import type {
  GatewayIdentity,
  IssuerClient,
  ReceiverClient,
  SealingKey,
  WideKeysets,
} from '../../src/gateway/interface.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import { generateKeyset, type SecretKeyset } from '../../src/notes/keyset.ts';
import { type Note, noteId, secretBytes } from '../../src/notes/note.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { MessageTransport } from '../../src/roles/common/role-client.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import { openNotes, sealNotes } from '../../src/roles/common/sealed-notes.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../../src/roles/documents/note-order.ts';
import { issueTermsMessage, PlainNotes, SignedOutputs } from '../../src/roles/documents/notes.ts';
import { digestOf } from '../../src/roles/flow/flow.ts';
import {
  type IssueNotesAnswer,
  type IssueNotesRequest,
  issuerProtocol,
  type MoveFundsAnswer,
  type MoveFundsRequest,
} from '../../src/roles/issuer/messages.ts';
import {
  Acknowledgement,
  receiverProtocol,
  type TakeNotesAnswer,
  TakeNotesRequest,
} from '../../src/roles/receiver/messages.ts';

const seedOf = (text: string): Uint8Array => Uint8Array.from(sha256(new TextEncoder().encode(text)));
export const keyPairOf = (text: string): SealingKey => {
  const { publicKey, privateKey } = hpke.deriveKeyPair(seedOf(text));
  return { publicKey, secretKey: privateKey };
};

/** 32 bytes and on, the same for the same seed. */
export function drawing(seed: string): (size: number) => Uint8Array {
  let drawn = 0;
  return (size) => {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 32)
      bytes.set(seedOf(`${seed} ${drawn++}`).subarray(0, Math.min(32, size - at)), at);
    return bytes;
  };
}

export const CURRENCY = 978;
export const UNIT = 'eur';
export const SHOP = 77n;

const cashKey = ed25519.signingKey(seedOf('cash'));
const receiverKey = ed25519.signingKey(seedOf('receiver'));
const shopKey = ed25519.signingKey(seedOf('shop'));
const receiverSealing = keyPairOf('receiver sealing');

/** What outlives crashes of the gateway: the mint and cash are others' machines. */
export interface WideState {
  /** The gateway's account. */
  balance: bigint;
  outstanding: bigint;
  /** Of the gateway's shop, not behind notes. */
  sales: bigint;
  readonly moved: Map<bigint, MoveFundsAnswer>;
  readonly spent: Map<string, bigint>;
  readonly issued: Map<bigint, { readonly digest: string; readonly answer: IssueNotesAnswer }>;
  readonly taken: Map<bigint, { readonly digest: string; readonly answer: TakeNotesAnswer }>;
}

export const newWideState = (): WideState => ({
  ...{ balance: 0n, outstanding: 0n, sales: 0n, moved: new Map() },
  ...{ spent: new Map(), issued: new Map(), taken: new Map() },
});

export const copyOfState = (state: WideState): WideState => ({
  ...state,
  ...{
    moved: new Map(state.moved),
    spent: new Map(state.spent),
    issued: new Map(state.issued),
    taken: new Map(state.taken),
  },
});

/** How the partners behave; each may be changed at any time. */
export interface WideScript {
  /** Answers `pending` so many times first. */
  pending?: number;
  /** For good. */
  rejectIssue?: string;
  rejectTake?: string;
  refuse?: 'not_permitted' | 'keyset_inactive';
  /** What they do is done, but nobody hears of it. */
  isSilent?: boolean;
  lie?: 'other amount' | 'other request' | 'signature' | 'seal' | 'proof' | 'fewer notes';
}

export class Wide {
  readonly state: WideState;
  readonly script: WideScript = {};
  readonly keyset: SecretKeyset;
  readonly #crypto: NoteCrypto;
  readonly #clock: () => bigint;
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(options: {
    readonly state?: WideState;
    readonly crypto: NoteCrypto;
    readonly clock: () => bigint;
    readonly randomBytes: (size: number) => Uint8Array;
    readonly amounts?: number;
  }) {
    this.state = options.state ?? newWideState();
    this.#crypto = options.crypto;
    this.#clock = options.clock;
    this.#randomBytes = options.randomBytes;
    const { amounts = 8 } = options;
    const seed = seedOf('wide mint');
    this.keyset = generateKeyset({ seed, unit: UNIT, organisation: '', number: 1, amounts }, options.crypto);
  }

  get keysets(): WideKeysets {
    const { public: keyset } = this.keyset;
    return { active: () => keyset, find: (id) => (id === keyset.id ? keyset : undefined) };
  }

  get identity(): GatewayIdentity {
    const keys = { cash: cashKey.publicKey, receiver: receiverKey.publicKey };
    return {
      shop: SHOP,
      sign: (message) => shopKey.sign(message),
      verificationKey: (role, keyId) =>
        Buffer.compare(keyIdOf(keys[role], sha256), keyId) === 0 ? keys[role] : undefined,
      receiverSealingKey: () => receiverSealing.publicKey,
      missed: () => {},
    };
  }

  /** Wide notes that somebody has: made as if they had been paid for. */
  mint(amount: bigint): Note[] {
    const keyset = this.keyset.public;
    const amounts = splitAmount(amount, keyset);
    const outputs = makeOutputs(
      amounts,
      keyset.id,
      randomSecrets(amounts.length, this.#randomBytes),
      this.#crypto,
    );
    const signed = this.#sign(outputs.map(({ message }) => message));
    this.state.outstanding += amount;
    return unblindAll(outputs, signed, keyset, this.#crypto);
  }

  /** As whoever holds them swaps them for secrets of his own. @returns false: one was spent before */
  swap(notes: readonly Note[]): boolean {
    const ids = notes.map((note) => Buffer.from(noteId(note, this.#crypto)).toString('hex'));
    if (ids.some((id) => this.state.spent.has(id))) return false;
    for (const id of ids) this.state.spent.set(id, 0n);
    return true;
  }

  isSpent(note: Note): boolean {
    return this.state.spent.has(Buffer.from(noteId(note, this.#crypto)).toString('hex'));
  }

  clients(over: (transport: MessageTransport) => MessageTransport = (transport) => transport): {
    readonly issuer: IssuerClient;
    readonly receiver: ReceiverClient;
  } {
    const issuer = new RoleClient({
      protocol: issuerProtocol,
      transport: over(
        this.#transport('issuer', issuerProtocol.operations.issue_notes, (message) => this.#issue(message)),
      ),
    });
    const { move_funds } = issuerProtocol.operations;
    const funds = new RoleClient({
      protocol: issuerProtocol,
      transport: over(this.#transport('issuer', move_funds, (message) => this.#move(message))),
    });
    const receiver = new RoleClient({
      protocol: receiverProtocol,
      transport: over(
        this.#transport('receiver', receiverProtocol.operations.take_notes, (message) => this.#take(message)),
      ),
    });
    return {
      issuer: {
        issueNotes: (request) => issuer.call('issue_notes', request) as never,
        moveFunds: (request) => funds.call('move_funds', request) as never,
      },
      receiver: { takeNotes: (request) => receiver.call('take_notes', request) as never },
    };
  }

  #transport<Request, Answer>(
    role: 'issuer' | 'receiver',
    operation: { readonly request: { decode(bytes: Uint8Array): Request }; readonly answer: unknown },
    handle: (message: Request) => Answer | Refusal,
  ): MessageTransport {
    const { refusals } = role === 'issuer' ? issuerProtocol : receiverProtocol;
    const answers = answerCodec(operation.answer as never, refusals as readonly string[]);
    return {
      call: async (_, messages) => {
        const replies = messages.map((bytes) => handle(operation.request.decode(bytes)));
        if (this.script.isSilent === true) throw new Error('no answer');
        return replies.map((reply) => answers.encode(reply as never));
      },
    };
  }

  #sign(
    outputs: readonly { readonly amount: bigint; readonly keysetId: string; readonly blinded: Uint8Array }[],
  ) {
    return this.#crypto
      .sign(outputs.map(({ amount, blinded }) => ({ blinded, secretKey: this.keyset.secretKey(amount)! })))
      .map((signed, i) => ({
        amount: outputs[i]!.amount,
        keysetId: outputs[i]!.keysetId,
        signature: signed!.signature,
        dleq: signed!.dleq,
      }));
  }

  #held(): Refusal | 'pending' | undefined {
    const { script } = this;
    if (script.refuse !== undefined) return new Refusal(script.refuse, 'as the script says');
    if (script.pending === undefined || script.pending === 0) return undefined;
    script.pending--;
    return 'pending';
  }

  #issue(message: IssueNotesRequest): IssueNotesAnswer | Refusal {
    const held = this.#held();
    if (held === 'pending') return { kind: 'pending', state: 'as the script says' };
    if (held !== undefined) return held;
    const { order, outputs, replyKey } = message;
    const { document, signature } = order;
    const { request, amount } = document;
    const digest = Buffer.from(sha256(NoteOrder.codec.encode(document))).toString('hex');
    const known = this.state.issued.get(request);
    if (known !== undefined)
      return known.digest === digest ? this.#told(known.answer) : new Refusal('request_differs', 'another');
    if (!ed25519.verify(shopKey.publicKey, NoteOrder.signedBytes(document), signature))
      return new Refusal('order_invalid', 'signature');
    const reference = sha256(issueTermsMessage({ outputs, replyKey }));
    if (Buffer.compare(reference, document.reference) !== 0)
      return new Refusal('order_mismatch', 'reference');
    if (outputs.reduce((sum, output) => sum + output.amount, 0n) !== amount)
      return new Refusal('amounts_mismatch', 'sum');
    const reason =
      this.script.rejectIssue ??
      (this.#clock() >= document.applyBy
        ? 'expired'
        : this.state.balance < amount
          ? 'exceeds_credits'
          : undefined);
    const keyId = keyIdOf(cashKey.publicKey, sha256);
    let answer: IssueNotesAnswer;
    if (reason !== undefined) {
      const rejection: NoteRejection = {
        ...{ keyId, request, reason, rejectedAt: this.#clock() },
        orderDigest: sha256(NoteOrder.codec.encode(document)),
      };
      answer = {
        kind: 'rejected',
        rejection: { document: rejection, signature: cashKey.sign(NoteRejection.signedBytes(rejection)) },
      };
    } else {
      this.state.balance -= amount;
      this.state.outstanding += amount;
      const receipt: NoteReceipt = {
        ...{ keyId, request, action: 'issue', amount, currency: CURRENCY },
        ...{ reference, timestamp: this.#clock() },
      };
      const use = { use: 'issue', request, amount } as const;
      answer = {
        kind: 'issued',
        notes: sealNotes(SignedOutputs, this.#sign(outputs), replyKey, use, this.#randomBytes),
        receipt: { document: receipt, signature: cashKey.sign(NoteReceipt.signedBytes(receipt)) },
      };
    }
    this.state.issued.set(request, { digest, answer });
    return this.#told(answer);
  }

  #move({ order: { document, signature } }: MoveFundsRequest): MoveFundsAnswer | Refusal {
    const { request, action, amount, reference } = document;
    const known = this.state.moved.get(request);
    if (known !== undefined) return known;
    if (!ed25519.verify(shopKey.publicKey, NoteOrder.signedBytes(document), signature))
      return new Refusal('order_invalid', 'signature');
    const keyId = keyIdOf(cashKey.publicKey, sha256);
    const from = action === 'fund' ? this.state.sales : this.state.balance;
    let answer: MoveFundsAnswer;
    if (from < amount) {
      const rejection: NoteRejection = {
        ...{ keyId, request, reason: 'exceeds_credits', rejectedAt: this.#clock() },
        orderDigest: sha256(NoteOrder.codec.encode(document)),
      };
      const signed = cashKey.sign(NoteRejection.signedBytes(rejection));
      answer = { kind: 'rejected', rejection: { document: rejection, signature: signed } };
    } else {
      const moved = action === 'fund' ? amount : -amount;
      this.state.balance += moved;
      this.state.sales -= moved;
      const receipt: NoteReceipt = {
        ...{ keyId, request, action, amount, currency: CURRENCY, reference, timestamp: this.#clock() },
      };
      const signed = cashKey.sign(NoteReceipt.signedBytes(receipt));
      answer = { kind: 'moved', receipt: { document: receipt, signature: signed } };
    }
    this.state.moved.set(request, answer);
    return answer;
  }

  /** What is told of what was done: the truth, or what the script says. */
  #told(answer: IssueNotesAnswer): IssueNotesAnswer {
    const { lie } = this.script;
    if (answer.kind !== 'issued' || lie === undefined) return answer;
    const { document, signature } = answer.receipt;
    const signed = (receipt: NoteReceipt): IssueNotesAnswer => ({
      ...answer,
      receipt: { document: receipt, signature: cashKey.sign(NoteReceipt.signedBytes(receipt)) },
    });
    switch (lie) {
      case 'other amount':
        return signed({ ...document, amount: document.amount + 1n });
      case 'other request':
        return signed({ ...document, request: document.request + 1n });
      case 'signature':
        return {
          ...answer,
          receipt: { document, signature: signature.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) },
        };
      case 'seal': {
        const ciphertext = answer.notes.ciphertext.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
        return { ...answer, notes: { ...answer.notes, ciphertext } };
      }
      default:
        return this.#resealed(answer, lie);
    }
  }

  /** Only the recipient could do this: the script knows the gateway's key. */
  #resealed(
    answer: IssueNotesAnswer & { readonly kind: 'issued' },
    lie: 'proof' | 'fewer notes',
  ): IssueNotesAnswer {
    const { request, amount } = answer.receipt.document;
    const use = { use: 'issue', request, amount } as const;
    const key = keyPairOf('gateway sealing');
    const outputs = openNotes(SignedOutputs, answer.notes, [key], use)!;
    const changed =
      lie === 'fewer notes'
        ? outputs.slice(1)
        : outputs.map(({ dleq, ...rest }) => ({
            ...rest,
            dleq: { ...dleq, e: dleq.e.map((byte) => byte ^ 1) },
          }));
    return { ...answer, notes: sealNotes(SignedOutputs, changed, key.publicKey, use, this.#randomBytes) };
  }

  #take(message: TakeNotesRequest): TakeNotesAnswer | Refusal {
    const held = this.#held();
    if (held === 'pending') return { kind: 'pending', state: 'as the script says' };
    if (held !== undefined) return held;
    const { request, amount, currency, payee, notes: sealed, applyBy } = message;
    const requestDigest = digestOf(TakeNotesRequest, message);
    const digest = Buffer.from(requestDigest).toString('hex');
    const known = this.state.taken.get(request);
    if (known !== undefined)
      return known.digest === digest ? known.answer : new Refusal('request_differs', 'another');
    const notes = openNotes(PlainNotes, sealed, [receiverSealing], { use: 'receive', request, amount });
    if (notes === undefined) return new Refusal('notes_seal_invalid', 'seal');
    const answer = this.#taken({ request, amount, currency, requestDigest }, notes, payee.kind, applyBy);
    this.state.taken.set(request, { digest, answer });
    return answer;
  }

  #taken(
    document: Pick<Acknowledgement, 'request' | 'amount' | 'currency' | 'requestDigest'>,
    notes: readonly { amount: bigint; secret: string; signature: Uint8Array }[],
    payee: string,
    applyBy: bigint,
  ): TakeNotesAnswer {
    const rejected = (reason: string): TakeNotesAnswer => ({ kind: 'rejected', reason });
    if (this.script.rejectTake !== undefined) return rejected(this.script.rejectTake);
    if (this.#clock() >= applyBy) return rejected('expired');
    if (payee !== 'shop') return rejected('payee_not_permitted');
    const items = notes.map(({ amount, secret, signature }) => ({
      message: secretBytes(secret),
      signature,
      secretKey: this.keyset.secretKey(amount)!,
    }));
    if (!this.#crypto.verify(items).every(Boolean)) return rejected('note_invalid');
    if (notes.reduce((sum, { amount }) => sum + amount, 0n) !== document.amount)
      return rejected('amounts_mismatch');
    const ids = notes.map((note) => Buffer.from(noteId(note, this.#crypto)).toString('hex'));
    if (ids.some((id) => this.state.spent.has(id))) return rejected('note_spent');
    for (const id of ids) this.state.spent.set(id, document.request);
    this.state.outstanding -= document.amount;
    this.state.balance += document.amount;
    const full = { keyId: keyIdOf(receiverKey.publicKey, sha256), ...document, timestamp: this.#clock() };
    const told = this.script.lie === 'other amount' ? { ...full, amount: full.amount + 1n } : full;
    const signature = receiverKey.sign(Acknowledgement.signedBytes(told));
    return { kind: 'taken', acknowledgement: { document: told, signature } };
  }
}
