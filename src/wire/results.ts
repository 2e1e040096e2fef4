// What became of each record of a batch, as an object.
import {
  type CreateAccountStatusName,
  CreateAccountStatusNames,
  CreateResultLayout,
  type CreateTransferStatusName,
  CreateTransferStatusNames,
  type SetOrderTermsStatusName,
  SetOrderTermsStatusNames,
} from '../layout/generated.ts';
import { viewOf } from './frame.ts';

export interface CreateResult<Status extends string> {
  /** Nanoseconds: of the record when created, of the existing one when it exists, else when it was validated. */
  timestamp: bigint;
  /** 'unknown': a newer server's status; its number is in `code`. */
  status: Status | 'unknown';
  code: number;
}

export type CreateAccountResult = CreateResult<CreateAccountStatusName>;
export type CreateTransferResult = CreateResult<CreateTransferStatusName>;
export type SetOrderTermsResult = CreateResult<SetOrderTermsStatusName>;

export function readCreateAccountResults(packed: Uint8Array): CreateAccountResult[] {
  return readResults(packed, CreateAccountStatusNames);
}

export function readCreateTransferResults(packed: Uint8Array): CreateTransferResult[] {
  return readResults(packed, CreateTransferStatusNames);
}

export function readSetOrderTermsResults(packed: Uint8Array): SetOrderTermsResult[] {
  return readResults(packed, SetOrderTermsStatusNames);
}

function readResults<Status extends string>(
  packed: Uint8Array,
  names: ReadonlyMap<number, Status>,
): CreateResult<Status>[] {
  const view = viewOf(packed);
  const results: CreateResult<Status>[] = new Array(packed.length / CreateResultLayout.size);
  for (let i = 0; i < results.length; i++) {
    const at = i * CreateResultLayout.size;
    const code = view.getUint32(at + CreateResultLayout.status, true);
    results[i] = {
      timestamp: view.getBigUint64(at + CreateResultLayout.timestamp, true),
      status: names.get(code) ?? 'unknown',
      code,
    };
  }
  return results;
}
