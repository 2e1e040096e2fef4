// Wide notes over the lines of a whole system: a shop has some issued, and what it got taken in again.
import { noteCrypto } from '../../src/crypto/index.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { splitAmount } from '../../src/notes/amounts.ts';
import type { PublicKeyset } from '../../src/notes/keyset.ts';
import { makeOutputs, unblindAll } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { partnerMint } from '../../src/roles/common/mint-partner.ts';
import { IssuerClient } from '../../src/roles/issuer/client.ts';
import type { IssueNotesRequest, PayQuoteRequest } from '../../src/roles/issuer/messages.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import type { TakeNotesRequest } from '../../src/roles/receiver/messages.ts';
import { id } from '../../src/shared/id.ts';
import { anIssue, aPayment, aTaking, opened, type Shop } from '../roles/notes/support.ts';
import { now, soon } from './device.ts';
import type { HandmadeShop } from './shop.ts';
import { answerOf, eventually, type System } from './system.ts';

export interface NotesOfADay {
  readonly issue: IssueNotesRequest;
  /** Of a quote that the shop has not the money for: rejected. */
  readonly payment: PayQuoteRequest;
  readonly taking: TakeNotesRequest;
  /** Signed by the issuer for `issue`. */
  readonly blinded: readonly Uint8Array[];
}

/** More than any shop of a test has. */
const HOPELESS = 2n ** 32n;

/** That amount of the shop's exchange account goes out and comes in again: nothing is out behind it. A system with `notes`. */
export async function aDayOfNotes(
  system: System,
  handmade: HandmadeShop,
  amount: bigint,
): Promise<NotesOfADay> {
  const issuer = new IssuerClient(await handmade.connect('issuer'));
  const receiver = new ReceiverClient(await handmade.connect('receiver'));
  const mint = partnerMint(issuer);
  const shop: Shop = {
    ...{ shop: handmade.number, signing: handmade.signing, reply: generateKeyPair('sealing') },
    peer: { kind: 'unnamed' },
  };
  const keyset = (await mint.keys()).keysets[0] as PublicKeyset;
  const amounts = splitAmount(amount, keyset);
  const outputs = makeOutputs(amounts, keyset.id, randomSecrets(amounts.length), noteCrypto);

  const issue = anIssue({ request: id(), shop, outputs, applyBy: soon() });
  let answer = answerOf(await issuer.issueNotes(issue));
  await eventually(async () => {
    answer = answerOf(await issuer.issueNotes(issue));
    return answer.kind !== 'pending';
  });
  if (answer.kind !== 'issued') throw new Error(`expected notes, got ${answer.kind}`);
  const notes = unblindAll(outputs, [...opened(answer.notes, issue, shop)], keyset, noteCrypto);

  const { sealing: publicKey } = system.directory().currentKeySet('receiver', now()).keys;
  const to = { publicKey, secretKey: new Uint8Array(32) };
  const taking = aTaking({ request: id(), shop, notes, applyBy: soon(), to });
  await eventually(async () => {
    const told = answerOf(await receiver.takeNotes(taking));
    if (told.kind === 'rejected') throw new Error(`expected notes to be taken, got ${told.reason}`);
    return told.kind === 'taken';
  });

  const { quote } = await mint.openMintQuote('specie', { amount: HOPELESS, unit: 'eur' });
  const payment = aPayment({ request: id(), shop, quote, amount: HOPELESS, applyBy: soon() });
  await eventually(async () => {
    const told = answerOf(await issuer.payQuote(payment));
    if (told.kind === 'paid') throw new Error('expected a rejection, got a quote that is paid');
    return told.kind === 'rejected';
  });
  return { issue, payment, taking, blinded: outputs.map(({ message }) => message.blinded) };
}
