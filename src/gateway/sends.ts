// Exchanges on their way in: looked at, and handed to their flow.
//
//     send ─▶ known? ──▶ how it stands
//             │ no
//             ▼
//       decrypt, confirm the amount ─▶ one transaction: the sender's limits, the destination, the notes ─▶ taken
//
// A request that is known is never looked at anew: what was taken stays taken, whatever has become of keys and terms since.
import { sha256 } from '../crypto/index.ts';
import { equalBytes } from '../identity/binary-text.ts';
import type { NoteBook } from '../mint/note-book.ts';
import type { Note } from '../notes/note.ts';
import { mayRepeat, Refusal } from '../roles/common/refusal.ts';
import type { Flow } from '../roles/flow/flow.ts';
import type { FlowRunner } from '../roles/flow/flow-runner.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import { type SendAnswer, SendRequest, type Side } from '../roles/gateway/messages.ts';
import type { TakeNotesRequest } from '../roles/receiver/messages.ts';
import type { RoleStore, StoreTransaction } from '../store/store.ts';
import {
  type CheckedNotes,
  checkLocalNotes,
  checkWideNotes,
  type NoteChecks,
  type Refused,
  refuse,
} from './check-notes.ts';
import { checkMessage, checkSend } from './check-send.ts';
import type { BookedNote, Exchange } from './exchange.ts';
import type { InEffect, InOutcome, InState } from './in-flow.ts';
import { REFUSED_A_DAY_MAX } from './limits.ts';
import type { OutEffect, OutOutcome, OutState } from './out-flow.ts';
import { refusalFor, terminalIn } from './terminals.ts';
import type { GatewayTerms } from './terms.ts';
import { changeUsage, dayOf, type Usage, usageOn } from './usage.ts';

export interface SendsOptions {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly flows: {
    readonly out: Flow<OutState, OutEffect, OutOutcome>;
    readonly in: Flow<InState, InEffect, InOutcome>;
  };
  readonly terms: GatewayTerms;
  readonly checks: NoteChecks;
  readonly book: NoteBook;
  readonly shop: bigint;
  readonly clock: () => bigint;
  readonly answerWithinMs: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

export class Sends {
  readonly #options: SendsOptions;

  constructor(options: SendsOptions) {
    this.#options = options;
  }

  /** The first job. @param sender its channel key, of a terminal that may send */
  async out(message: SendRequest, sender: Uint8Array): Promise<SendAnswer | Refused> {
    const known = this.#before('lan', message, sender);
    if (known !== undefined) return known;
    const { checks, book, flows } = this.#options;
    const checked = await checkLocalNotes(message, checks);
    if (checked instanceof Refusal) return this.#counted(checked, sender);
    return this.#submit(flows.out, 'lan', message, sender, checked, (tx, exchange, notes) => {
      const keyset = checks.wideKeysets.active();
      if (keyset === undefined) return refuse('busy', 'expected the keysets of the wide mint, got none yet');
      const refused = checkFree(tx, book, notes);
      if (refused !== undefined) return refused;
      return {
        kind: 'requesting',
        ...{ exchange, notes, keysetId: keyset.id },
        replyKey: checks.sealingKeys[0]!.publicKey,
        distrusted: undefined,
      };
    });
  }

  /** The second job. */
  async in(message: SendRequest, sender: Uint8Array): Promise<SendAnswer | Refused> {
    const known = this.#before('wan', message, sender);
    if (known !== undefined) return known;
    const { checks, flows } = this.#options;
    const checked = checkWideNotes(message, checks);
    if (checked instanceof Refusal) return this.#counted(checked, sender);
    const sealed = 'later' in checked ? checked : { checked: this.#taking(message, checked.checked) };
    return this.#submit(flows.in, 'wan', message, sender, sealed, (_, exchange, take) => ({
      kind: 'transmitting',
      ...{ exchange, take, distrusted: undefined },
    }));
  }

  /** Encrypted once, and written down with the exchange: asked again, the receiver has to get the same bytes. */
  #taking({ request, amount, fee, applyBy }: SendRequest, notes: readonly Note[]): TakeNotesRequest {
    const { checks, shop } = this.#options;
    const of = { shop, purpose: 'in', exchange: request, attempt: 0 } as const;
    const take = checks.wide.taking(of, notes, amount + fee, applyBy);
    checks.step('encrypt for receiver', request);
    return take;
  }

  /** Of the caller's own. */
  lookup(request: bigint, sender: Uint8Array): SendAnswer | Refused {
    const { runner, flows } = this.#options;
    const record = runner.lookup(request);
    const unknown = refuse(
      'exchange_unknown',
      `exchange ${request}: expected one of this terminal, got none`,
    );
    // The organisation's own orders have ids like any.
    if (record === undefined || ![flows.out.name, flows.in.name].includes(record.flow)) return unknown;
    if (record.refusal !== undefined) return record.refusal as Refused;
    const state = record.state as OutState | InState;
    if (!equalBytes(state.exchange.sender.channelKey, sender)) return unknown;
    return answerOf(state);
  }

  /** What can be said of it before its notes are looked at, which costs most; undefined: they have to be. */
  #before(side: Side, message: SendRequest, sender: Uint8Array): SendAnswer | Refused | undefined {
    const { store, clock } = this.#options;
    return (
      checkMessage(side, message) ??
      this.#known(message, sender) ??
      checkRefusedBefore(usageOn(store, sender, dayOf(clock())))
    );
  }

  /** Whoever sends what is none, again and again, is not listened to for the rest of the day. */
  async #counted(refused: Refused, sender: Uint8Array): Promise<Refused> {
    const { store, clock } = this.#options;
    if (!mayRepeat(refused))
      await store.transaction((tx) => changeUsage(tx, sender, dayOf(clock()), { refused: 1 }));
    return refused;
  }

  /** undefined: it is new. */
  #known(message: SendRequest, sender: Uint8Array): SendAnswer | Refused | undefined {
    const record = this.#options.runner.lookup(message.request);
    if (record === undefined) return undefined;
    if (!equalBytes(record.digest, digestOfSend(message, sender)))
      return refuse(
        'request_differs',
        `request ${message.request}: expected what was sent before, got another`,
      );
    return (record.refusal as Refused | undefined) ?? answerOf(record.state as OutState | InState);
  }

  async #submit<State extends OutState | InState, Effect extends object, Outcome, Of>(
    flow: Flow<State, Effect, Outcome>,
    side: Side,
    message: SendRequest,
    sender: Uint8Array,
    notes: Exclude<CheckedNotes<Of>, Refused>,
    begin: (tx: StoreTransaction, exchange: Exchange, notes: Of) => State | Refused,
  ): Promise<SendAnswer | Refused> {
    const { runner, terms, clock, answerWithinMs } = this.#options;
    const admit = (tx: StoreTransaction): State | Refused => {
      const now = clock();
      const day = dayOf(now);
      const usage = usageOn(tx, sender, day);
      const record = terminalIn(tx, sender);
      let result =
        checkRefusedBefore(usage) ??
        refusalFor(record, side) ??
        checkSend(message, { terms, reads: tx, now, usage });
      result ??= 'later' in notes ? notes.later : undefined;
      const outcome =
        result ??
        begin(
          tx,
          exchangeOf(message, sender, record!.sealingKey, terms, day),
          (notes as { checked: Of }).checked,
        );
      if (outcome instanceof Refusal && !mayRepeat(outcome)) changeUsage(tx, sender, day, { refused: 1 });
      return outcome;
    };
    const item = { id: message.request, digest: digestOfSend(message, sender), admit };
    const [standing] = await Promise.all(
      runner.submit<State, Effect, Outcome, GatewayRefusal>(flow, [item], answerWithinMs),
    );
    return standing instanceof Refusal ? standing : answerOf(standing!.state);
  }
}

function checkRefusedBefore({ refused }: Usage): Refused | undefined {
  if (refused < REFUSED_A_DAY_MAX) return undefined;
  return refuse('busy', `expected at most ${REFUSED_A_DAY_MAX} refused requests a day, got one more`);
}

/** Another terminal's message under the same id is another request. */
function digestOfSend(message: SendRequest, sender: Uint8Array): Uint8Array {
  const bytes = SendRequest.encode(message);
  const named = new Uint8Array(bytes.length + sender.length);
  named.set(sender);
  named.set(bytes, sender.length);
  return sha256(named);
}

function exchangeOf(
  { destination, amount, fee, applyBy }: SendRequest,
  channelKey: Uint8Array,
  sealingKey: Uint8Array,
  { returnAfterSeconds }: GatewayTerms,
  day: number,
): Exchange {
  const returnAfter = BigInt(returnAfterSeconds) * NANOSECONDS_PER_SECOND;
  return { sender: { channelKey, sealingKey }, destination, amount, fee, applyBy, returnAfter, day };
}

function checkFree(tx: StoreTransaction, book: NoteBook, notes: readonly BookedNote[]): Refused | undefined {
  const conflict = book.conflict(
    tx,
    notes.map(({ noteId }) => noteId),
  );
  if (conflict === undefined) return undefined;
  const { place, taken } = conflict;
  return taken.state === 'spent'
    ? refuse('note_spent', `notes[${place}]: expected one that was not spent, got one that was`)
    : refuse('note_held', `notes[${place}]: expected a free one, got one that is being exchanged`);
}

export function answerOf(state: OutState | InState): SendAnswer {
  const reason = 'reason' in state ? state.reason : '';
  switch (state.kind) {
    case 'requesting':
    case 'transmitting':
    case 'acknowledged':
      return { state: 'taken', reason };
    case 'erased':
    case 'generated':
      return { state: 'waiting', reason };
    case 'returning':
    case 'taken_back':
      return { state: 'returning', reason };
    default:
      return { state: state.kind, reason };
  }
}
