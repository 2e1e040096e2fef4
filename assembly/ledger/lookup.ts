// Reading accounts by id.

import { RECORD_SIZE } from "../layout";
import { accountFind } from "./account-index";
import { deviceFind } from "./device";
import { accountRow } from "./table";

/** Copies the accounts of `count` ids (16 bytes each) that exist to `out`, in order; returns their number. */
export function lookupAccounts(ids: usize, count: u32, out: usize): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i += 1) {
    const slot = accountFind(load<u64>(ids + i * 16), load<u64>(ids + i * 16, 8));
    if (slot < 0) continue;
    memory.copy(out + found * RECORD_SIZE, accountRow(slot), RECORD_SIZE);
    found += 1;
  }
  return found;
}

/** The account's row, -1 if there is none. */
export function accountSlot(idLo: u64, idHi: u64): i32 {
  return accountFind(idLo, idHi);
}

/** The row of the account's payment orders, -1 if it has had neither orders nor terms. */
export function deviceSlot(idLo: u64, idHi: u64): i32 {
  const slot = accountFind(idLo, idHi);
  return slot < 0 ? -1 : deviceFind(slot);
}
