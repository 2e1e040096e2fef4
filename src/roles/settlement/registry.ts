// What settlement's store holds, read:
//
//     requests     id ▶ record of a charge            kept by the runner, for ever
//                  derived id ▶ record of a reversal
//     reversals    id of the charge ▶ reason          written with the reversal
//
// A transaction sees what is not flushed yet; outside one, only what is.

import type { Codec } from '../../shared/codec.ts';
import type { StoreReads } from '../../store/store.ts';
import { decodeRecord, type StoredRequest } from '../flow/record.ts';
import { idsIn, REQUESTS_TABLE } from '../flow/request-ids.ts';
import {
  CHARGE_KIND,
  ChargeState,
  REVERSAL_KIND,
  REVERSALS_TABLE,
  ReversalReason,
  ReversalState,
} from './flow.ts';
import { RESERVED_IDS_FROM, reversalId } from './reversal-id.ts';

export interface Stored<State> {
  readonly record: StoredRequest;
  readonly state: State;
}

/** @throws StoreError store_corrupt */
export function storedCharge(reads: StoreReads, request: bigint): Stored<ChargeState> | undefined {
  return stored(reads, request, CHARGE_KIND, ChargeState);
}

/** @throws StoreError store_corrupt */
export function storedReversal(reads: StoreReads, request: bigint): Stored<ReversalState> | undefined {
  return stored(reads, reversalId(request), REVERSAL_KIND, ReversalState);
}

/** Why the charge is to be reversed; undefined: no reversal is here. */
export function reversalReason(reads: StoreReads, request: bigint): string | undefined {
  const bytes = reads.get(REVERSALS_TABLE, request);
  return bytes === undefined ? undefined : ReversalReason.decode(bytes);
}

/** Request ids that a charge, or a reversal of one, is here for: the first `limit` after that one, in their order. */
export function requestIds(reads: StoreReads, after: bigint | undefined, limit: number): bigint[] {
  const from = after === undefined ? 0n : after + 1n;
  if (from >= RESERVED_IDS_FROM) return [];
  const bounds = { from, to: RESERVED_IDS_FROM, limit };
  const charges = idsIn(reads, REQUESTS_TABLE, bounds);
  const reversals = idsIn(reads, REVERSALS_TABLE, bounds);
  return [...new Set([...charges, ...reversals])].sort(ascending).slice(0, limit);
}

function stored<State>(
  reads: StoreReads,
  id: bigint,
  kind: number,
  codec: Codec<State>,
): Stored<State> | undefined {
  const bytes = reads.get(REQUESTS_TABLE, id);
  if (bytes === undefined) return undefined;
  const record = decodeRecord(id, bytes);
  return record.kind === kind ? { record, state: codec.decode(record.state) } : undefined;
}

const ascending = (left: bigint, right: bigint): number => (left < right ? -1 : left > right ? 1 : 0);
