// A real gateway on two real listeners, a wide mint that is asked over HTTP, and terminals in their homes: everything but issuer,
// receiver and cash, which are scripted (test/gateway/wide.ts).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server } from '../../src/channel/server.ts';
import { noteCrypto } from '../../src/crypto/index.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { gatewayServerIdentity } from '../../src/gateway/server-identity.ts';
import { toHex } from '../../src/identity/binary-text.ts';
import type { KeyPair } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemClock } from '../../src/identity/time.ts';
import { refused } from '../../src/mint/errors.ts';
import { MintHttpServer } from '../../src/mint/http-server.ts';
import type { MintService } from '../../src/mint/service.ts';
import type { BlindedMessage, BlindSignature, Note } from '../../src/notes/note.ts';
import type { Side } from '../../src/roles/gateway/messages.ts';
import { type MadeTerminal, makeTerminal } from '../../src/terminal/index.ts';
import { CURRENCY, drawing, keyPairOf, UNIT, Wide } from '../gateway/wide.ts';
import { memoryRoleStore } from '../store/memory-backend.ts';

export class Place {
  readonly folder: string;
  readonly wide: Wide;
  readonly gateway: Gateway;
  readonly servers: { readonly lan: Server; readonly wan: Server };
  readonly http: MintHttpServer;
  readonly #keys: { readonly lan: KeyPair; readonly wan: KeyPair };

  private constructor(
    parts: Pick<Place, 'folder' | 'wide' | 'gateway' | 'servers' | 'http'>,
    keys: { readonly lan: KeyPair; readonly wan: KeyPair },
  ) {
    this.folder = parts.folder;
    this.wide = parts.wide;
    this.gateway = parts.gateway;
    this.servers = parts.servers;
    this.http = parts.http;
    this.#keys = keys;
  }

  static async open(): Promise<Place> {
    const wide = new Wide({
      crypto: noteCrypto,
      clock: systemClock,
      randomBytes: drawing('wide'),
      amounts: 12,
    });
    const keys = { lan: generateKeyPair('channel'), wan: generateKeyPair('channel') };
    const gateway = new Gateway({
      store: memoryRoleStore(),
      identity: wide.identity,
      seeds: [{ number: 1, seed: keyPairOf('local mint').secretKey }],
      sealingKeys: [keyPairOf('gateway sealing')],
      ...wide.clients(),
      wideKeysets: wide.keysets,
      terms: {
        ...{ organisation: 'campus', currency: CURRENCY, unit: UNIT },
        ...{ amountMin: 1n, amountMax: 1_000n, dayMax: 5_000n },
        ...{ feeBasisPoints: 0, feeFixed: 1n, returnAfterSeconds: 3_600 },
      },
      log: { info: () => {}, warn: () => {}, error: () => {} },
      amounts: 12,
    });
    const listen = (side: Side): Promise<Server> =>
      Server.listen({ engine: gateway[side], identity: gatewayServerIdentity(keys[side]) });
    return new Place(
      {
        folder: await mkdtemp(join(tmpdir(), 'specie-terminal-')),
        wide,
        gateway,
        servers: { lan: await listen('lan'), wan: await listen('wan') },
        http: await MintHttpServer.listen({ service: serviceOf(wide) }),
      },
      keys,
    );
  }

  /** Where a side's terminals find the gateway, and the key that it proves there. */
  gatewayOf(side: Side): { readonly name: string; readonly url: string; readonly key: string } {
    const { port } = this.servers[side];
    return { name: 'campus', url: `ws://127.0.0.1:${port}/v1`, key: toHex(this.#keys[side].publicKey) };
  }

  make(name: string, side: Side, more: { readonly phrase?: string } = {}): Promise<MadeTerminal> {
    return makeTerminal({
      home: join(this.folder, name),
      side,
      gateways: [this.gatewayOf(side)],
      ...(side === 'wan' && { mint: { url: this.http.url } }),
      ...more,
    });
  }

  async close(): Promise<void> {
    for (const server of [this.servers.lan, this.servers.wan]) await server.close();
    await this.http.close();
    await this.gateway.close();
    await rm(this.folder, { recursive: true });
  }
}

/** What a holder needs of Cashu's interface, over the scripted wide mint. */
function serviceOf(wide: Wide): MintService {
  const signed = new Map<string, BlindSignature>();
  const { public: keyset } = wide.keyset;
  const no = async (): Promise<never> => {
    throw refused('minting_disabled');
  };
  const sign = (outputs: readonly BlindedMessage[]): BlindSignature[] =>
    noteCrypto
      .sign(outputs.map(({ amount, blinded }) => ({ blinded, secretKey: wide.keyset.secretKey(amount)! })))
      .map((one, i) => ({ amount: outputs[i]!.amount, keysetId: keyset.id, ...one! }));
  const isValid = (notes: readonly Note[]): boolean =>
    noteCrypto
      .verify(
        notes.map(({ amount, secret, signature }) => ({
          message: new TextEncoder().encode(secret),
          signature,
          secretKey: wide.keyset.secretKey(amount)!,
        })),
      )
      .every(Boolean);
  return {
    info: async () => ({ name: 'wide', nuts: { supported: [7, 9, 12] } }),
    keys: async () => ({ keysets: [keyset] }),
    keysets: async () => ({ keysets: [keyset] }),
    swap: async ({ inputs, outputs }) => {
      if (!isValid(inputs)) throw refused('note_not_valid');
      if (!wide.swap(inputs)) throw refused('notes_spent');
      const signatures = sign(outputs);
      outputs.forEach(({ blinded }, i) => {
        signed.set(toHex(blinded), signatures[i]!);
      });
      return { signatures };
    },
    states: async ({ noteIds }) => ({
      states: noteIds.map((noteId) => ({
        noteId,
        state: wide.state.spent.has(toHex(noteId)) ? 'SPENT' : 'UNSPENT',
      })),
    }),
    restore: async ({ outputs }) => {
      const found = outputs.filter(({ blinded }) => signed.has(toHex(blinded)));
      return { outputs: found, signatures: found.map(({ blinded }) => signed.get(toHex(blinded))!) };
    },
    ...{
      openMintQuote: no,
      mintQuote: no,
      mintQuotes: no,
      mint: no,
      mintBatch: no,
      openMeltQuote: no,
      meltQuote: no,
      melt: no,
    },
  };
}
