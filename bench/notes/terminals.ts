// Terminals of a gateway, each with a channel of its own: pairs of one on the LAN and one on the WAN, that send each other notes. What
// they send is made before the clock runs; what they fetch they open, add up and confirm while it does.
import { Client } from '../../src/channel/client.ts';
import { sha256 } from '../../src/crypto/index.ts';
import { plainNote } from '../../src/gateway/wide-mint.ts';
import type { KeyPair } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemClock } from '../../src/identity/time.ts';
import { type Note, sumOf } from '../../src/notes/note.ts';
import { systemRandomBytes } from '../../src/notes/random.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { AnswerOf, RequestOf } from '../../src/roles/common/operation.ts';
import { mayRepeat, Refusal } from '../../src/roles/common/refusal.ts';
import { openNotes, sealNotes } from '../../src/roles/common/sealed-notes.ts';
import { PlainNotes, SealedNotes } from '../../src/roles/documents/notes.ts';
import {
  type Delivery,
  type GatewayOperations,
  gatewayProtocol,
  SendRequest,
  type Side,
  type TerminalAddress,
} from '../../src/roles/gateway/messages.ts';
import { id } from '../../src/shared/id.ts';

const VALID_NS = 3_600_000_000_000n;
const REQUEST_TIMEOUT_MS = 60_000;
const PAUSE_MS = 2;
/** How often a destination looks for what is on its way to it. */
const LOOK_MS = 10;
const { send_in, send_out } = gatewayProtocol.operations;
const sendAnswers = answerCodec(send_in.answer, gatewayProtocol.refusals);

export interface Sending {
  readonly request: bigint;
  readonly amount: bigint;
  /** As it goes over the channel. */
  readonly bytes: Uint8Array;
}

export class Terminal {
  readonly side: Side;
  readonly #channel: KeyPair = generateKeyPair('channel');
  readonly #sealing: KeyPair = generateKeyPair('sealing');
  readonly #client: Client;
  /** Of the gateway. */
  #sealTo = new Uint8Array();

  constructor(side: Side, url: string, key: Uint8Array) {
    this.side = side;
    this.#client = new Client({
      url,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      identity: { pattern: 'IK', staticKey: this.#channel.secretKey, remoteStaticKey: key },
    });
  }

  async register(): Promise<void> {
    const { sealingKey } = await this.#ask('get_terms', {});
    this.#sealTo = Uint8Array.from(sealingKey);
    await this.#ask('register', { name: 'benchmark', sealingKey: this.#sealing.publicKey });
  }

  get address(): TerminalAddress {
    const { side } = this;
    return { side, channelKey: this.#channel.publicKey, sealingKey: this.#sealing.publicKey };
  }

  close(): Promise<void> {
    return this.#client.close(1_000);
  }

  /** All of the notes, without a fee. */
  prepare(notes: readonly Note[], to: Terminal): Sending {
    const [request, amount] = [id(), sumOf(notes)];
    const use = { use: this.side === 'lan' ? 'send_out' : 'send_in', request, amount } as const;
    const sealed = sealNotes(PlainNotes, notes.map(plainNote), this.#sealTo, use, systemRandomBytes);
    const message = { request, destination: to.address, amount, fee: 0n, notes: sealed };
    return {
      ...{ request, amount },
      bytes: SendRequest.encode({ ...message, applyBy: systemClock() + VALID_NS }),
    };
  }

  /** Until a delivery waits for its destination, or was confirmed by it: until then the gateway lets its sender wait, up to 250 ms. */
  async send({ bytes }: Sending): Promise<void> {
    const { number } = this.side === 'lan' ? send_out : send_in;
    for (;;) {
      const [reply] = await this.#client.call(number, [bytes]);
      const answer = sendAnswers.decode(reply!);
      if (answer instanceof Refusal) {
        if (!mayRepeat(answer)) throw answer;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      } else if (answer.state === 'waiting' || answer.state === 'delivered') return;
      else if (answer.state !== 'taken')
        throw new Error(`exchange: expected a delivery, got ${answer.state} ${answer.reason}`);
    }
  }

  /** Fetches what has come of that exchange, opens it, and confirms it. */
  async receive({ request, amount }: Sending): Promise<Note[]> {
    // Deliveries come in the order of their requests: the next after the one before it.
    let delivery: Delivery | undefined;
    for (const since = performance.now(); delivery === undefined; ) {
      const { deliveries } = await this.#ask('list_deliveries', { after: request - 1n });
      delivery = deliveries.find((each) => each.request === request);
      if (delivery !== undefined) break;
      if (performance.now() - since > REQUEST_TIMEOUT_MS)
        throw new Error('delivery: expected one of this exchange, got none');
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const notes = this.#open(delivery);
    if (sumOf(notes) !== amount) throw new Error(`delivery: expected ${amount}, got ${sumOf(notes)}`);
    const notesDigest = sha256(SealedNotes.encode(delivery.notes));
    await this.#ask('confirm_delivery', { request, notesDigest });
    return notes;
  }

  /** Whether that exchange is over. */
  async isDelivered({ request }: Sending): Promise<boolean> {
    return (await this.#ask('lookup_exchange', { request })).state === 'delivered';
  }

  #open({ request, amount, notes }: Delivery): Note[] {
    const use = { use: 'deliver', request, amount } as const;
    const opened = openNotes(PlainNotes, notes, [this.#sealing], use);
    if (opened === undefined) throw new Error('delivery: expected one that opens');
    return opened.map(({ dleq, ...note }) => (dleq === undefined ? note : { ...note, dleq }));
  }

  async #ask<Name extends keyof GatewayOperations & string>(
    name: Name,
    message: RequestOf<GatewayOperations[Name]>,
  ): Promise<AnswerOf<GatewayOperations[Name]>> {
    const { number, request, answer: codec } = gatewayProtocol.operations[name];
    const [reply] = await this.#client.call(number, [request.encode(message as never)]);
    const answer = answerCodec(codec as never, gatewayProtocol.refusals).decode(reply!);
    if (answer instanceof Refusal) throw answer;
    return answer as AnswerOf<GatewayOperations[Name]>;
  }
}
