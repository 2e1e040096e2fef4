// One mint of two: one signs what is paid for, the other takes in; each asked over a call, as roles do.
import { expect, test } from 'vitest';
import { MintClient, MintUnreachable } from '../../src/mint/client.ts';
import { joinMints } from '../../src/mint/joined-mint.ts';
import { Mint } from '../../src/mint/mint.ts';
import { mintCall, operationOf } from '../../src/mint/mint-call.ts';
import { NoteBook, outstanding } from '../../src/mint/note-book.ts';
import type { MintService } from '../../src/mint/service.ts';
import { METHOD, messages, UNIT, World } from './world.ts';

const remote = (service: MintService): MintService => new MintClient((call) => mintCall(service, call));

test('either of two roles serves the whole interface', async () => {
  const [issuer, receiver] = [new World(), new World()];
  // What the receiver takes in, it has not signed.
  const book = new NoteBook({ isWhole: false });
  const { minting: _, ...receiving } = { ...receiver.options(), book };
  const { melting: __, ...issuing } = issuer.options();
  const [own, other] = [new Mint(issuing), new Mint(receiving)];
  const mints = [
    joinMints({ own, issuing: own, receiving: remote(other) }),
    joinMints({ own: other, issuing: remote(own), receiving: other }),
  ];
  for (const mint of mints) {
    const info = await mint.info();
    expect(info.nuts.mint?.isDisabled).toBe(false);
    expect(info.nuts.supported).toEqual([7, 9, 10, 11, 12, 14, 20]);
    expect((await mint.keysets()).keysets).toHaveLength(1);
    expect((await mint.keys()).keysets[0]?.keys).toEqual((await mint.keys(issuer.keysetId)).keysets[0]?.keys);
    const { quote } = await mint.openMintQuote(METHOD, { amount: 6n, unit: UNIT });
    await issuer.markPaid(quote);
    expect((await mint.mintQuote(METHOD, quote)).state).toBe('PAID');
    const first = issuer.outputs([4n, 2n]);
    const minted = await mint.mint(METHOD, { quote, outputs: messages(first) });
    const second = issuer.outputs([2n, 2n, 2n]);
    const inputs = issuer.notes(first, minted.signatures);
    const swapped = await mint.swap({ inputs, outputs: messages(second) });
    const asked = [second[0]!, first[1]!, issuer.outputs([1n])[0]!, second[2]!];
    const restored = await mint.restore({ outputs: messages(asked) });
    expect(restored.outputs).toEqual(messages([second[0]!, first[1]!, second[2]!]));
    expect(restored.signatures).toEqual([swapped.signatures[0], minted.signatures[1], swapped.signatures[2]]);
    expect(
      (await mint.states({ noteIds: messages(first).map(({ blinded }) => blinded) })).states,
    ).toMatchObject([{ state: 'SPENT' }, { state: 'SPENT' }]);
  }
  const totals = [
    issuer.book.totals(issuer.store, issuer.keysetId),
    book.totals(receiver.store, issuer.keysetId),
  ];
  expect(totals.map(({ signed, spent }) => [signed, spent])).toEqual([
    [12n, 0n],
    [12n, 12n],
  ]);
  expect(totals.reduce((sum, each) => sum + outstanding(each), 0n)).toBe(12n);
});

test('the other half does not answer: it may have been done', async () => {
  const world = new World();
  const silent = new MintClient(() => Promise.reject(new MintUnreachable('nobody is there')));
  const mint = joinMints({ own: world.mint, issuing: world.mint, receiving: silent });
  const faults: unknown[] = [];
  const body = Buffer.from('{"Ys":[]}');
  const call = { method: 'POST', path: '/v1/checkstate', body };
  const answer = await mintCall(mint, call, { onFault: (error) => faults.push(error) });
  expect(answer.status).toBe(502);
  await expect(remote(mint).states({ noteIds: [] })).rejects.toThrow(MintUnreachable);
  expect(faults).toEqual([]);
  expect((await mintCall(mint, { method: 'GET', path: '/v1/keysets', body: new Uint8Array(0) })).status).toBe(
    200,
  );
});

test('a call names its operation, or none', () => {
  const named = (method: string, path: string) => operationOf({ method, path });
  expect(named('GET', '/v1/keys')).toBe('keys');
  expect(named('GET', '/v1/keys/00ab')).toBe('keys');
  expect(named('POST', '/v1/mint/quote/specie')).toBe('openMintQuote');
  expect(named('GET', '/v1/mint/quote/specie/1')).toBe('mintQuote');
  expect(named('POST', '/v1/mint/specie')).toBe('mint');
  expect(named('GET', '/v1/mint/specie')).toBeUndefined();
  expect(named('GET', '/v1/mint/quote//1')).toBeUndefined();
  expect(named('GET', '/v2/keys')).toBeUndefined();
});
