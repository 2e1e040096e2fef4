// Somebody who has a terminal like others, and spends the same notes wherever they might be taken, all at once.
//
//     own token, not handed on ─┬─ send through one gateway ─┬─ send through the other ─┬─ swap ─┬─ melt
//                               ╰─ with another amount than it says, to nobody, twice under one name

import { feeFor } from '../../../src/gateway/terms.ts';
import { MintClient } from '../../../src/mint/client.ts';
import type { Note } from '../../../src/notes/note.ts';
import { makeOutputs } from '../../../src/notes/outputs.ts';
import { randomSecrets } from '../../../src/notes/secrets.ts';
import { decodeToken } from '../../../src/notes/token.ts';
import { RoleClient } from '../../../src/roles/common/role-client.ts';
import { sealNotes } from '../../../src/roles/common/sealed-notes.ts';
import { METHOD } from '../../../src/roles/common/wide-notes.ts';
import { PlainNotes } from '../../../src/roles/documents/notes.ts';
import type { GatewayRefusal } from '../../../src/roles/gateway/errors.ts';
import {
  type GatewayOperations,
  gatewayProtocol,
  type SendRequest,
} from '../../../src/roles/gateway/messages.ts';
import { receiverProtocol } from '../../../src/roles/receiver/messages.ts';
import { channelSend } from '../../../src/terminal/node/mint-transport.ts';
import { keySets } from '../../identity/support.ts';
import type { Person } from './person.ts';
import { EUR, type GatewayParty, type System } from './system.ts';

const HOUR_NS = 3_600_000_000_000n;
const PAUSE_MAX_MS = 25 * 60_000;

export class Cheat {
  readonly person: Person;
  readonly #system: System;
  isOver = false;
  readonly ends = new Map<string, number>();
  /** Messages that a gateway has had before. */
  readonly #old: { readonly to: GatewayParty; readonly message: SendRequest }[] = [];

  constructor(person: Person, system: System) {
    this.person = person;
    person.isHonest = false;
    this.#system = system;
  }

  open(): void {
    const { ground } = this.#system;
    const again = async (): Promise<void> => {
      while (!this.isOver) {
        await ground.pause(PAUSE_MAX_MS * ground.random.float());
        if (!this.isOver) await this.#try();
      }
    };
    again().catch((error: unknown) => this.person.faults.push(`cheat: ${(error as Error).stack}`));
  }

  async #try(): Promise<void> {
    const { random } = this.#system.ground;
    const { terminal } = this.person;
    const old = this.#old.at(-1);
    if (old !== undefined && random.chance(0.3)) this.#send(old.to, old.message);
    const { free } = terminal?.balance() ?? { free: 0n };
    if (terminal === undefined || free < 4n) return;
    const amount = 2n + BigInt(random.below(Number(free) - 2));
    // He may die before he has the notes in his hands: then nothing comes of it.
    void terminal.makeToken(amount).then(
      ({ text }) => this.#spend(decodeToken(text, { keysetIds: this.#keysetIds() }).notes),
      () => {},
    );
  }

  #keysetIds(): string[] {
    return [
      ...new Set(this.#system.gateways.flatMap(({ process }) => process.opened?.gateway.localKeysets ?? [])),
    ]
      .map(({ id }) => id)
      .concat(this.#system.wideKeysetIds);
  }

  /** As many ways as come to mind, at once. */
  #spend(notes: readonly Note[]): void {
    const { ground } = this.#system;
    const { random } = ground;
    const { side, options } = this.person;
    ground.note(this.person.name, 'spends notes wherever they might be taken');
    const worth = notes.reduce((sum, { amount }) => sum + amount, 0n);
    for (const to of options.gateways) {
      for (let i = 0; i < 1 + random.below(2); i++) {
        if (random.chance(0.3)) continue;
        const message = this.#message(to, notes, worth);
        if (message === undefined) continue;
        this.#old.push({ to, message });
        this.#send(to, message);
        // Another exchange of the same name, and somebody else's message.
        if (random.chance(0.3)) this.#send(to, { ...message, amount: message.amount + 1n });
        if (random.chance(0.3))
          this.#send(to, message, random.pick(this.#accomplices()).keys.channel.publicKey);
      }
    }
    if (random.chance(0.7)) void this.#swap(notes).then(this.#count('swap'), this.#count('swap'));
    if (side === 'wan' && random.chance(0.7))
      void this.#melt(notes, worth).then(this.#count('melt'), this.#count('melt'));
    if (side === 'wan' && random.chance(0.5))
      void this.#mintUnpaid().then(this.#count('mint'), this.#count('mint'));
    if (side === 'wan' && random.chance(0.5)) void this.#take(notes, worth).then(this.#count('take'));
    const friends = this.person.others().filter((other) => other.side === side);
    if (random.chance(0.5)) this.#hand(notes, friends[random.below(friends.length)]);
  }

  /** Whose keys he may use. */
  #accomplices(): readonly Person[] {
    return this.person.others().filter(({ isHonest }) => !isHonest);
  }

  #hand(notes: readonly Note[], to: Person | undefined): void {
    const text = to?.tokenOf(notes);
    if (text !== undefined) to!.inbox.push(text);
  }

  /** What it says, to whom, for how much: mostly right. */
  #message(to: GatewayParty, notes: readonly Note[], worth: bigint): SendRequest | undefined {
    const { ground } = this.#system;
    const { random } = ground;
    const { side } = this.person;
    let amount = worth;
    while (amount > 0n && amount + feeFor(amount, to.terms) > worth) amount--;
    if (amount === 0n) return undefined;
    const fee = worth - amount;
    const wrong = random.chance(0.2) ? 1n : 0n;
    const others = this.person.others().filter((other) => other.side !== side);
    const request = this.#system.newId();
    const destination = random.chance(0.1)
      ? { ...others[0]!.address, channelKey: ground.bytes(32) }
      : random.pick(others).address;
    const use = side === 'lan' ? 'send_out' : 'send_in';
    const plain = plainOf(notes);
    const binding = { use, request, amount: worth + wrong } as const;
    return {
      ...{ request, destination, amount: amount + wrong, fee },
      notes: sealNotes(PlainNotes, plain, to.sealing.publicKey, binding, ground.bytes),
      applyBy: ground.clockOf(this.person.name)() + HOUR_NS,
    };
  }

  #send(to: GatewayParty, message: SendRequest, channelKey = this.person.keys.channel.publicKey): void {
    const { side, name } = this.person;
    const transport = this.#system.toGateway(name, to, side, channelKey, () => true);
    const client = new RoleClient<GatewayOperations, GatewayRefusal>({
      protocol: gatewayProtocol,
      transport,
    });
    const use = side === 'lan' ? 'send_out' : 'send_in';
    void client.call(use, message).then((result) => {
      if (result.kind === 'ok') this.#count(use)({ state: result.answer.state });
      if (result.kind === 'refused') this.#count(use)({ state: result.refusal.code });
    });
  }

  /** For outputs that nobody remembers. */
  async #swap(notes: readonly Note[]): Promise<unknown> {
    const { crypto, ground } = this.#system;
    const [{ keysetId }] = notes as [Note];
    const secrets = randomSecrets(notes.length, ground.bytes);
    const outputs = makeOutputs(
      notes.map(({ amount }) => amount),
      keysetId,
      secrets,
      crypto,
    );
    await this.#mint().swap({ inputs: [...notes], outputs: outputs.map(({ message }) => message) });
    return { state: 'done' };
  }

  async #melt(notes: readonly Note[], worth: bigint): Promise<unknown> {
    const mint = this.#mint();
    const { payee } = this.person.options;
    const { quote } = await mint.openMeltQuote(METHOD, { request: payee, unit: 'eur', amount: worth });
    const { state } = await mint.melt(METHOD, { quote, inputs: [...notes] });
    return { state };
  }

  /** Of a quote that nobody has paid. */
  async #mintUnpaid(): Promise<unknown> {
    const { crypto, ground, wideKeysetIds } = this.#system;
    const mint = this.#mint();
    const { quote } = await mint.openMintQuote(METHOD, { amount: 4n, unit: 'eur' });
    const outputs = makeOutputs([4n], wideKeysetIds[0]!, randomSecrets(1, ground.bytes), crypto);
    await mint.mint(METHOD, { quote, outputs: outputs.map(({ message }) => message) });
    return { state: 'done' };
  }

  /** A merchant who is in it with him has them taken in. */
  async #take(notes: readonly Note[], worth: bigint): Promise<unknown> {
    const { ground, counter } = this.#system;
    const request = this.#system.newId();
    const binding = { use: 'receive', request, amount: worth } as const;
    const [{ sealing }] = keySets.receiver;
    const receiver = this.#system.receiverAs(counter.name, counter.peer, () => true);
    const result = await receiver.takeNotes({
      ...{ request, payee: { kind: 'shop', shop: counter.shop }, amount: worth, currency: EUR },
      notes: sealNotes(PlainNotes, plainOf(notes), sealing.publicKey, binding, ground.bytes),
      applyBy: ground.clockOf(this.person.name)() + HOUR_NS,
    });
    if (result.kind === 'ok') return { state: result.answer.kind };
    return { state: result.kind === 'refused' ? result.refusal.code : 'no answer' };
  }

  #mint(): MintClient {
    const { side, name, options, keys } = this.person;
    const transport =
      side === 'lan'
        ? this.#system.toGateway(name, options.gateways[0]!, 'lan', keys.channel.publicKey, () => true)
        : this.#system.toReceiver(name, { kind: 'unnamed' }, () => true);
    const protocol = side === 'lan' ? gatewayProtocol : receiverProtocol;
    const client = new RoleClient({ protocol: protocol as typeof gatewayProtocol, transport });
    return new MintClient(channelSend(client as never, 'mint'));
  }

  #count(what: string) {
    return (end: unknown): void => {
      const { state, message } = end as { readonly state?: string; readonly message?: string };
      const name = `cheat, ${what}: ${state ?? message?.replace(/\d+/g, '…').slice(0, 60)}`;
      this.ends.set(name, (this.ends.get(name) ?? 0) + 1);
    };
  }
}

const plainOf = (notes: readonly Note[]) =>
  notes.map(({ amount, keysetId, secret, signature }) => ({
    ...{ amount, keysetId, secret, signature, dleq: undefined },
  }));
