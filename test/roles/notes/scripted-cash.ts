// Cash as issuer and receiver see it: keeps real books, signs what it says, and goes wrong by script.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import type { NotesBookedAnswer } from '../../../src/roles/cash/note-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../../../src/roles/documents/note-order.ts';
import type { NotePayee } from '../../../src/roles/documents/note-payee.ts';
import type { IssuerCash } from '../../../src/roles/issuer/interface.ts';
import type { ReceiverCash } from '../../../src/roles/receiver/interface.ts';
import { keyIdOf, signingPair } from '../settlement/support.ts';
import type { World } from '../settlement/world.ts';

export const CASH = signingPair('cash');

/** What becomes of a call. */
export type Turn =
  | 'ok'
  /** It never comes to cash. */
  | 'lost_before'
  /** Done, and nobody hears of it. */
  | 'lost_after'
  /** Cash refuses it, as one does who has not read the newest directory. */
  | 'refused'
  /** A word of cash that says something else. */
  | 'garbage'
  /** A good word with another's signature. */
  | 'forged';

type Said = Promise<CallResult<NotesBookedAnswer, never>>;

interface Booked {
  readonly digest: Uint8Array;
  readonly answer: NotesBookedAnswer;
}

export class ScriptedCash implements IssuerCash, ReceiverCash {
  /** Balances of shops' exchange accounts, and of what is paid to a sealed payee. */
  readonly shops = new Map<bigint, bigint>();
  /** What shops have sold. */
  readonly sales = new Map<bigint, bigint>();
  devices = 0n;
  /** The account of notes: what is out. */
  notes = 0n;
  readonly booked = new Map<bigint, Booked>();
  readonly script: Turn[];
  /** Rejected by it whatever there is. */
  against: string | undefined;
  /** What it says when it is asked before. */
  notPayable: string | undefined;
  isDown = false;
  calls = 0;
  /** After money has moved, and before it is answered. */
  onCall: () => void = () => {};
  readonly #world: World;

  constructor(world: World, script: readonly Turn[] = []) {
    this.#world = world;
    this.script = [...script];
  }

  noteOrder({ order }: Parameters<IssuerCash['noteOrder']>[0]): Said {
    const { document } = order;
    const { request, shop, action, amount, currency, reference, applyBy } = document;
    const digest = sha256(NoteOrder.codec.encode(document));
    return this.#call(request, digest, digest, () => {
      const [from, to] =
        action === 'fund'
          ? [this.sales, this.shops]
          : [this.shops, action === 'issue' ? undefined : this.sales];
      const balance = from.get(shop) ?? 0n;
      const against = this.#against(applyBy) ?? (balance < amount ? 'exceeds_credits' : undefined);
      if (against !== undefined) return against;
      from.set(shop, balance - amount);
      if (to === undefined) this.notes += amount;
      else to.set(shop, (to.get(shop) ?? 0n) + amount);
      return { action, amount, currency, reference };
    });
  }

  async checkPayee(): ReturnType<ReceiverCash['checkPayee']> {
    if (this.isDown) return { kind: 'unknown', reason: 'lost' };
    const reason = this.notPayable;
    return {
      kind: 'ok',
      answer: reason === undefined ? { kind: 'payable' } : { kind: 'not_payable', reason },
    };
  }

  receiveNotes(asked: Parameters<ReceiverCash['receiveNotes']>[0]): Said {
    const { request, payee, amount, currency, reference, applyBy } = asked;
    const text = JSON.stringify(asked, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    return this.#call(request, sha256(Buffer.from(text)), reference, () => {
      const against = this.#against(applyBy) ?? (this.notes < amount ? 'exceeds_credits' : undefined);
      if (against !== undefined) return against;
      this.notes -= amount;
      this.#credit(payee, amount);
      return { action: 'receive', amount, currency, reference };
    });
  }

  #credit(payee: NotePayee, amount: bigint): void {
    if (payee.kind === 'device') this.devices += amount;
    else this.shops.set(payee.shop, (this.shops.get(payee.shop) ?? 0n) + amount);
  }

  #against(applyBy: bigint): string | undefined {
    return this.#world.now >= applyBy ? 'expired' : this.against;
  }

  async #call(
    request: bigint,
    digest: Uint8Array,
    orderDigest: Uint8Array,
    book: () => string | Pick<NoteReceipt, 'action' | 'amount' | 'currency' | 'reference'>,
  ): Said {
    this.calls++;
    const turn = this.isDown ? 'lost_before' : (this.script.shift() ?? 'ok');
    this.onCall();
    await Promise.resolve();
    if (turn === 'lost_before') return { kind: 'unknown', reason: 'lost' };
    if (turn === 'refused') return refusedWith('currency_not_offered');
    let booked = this.booked.get(request);
    if (booked === undefined) {
      const result = book();
      const keyId = keyIdOf(CASH.publicKey);
      const answer: NotesBookedAnswer =
        typeof result === 'string'
          ? {
              kind: 'rejected',
              rejection: rejection({
                keyId,
                request,
                orderDigest,
                reason: result,
                rejectedAt: this.#world.now,
              }),
            }
          : { kind: 'done', receipt: receipt({ keyId, request, ...result, timestamp: this.#world.now }) };
      booked = { digest, answer };
      this.booked.set(request, booked);
    } else if (Buffer.compare(booked.digest, digest) !== 0) return refusedWith('request_differs');
    this.onCall();
    if (turn === 'lost_after') return { kind: 'unknown', reason: 'lost' };
    if (turn === 'garbage') return { kind: 'ok', answer: changed(booked.answer) };
    if (turn === 'forged') return { kind: 'ok', answer: forged(booked.answer) };
    return { kind: 'ok', answer: booked.answer };
  }
}

const refusedWith = (code: string): CallResult<never, never> =>
  ({ kind: 'refused', refusal: { code, message: code } }) as unknown as CallResult<never, never>;

const receipt = (document: NoteReceipt) => ({
  document,
  signature: ed25519.sign(CASH.secretKey, NoteReceipt.signedBytes(document)),
});
const rejection = (document: NoteRejection) => ({
  document,
  signature: ed25519.sign(CASH.secretKey, NoteRejection.signedBytes(document)),
});

/** Of another request, and signed all the same. */
function changed(answer: NotesBookedAnswer): NotesBookedAnswer {
  if (answer.kind === 'rejected') {
    const { document } = answer.rejection;
    return { kind: 'rejected', rejection: rejection({ ...document, request: document.request + 1n }) };
  }
  const { document } = answer.receipt;
  return { kind: 'done', receipt: receipt({ ...document, amount: document.amount + 1n }) };
}

function forged(answer: NotesBookedAnswer): NotesBookedAnswer {
  const signature = new Uint8Array(64).fill(7);
  return answer.kind === 'rejected'
    ? { kind: 'rejected', rejection: { ...answer.rejection, signature } }
    : { kind: 'done', receipt: { ...answer.receipt, signature } };
}
