// Setting what an account's payment orders have to keep to: every rule, in order of precedence.

import { DeviceRow, ORDER_TERMS_FLAGS_RESERVED, OrderTerms, SetOrderTermsStatus } from "../layout";
import { accountFind } from "./account-index";
import { eventAt } from "./batch";
import { deviceOf } from "./device";

const RESERVED_WORDS_END: usize = offsetof<OrderTerms>("reserved_8");

/**
 * Sets the terms in event `index`; returns its SetOrderTermsStatus. `wasSet`: a replay, in which they were set then and
 * carry their timestamp.
 */
export function setTerms(index: u32, timestamp: u64, wasSet: bool): i32 {
  const terms = changetype<OrderTerms>(eventAt(index));
  if (terms.timestamp != 0 && !wasSet) return SetOrderTermsStatus.timestamp_must_be_zero;
  if (hasReserved(terms)) return SetOrderTermsStatus.reserved_field;
  if ((<u32>terms.flags & ORDER_TERMS_FLAGS_RESERVED) != 0) return SetOrderTermsStatus.reserved_flag;
  if ((terms.account_id_lo | terms.account_id_hi) == 0) return SetOrderTermsStatus.account_id_must_not_be_zero;
  if ((terms.account_id_lo & terms.account_id_hi) == u64.MAX_VALUE) {
    return SetOrderTermsStatus.account_id_must_not_be_int_max;
  }
  const accountSlot = accountFind(terms.account_id_lo, terms.account_id_hi);
  if (accountSlot < 0) return SetOrderTermsStatus.account_not_found;

  terms.timestamp = timestamp;
  const device = changetype<DeviceRow>(deviceOf(accountSlot));
  device.flags = terms.flags;
  device.payment_max_lo = terms.payment_max_lo;
  device.payment_max_hi = terms.payment_max_hi;
  device.day_max_lo = terms.day_max_lo;
  device.day_max_hi = terms.day_max_hi;
  device.terms_timestamp = timestamp;
  return SetOrderTermsStatus.set;
}

function hasReserved(terms: OrderTerms): bool {
  let any: u64 = <u64>terms.reserved_8 | <u64>terms.reserved_9;
  const start = changetype<usize>(terms);
  for (let at = offsetof<OrderTerms>("reserved_0"); at < RESERVED_WORDS_END; at += 8) any |= load<u64>(start + at);
  return any != 0;
}
