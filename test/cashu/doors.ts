// Every way into the mint of a whole system: HTTP and the channel of either role, for whoever comes; the channel of a shop that
// deals in notes. And notes to try them with.
import { noteCrypto } from '../../src/crypto/index.ts';
import type { MintRole } from '../../src/identity/roles.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import { mintErrorBody } from '../../src/notes/json/error.ts';
import { signaturesAnswer, swapRequest } from '../../src/notes/json/swap.ts';
import type { PublicKeyset } from '../../src/notes/keyset.ts';
import type { BlindSignature, Note } from '../../src/notes/note.ts';
import { makeOutputs, type Output, unblindAll } from '../../src/notes/outputs.ts';
import { type NoteSecret, randomBlindingFactors, randomSecrets } from '../../src/notes/secrets.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { IssuerClient } from '../../src/roles/issuer/client.ts';
import type { MintCall, MintCallAnswer } from '../../src/roles/issuer/messages.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import { Device } from '../claims/device.ts';
import { NoteHolder } from '../claims/notes.ts';
import { HandmadeShop } from '../claims/shop.ts';
import { accountNumber, answerOf, EUR, eventually, type System, toldBy } from '../claims/system.ts';

const utf8 = new TextEncoder();

export interface Told {
  readonly status: number;
  /** Of a refusal. */
  readonly code: number | undefined;
  readonly body: Uint8Array;
}

export interface Door {
  readonly name: string;
  /** @param body left out: it is asked with GET */
  ask(path: string, body?: string | Uint8Array): Promise<Told>;
}

function toldOf({ status, body }: MintCallAnswer): Told {
  return { status, code: status === 200 ? undefined : mintErrorBody.decode(body).code, body };
}

const bytesOf = (body: string | Uint8Array = ''): Uint8Array =>
  typeof body === 'string' ? utf8.encode(body) : body;

function httpDoor(role: MintRole, url: string): Door {
  return {
    name: `HTTP of the ${role}`,
    async ask(path, body) {
      const response = await fetch(`${url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        ...(body === undefined ? {} : { body: bytesOf(body) as Uint8Array<ArrayBuffer> }),
      });
      return toldOf({ status: response.status, body: new Uint8Array(await response.arrayBuffer()) });
    },
  };
}

interface MintCaller {
  mintCall(call: MintCall): Promise<CallResult<MintCallAnswer, string>>;
}

function channelDoor(role: MintRole, client: MintCaller): Door {
  return {
    name: `channel of the ${role}`,
    async ask(path, body) {
      const method = body === undefined ? 'GET' : 'POST';
      return toldOf(answerOf(await client.mintCall({ method, path, body: bytesOf(body) })));
    },
  };
}

/** A shop with a certificate, and so much in the account that backs notes. */
async function dealer(system: System, place: number, amount: bigint): Promise<NoteHolder> {
  const device = await Device.enrolled(system, accountNumber(place));
  const management = await device.management();
  const order = device.order(amount);
  await eventually(async () => toldBy(await management.load({ order, account: undefined })) === 'loaded');
  const shop = await HandmadeShop.open(system, accountNumber(place + 1));
  const shops = managementClient(await shop.connect());
  const sale = shop.sale(device, amount);
  await eventually(async () => answerOf(await shops.pay(sale)).kind === 'paid');
  const cash = new CashClient(await system.asRole('issuer', 'cash'));
  expectDone(answerOf(await cash.noteOrder({ order: shop.noteOrder('fund', amount) })).kind);
  return NoteHolder.open(shop);
}

function expectDone(kind: string): void {
  if (kind !== 'done') throw new Error(`expected it to be done, got ${kind}`);
}

export class Doors {
  readonly system: System;
  readonly issuer: Door;
  readonly receiver: Door;
  readonly all: readonly Door[];
  /** Two shops. */
  readonly dealers: readonly [NoteHolder, NoteHolder];
  readonly keyset: PublicKeyset;

  private constructor(system: System, doors: readonly Door[], dealers: readonly [NoteHolder, NoteHolder]) {
    this.system = system;
    this.all = doors;
    [this.issuer, this.receiver] = doors as [Door, Door];
    this.dealers = dealers;
    this.keyset = dealers[0].keyset;
  }

  static async open(system: System, amount: bigint): Promise<Doors> {
    const unnamed = (role: MintRole) =>
      system.connect(role, { pattern: 'NK', remoteStaticKey: system.channelKey(role) });
    const url = (role: MintRole): string => system.roles.get(role)!.httpUrl!;
    const doors = [
      httpDoor('issuer', url('issuer')),
      httpDoor('receiver', url('receiver')),
      channelDoor('issuer', new IssuerClient(await unnamed('issuer'))),
      channelDoor('receiver', new ReceiverClient(await unnamed('receiver'))),
    ];
    return new Doors(system, doors, [await dealer(system, 20, amount), await dealer(system, 30, amount)]);
  }

  get dealer(): NoteHolder {
    return this.dealers[0];
  }

  outputs(amounts: readonly bigint[], secrets?: readonly NoteSecret[]): Output[] {
    return makeOutputs(amounts, this.keyset.id, secrets ?? randomSecrets(amounts.length), noteCrypto);
  }

  notesOf(outputs: readonly Output[], signatures: readonly BlindSignature[]): Note[] {
    return unblindAll(outputs, signatures, this.keyset, noteCrypto);
  }

  /** Issued to the first dealer. */
  async notes(amount: bigint): Promise<Note[]> {
    const { dealer } = this;
    const issue = dealer.issue(amount);
    let notes: readonly Note[] = [];
    await eventually(async () => {
      const answer = answerOf(await dealer.issuer.issueNotes(issue.request));
      if (answer.kind === 'issued') notes = issue.notes(answer.notes) as Note[];
      return answer.kind === 'issued';
    });
    return [...notes];
  }

  /** Of these, with secrets of the caller's. */
  async swapped(notes: readonly Note[], secrets: readonly string[], door = this.receiver): Promise<Note[]> {
    const amounts = notes.map(({ amount }) => amount);
    const factors = randomBlindingFactors(secrets.length);
    const outputs = this.outputs(
      amounts,
      secrets.map((secret, i) => ({ secret, blindingFactor: factors[i]! })),
    );
    const { status, body } = await door.ask('/v1/swap', swapBody(notes, outputs));
    if (status !== 200) throw new Error(`expected them to be swapped, got ${new TextDecoder().decode(body)}`);
    return this.notesOf(outputs, signaturesAnswer.decode(body).signatures);
  }

  amountsOf(amount: bigint): bigint[] {
    return splitAmount(amount, this.keyset);
  }
}

export const messages = (outputs: readonly Output[]) => outputs.map(({ message }) => message);

export const swapBody = (inputs: readonly Note[], outputs: readonly Output[]): string =>
  swapRequest.encode({ inputs, outputs: messages(outputs) });

export const UNIT = 'eur';
export const CURRENCY = EUR;
