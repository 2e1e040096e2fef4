// What a terminal needs of the world around it. Node brings it in src/terminal/node.
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import type { MintService } from '../mint/service.ts';
import type { NoteSecret } from '../notes/secrets.ts';
import type { AnswerOf, RequestOf } from '../roles/common/operation.ts';
import type { CallResult } from '../roles/common/role-client.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import type { GatewayOperations, Side } from '../roles/gateway/messages.ts';
import type { SetTimer } from '../shared/timer.ts';
import type { RoleStore } from '../store/store.ts';

/** A channel to a gateway, under this terminal's key (`RoleClient` is one). */
export interface GatewayCalls {
  call<Name extends keyof GatewayOperations>(
    name: Name,
    message: RequestOf<GatewayOperations[Name]>,
  ): Promise<CallResult<AnswerOf<GatewayOperations[Name]>, GatewayRefusal>>;
}

export interface KnownGateway {
  readonly name: string;
  /** X25519: of its channels, pinned. */
  readonly key: Uint8Array;
  readonly calls: GatewayCalls;
}

/** NUT-13: the secrets of a keyset, by their numbers. */
export interface SecretsByNumber {
  derive(keysetId: string, from: number, count: number): NoteSecret[];
}

export interface TerminalKeys {
  readonly channel: { readonly publicKey: Uint8Array };
  readonly sealing: { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
}

export interface TerminalTimes {
  /** How long a call waits for an end unless told otherwise. 60 s. */
  readonly patienceMs: number;
  /** First and longest pause before the same is asked again. 100 ms and 2 s. */
  readonly pauseFirstMs: number;
  readonly pauseLastMs: number;
}

export type TerminalEvent =
  /** Written down; from now on it can be resumed. */
  | { readonly type: 'prepared'; readonly operation: bigint; readonly what: string }
  | { readonly type: 'state'; readonly operation: bigint; readonly state: string }
  | {
      readonly type: 'waiting';
      readonly operation: bigint;
      readonly reason: string;
      readonly pauseMs: number;
    };

export interface TerminalOptions {
  readonly side: Side;
  /** Of ISO 4217, or an operator's. */
  readonly currency: { readonly ledger: number; readonly code: string };
  readonly store: RoleStore;
  readonly keys: TerminalKeys;
  readonly secrets: SecretsByNumber;
  /** On the LAN one; on the WAN those that it knows, the first one being used where none is named. */
  readonly gateways: readonly KnownGateway[];
  /** `MintClient` over a channel or HTTP, or a mint of this process. */
  readonly mint: MintService;
  /** What tokens name as their mint; left out: what the mint says of itself. */
  readonly mintAddress?: string | undefined;
  readonly crypto: NoteCrypto;
  /** Nanoseconds since the Unix epoch. */
  readonly clock: () => bigint;
  readonly setTimer?: SetTimer;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly times?: Partial<TerminalTimes>;
  /** Must not throw. */
  readonly onEvent?: (event: TerminalEvent) => void;
}
