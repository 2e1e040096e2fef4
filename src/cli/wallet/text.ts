// How amounts, times and what others have named stand in the texts of `specie wallet`.
import { amountOf, formatAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { formatTimestamp } from '../files/fields.ts';

export function money(amount: bigint, currency: Currency): string {
  return `${formatAmount(amountOf(amount), currency)} ${currency.code}`;
}

/** To the second: people read it. */
export const timeText = (nanoseconds: bigint): string =>
  `${formatTimestamp(nanoseconds).slice(0, 19).replace('T', ' ')}Z`;

/** A name comes from elsewhere: nothing of it may steer a terminal. */
export const readable = (name: string): string => name.replace(/[\p{Cc}\p{Cf}]/gu, '?');
