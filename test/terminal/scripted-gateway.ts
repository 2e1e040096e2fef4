// A gateway in memory that does both jobs at once, with two mints: what a terminal sees of one. The test can make it deaf, slow
// or a liar.
import { hpke, sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import {
  NotesBinding,
  notesSealInfo,
  type PlainNote,
  PlainNotes,
  padded,
  SealedNotes,
  type SealUse,
  unpadded,
} from '../../src/roles/documents/notes.ts';
import type { GatewayRefusal } from '../../src/roles/gateway/errors.ts';
import type {
  ConfirmDeliveryRequest,
  Delivery,
  GatewayOperations,
  GetTermsAnswer,
  LookupExchangeRequest,
  RegisterRequest,
  SendAnswer,
  SendRequest,
  Side,
} from '../../src/roles/gateway/messages.ts';
import type { GatewayCalls, KnownGateway } from '../../src/terminal/ports.ts';
import type { ScriptedMint } from './scripted-mint.ts';

interface Exchange {
  readonly from: string;
  readonly to: string;
  readonly request: SendRequest;
  readonly side: Side;
  answer: SendAnswer;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const ok = <Answer>(answer: Answer): CallResult<Answer, GatewayRefusal> => ({ kind: 'ok', answer });
const no = (code: GatewayRefusal): CallResult<never, GatewayRefusal> => ({
  kind: 'refused',
  refusal: new Refusal(code, 'as the script says'),
});

export class ScriptedGateway {
  readonly mints: { readonly lan: ScriptedMint; readonly wan: ScriptedMint };
  readonly channel = generateKeyPair('channel');
  readonly sealing = generateKeyPair('sealing');
  readonly exchanges = new Map<bigint, Exchange>();
  readonly deliveries = new Map<string, Map<bigint, Delivery>>();
  readonly terms: { -readonly [Name in Exclude<keyof GetTermsAnswer, 'side'>]: GetTermsAnswer[Name] };
  /** What lies sealed for destinations. */
  readonly #issued = new Map<bigint, readonly PlainNote[]>();
  readonly sealingKeys = new Map<string, Uint8Array>();
  /** What exchanges have cost. */
  fees = 0n;
  /** Refuses to take anything in. */
  refusal: GatewayRefusal | undefined;
  /** Takes in, and then rejects. */
  rejects: string | undefined;
  calls = 0;
  loseIn = Number.POSITIVE_INFINITY;
  loseHeard = false;
  tamper: ((name: keyof GatewayOperations, result: CallResult<unknown>) => unknown) | undefined;

  constructor(mints: ScriptedGateway['mints']) {
    this.mints = mints;
    this.terms = {
      organisation: 'campus',
      currency: 978,
      sealingKey: this.sealing.publicKey,
      amountMin: 1n,
      amountMax: 1_000n,
      dayMax: 10_000n,
      feeBasisPoints: 0,
      feeFixed: 0n,
      returnAfterSeconds: 600,
    };
  }

  /** As a terminal of that key and side knows it. */
  known(side: Side, channelKey: Uint8Array): KnownGateway {
    const calls = {
      call: async (name: keyof GatewayOperations, message: never) => {
        this.calls++;
        const isLost = this.loseIn-- === 0;
        const lost = { kind: 'unknown', reason: 'lost on the way' } as const;
        if (isLost && !this.loseHeard) return lost;
        const result = await this.#answer(side, hex(channelKey), name, message);
        if (isLost) return lost;
        return this.tamper === undefined ? result : this.tamper(name, result);
      },
    } as unknown as GatewayCalls;
    return { name: 'campus', key: this.channel.publicKey, calls };
  }

  async #answer(
    side: Side,
    terminal: string,
    name: keyof GatewayOperations,
    message: unknown,
  ): Promise<CallResult<unknown, GatewayRefusal>> {
    switch (name) {
      case 'register':
        this.sealingKeys.set(terminal, (message as RegisterRequest).sealingKey);
        return ok({ state: 'open' });
      case 'get_terms':
        return ok({ ...this.terms, side });
      case 'send_out':
      case 'send_in':
        return this.#send(side, terminal, message as SendRequest);
      case 'lookup_exchange': {
        const exchange = this.exchanges.get((message as LookupExchangeRequest).request);
        return exchange === undefined ? no('exchange_unknown') : ok(exchange.answer);
      }
      case 'list_deliveries': {
        const deliveries = [...(this.deliveries.get(terminal)?.values() ?? [])].sort((left, right) =>
          left.request < right.request ? -1 : 1,
        );
        return ok({ deliveries, more: false });
      }
      case 'confirm_delivery':
        return this.#confirm(terminal, message as ConfirmDeliveryRequest);
      default:
        return no('wrong_side');
    }
  }

  async #send(
    side: Side,
    from: string,
    request: SendRequest,
  ): Promise<CallResult<SendAnswer, GatewayRefusal>> {
    const known = this.exchanges.get(request.request);
    if (known !== undefined) return ok(known.answer);
    if (this.refusal !== undefined) return no(this.refusal);
    const { amount, fee, destination } = request;
    const notes = this.#open(side === 'lan' ? 'send_out' : 'send_in', request);
    const mint = this.mints[side];
    const other = side === 'lan' ? 'wan' : 'lan';
    const worth = notes.reduce((sum, note) => sum + note.amount, 0n);
    if (worth !== amount + fee) return no('amounts_mismatch');
    if (!mint.isValid(notes)) return no('note_invalid');
    if (!mint.isFree(notes)) return no('note_spent');
    const to = hex(destination.channelKey);
    const exchange: Exchange = { from, to, request, side, answer: { state: 'waiting', reason: '' } };
    this.exchanges.set(request.request, exchange);
    if (this.rejects !== undefined) {
      exchange.answer = { state: 'rejected', reason: this.rejects };
      return ok(exchange.answer);
    }
    await mint.spend(notes);
    this.fees += fee;
    const issued = await this.mints[other].issue(amount);
    this.#issued.set(request.request, issued);
    this.deliver(to, {
      request: request.request,
      isReturn: false,
      notes: issued,
      sealingKey: destination.sealingKey,
    });
    return ok(exchange.answer);
  }

  /** Whatever the script wants, sealed as it should be. */
  deliver(
    to: string,
    {
      request,
      isReturn,
      notes,
      sealingKey,
      amount = notes.reduce((sum, note) => sum + note.amount, 0n),
      sealedAs = amount,
    }: {
      readonly request: bigint;
      readonly isReturn: boolean;
      readonly notes: readonly PlainNote[];
      readonly sealingKey: Uint8Array;
      readonly amount?: bigint;
      readonly sealedAs?: bigint;
    },
  ): void {
    const sealed = sealFor(sealingKey, 'deliver', { request, amount: sealedAs }, notes);
    const own = this.deliveries.get(to) ?? new Map<bigint, Delivery>();
    own.set(request, { request, isReturn, amount, notes: sealed, until: 0n });
    this.deliveries.set(to, own);
  }

  /** Nobody has exchanged what lies there for the destination. */
  isUntouched(request: bigint): boolean {
    const { side } = this.exchanges.get(request)!;
    return this.mints[side === 'lan' ? 'wan' : 'lan'].isFree(this.#issued.get(request)!);
  }

  /** The destination has not fetched it in time. */
  async giveBack(request: bigint): Promise<void> {
    const exchange = this.exchanges.get(request)!;
    const { from, to, side, request: sent } = exchange;
    this.deliveries.get(to)!.delete(request);
    await this.mints[side === 'lan' ? 'wan' : 'lan'].spend(this.#issued.get(request)!);
    exchange.answer = { state: 'returned', reason: 'not fetched' };
    this.deliver(from, {
      request,
      isReturn: true,
      notes: await this.mints[side].issue(sent.amount),
      sealingKey: this.sealingKeys.get(from)!,
    });
  }

  #open(use: SealUse, { request, amount, fee, notes }: SendRequest): readonly PlainNote[] {
    const plaintext = hpke.open({
      recipientPrivateKey: this.sealing.secretKey,
      enc: notes.encapsulatedKey,
      ciphertext: notes.ciphertext,
      info: notesSealInfo(use, notes.keyId),
      aad: NotesBinding.encode({ request, amount: amount + fee }),
    });
    return unpadded(PlainNotes, plaintext);
  }

  #confirm(
    terminal: string,
    { request, notesDigest }: ConfirmDeliveryRequest,
  ): CallResult<unknown, GatewayRefusal> {
    const delivery = this.deliveries.get(terminal)?.get(request);
    if (delivery === undefined || hex(sha256(SealedNotes.encode(delivery.notes))) !== hex(notesDigest))
      return no('delivery_unknown');
    this.deliveries.get(terminal)!.delete(request);
    const exchange = this.exchanges.get(request);
    if (exchange !== undefined && !delivery.isReturn) exchange.answer = { state: 'delivered', reason: '' };
    return ok({ at: 0n });
  }
}

export function sealFor(
  sealingKey: Uint8Array,
  use: SealUse,
  binding: NotesBinding,
  notes: readonly PlainNote[],
): SealedNotes {
  const keyId = keyIdOf(sealingKey, sha256);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: sealingKey,
    info: notesSealInfo(use, keyId),
    aad: NotesBinding.encode(binding),
    plaintext: padded(PlainNotes, notes),
  });
  return { keyId, encapsulatedKey: enc, ciphertext };
}
