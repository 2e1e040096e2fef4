// What is done about each message of a terminal. Each may send every message of its side; what is its own, its key says.
import { equalBytes } from '../identity/binary-text.ts';
import { mintCall } from '../mint/mint-call.ts';
import type { MintService } from '../mint/service.ts';
import type { Handler, Handlers } from '../roles/common/role-engine.ts';
import type { FlowRunner } from '../roles/flow/flow-runner.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import {
  type ConfirmDeliveryAnswer,
  type ConfirmDeliveryRequest,
  DELIVERIES_PAGE_MAX,
  type Delivery,
  type GetTermsAnswer,
  type ListDeliveriesAnswer,
  type ListDeliveriesRequest,
  type Side,
} from '../roles/gateway/messages.ts';
import type { RoleStore } from '../store/store.ts';
import type { Peer } from '../wire/peer.ts';
import { type Refused, refuse } from './check-notes.ts';
import { confirm, confirmedOf, deliveriesOf, deliveryOf, digestOfNotes } from './deliveries.ts';
import type { OnStep, SealingKey } from './interface.ts';
import type { Sends } from './sends.ts';
import type { LanOperations, WanOperations } from './side.ts';
import type { Terminals } from './terminals.ts';
import type { GatewayTerms } from './terms.ts';

export interface HandlerOptions {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly terminals: Terminals;
  readonly sends: Sends;
  readonly terms: GatewayTerms;
  readonly sealingKeys: readonly SealingKey[];
  readonly mint: MintService;
  readonly clock: () => bigint;
  readonly step: OnStep;
}

type Terminal = Peer & { readonly kind: 'unenrolled' };
const isTerminal = (peer: Peer): peer is Terminal => peer.kind === 'unenrolled';

/** A promise for each message: an exchange that takes its time holds up nobody. */
function each<Request, Answer>(
  handle: (message: Request, channelKey: Uint8Array) => Answer | Refused | Promise<Answer | Refused>,
): Handler<Request, Answer, Peer, GatewayRefusal> {
  return {
    allowed: isTerminal,
    handle: (messages, peers) =>
      messages.map(async (message, i) => handle(message, (peers[i] as Terminal).channelKey)),
  };
}

export function lanHandlers(options: HandlerOptions): Handlers<LanOperations, Peer, GatewayRefusal> {
  const { sends, mint } = options;
  const open = ofOpen('lan', options);
  return {
    ...commonHandlers('lan', options),
    send_out: each(open((message, terminal) => sends.out(message, terminal))),
    mint_call: each(open((message) => mintCall(mint, message))),
  };
}

export function wanHandlers(options: HandlerOptions): Handlers<WanOperations, Peer, GatewayRefusal> {
  const { sends } = options;
  const open = ofOpen('wan', options);
  return {
    ...commonHandlers('wan', options),
    send_in: each(open((message, terminal) => sends.in(message, terminal))),
  };
}

/** Only of terminals that are open on that side. */
function ofOpen(side: Side, { terminals }: HandlerOptions) {
  return <Request, Answer>(
    handle: (message: Request, channelKey: Uint8Array) => Answer | Refused | Promise<Answer | Refused>,
  ) =>
    (message: Request, channelKey: Uint8Array): Answer | Refused | Promise<Answer | Refused> =>
      terminals.refusalOf(side, channelKey) ?? handle(message, channelKey);
}

function commonHandlers(
  side: Side,
  options: HandlerOptions,
): Pick<
  Handlers<LanOperations & WanOperations, Peer, GatewayRefusal>,
  keyof LanOperations & keyof WanOperations
> {
  const { terminals, sends } = options;
  const open = ofOpen(side, options);
  return {
    register: each((message, terminal) => terminals.register(side, terminal, message)),
    get_terms: each(() => terms(side, options)),
    list_deliveries: each(open((message, terminal) => deliveries(message, terminal, options))),
    confirm_delivery: each(open((message, terminal) => confirmed(message, terminal, options))),
    lookup_exchange: each(open(({ request }, terminal) => sends.lookup(request, terminal))),
  };
}

function terms(side: Side, { terms, sealingKeys }: HandlerOptions): GetTermsAnswer {
  const { unit: _, ...rest } = terms;
  return { ...rest, side, sealingKey: sealingKeys[0]!.publicKey };
}

function deliveries(
  { after }: ListDeliveriesRequest,
  terminal: Uint8Array,
  { store, terminals, clock, step }: HandlerOptions,
): ListDeliveriesAnswer {
  terminals.used(terminal);
  const now = clock();
  const found: Delivery[] = [];
  // What is about to go back is passed over: it will not be there for long.
  for (let from = after; found.length <= DELIVERIES_PAGE_MAX; ) {
    const records = deliveriesOf(store, terminal, from, DELIVERIES_PAGE_MAX + 1);
    found.push(...records.filter(({ until }) => until === 0n || now < until));
    if (records.length <= DELIVERIES_PAGE_MAX) break;
    from = records.at(-1)!.request;
  }
  const page = found.slice(0, DELIVERIES_PAGE_MAX);
  for (const { request, isReturn } of page) if (!isReturn) step('transmit', request);
  return { deliveries: page, more: found.length > DELIVERIES_PAGE_MAX };
}

async function confirmed(
  { request, notesDigest }: ConfirmDeliveryRequest,
  terminal: Uint8Array,
  { store, runner, clock }: HandlerOptions,
): Promise<ConfirmDeliveryAnswer | Refused> {
  const unknown = refuse('delivery_unknown', `delivery ${request}: expected one that waits, got none`);
  const answer = await store.transaction((tx) => {
    const delivery = deliveryOf(tx, terminal, request);
    if (delivery === undefined) {
      const before = confirmedOf(tx, terminal, request);
      return before !== undefined && equalBytes(before, notesDigest) ? {} : unknown;
    }
    if (!equalBytes(digestOfNotes(delivery.notes), notesDigest)) return unknown;
    confirm(tx, terminal, request, notesDigest, clock());
    return {};
  });
  runner.wake(request);
  return answer;
}
