// What several messages have in common.

export interface Account {
  readonly scheme: 'iban' | 'other';
  /** The IBAN, or another number of up to 34 characters. */
  readonly id: string;
  /** ISO 4217 code, where an account's number alone does not say which account. */
  readonly currency?: string;
}

export interface Party {
  readonly name?: string;
}

/** A bank. */
export interface Agent {
  readonly bic?: string;
  /** Its number in a national clearing system. */
  readonly memberId?: string;
  readonly name?: string;
}

export interface Money {
  /** Minor units. */
  readonly amount: bigint;
  /** ISO 4217 code. */
  readonly currency: string;
}

/** Why something was rejected or returned: a code of reason-codes.ts or a later one, or the bank's own. */
export interface Reason {
  readonly code?: string;
  readonly proprietary?: string;
  readonly information?: string;
}

/** How a transaction is named, by who sent it. */
export interface References {
  readonly instructionId?: string;
  readonly endToEndId?: string;
  /** Unique in the world: a UUID of version 4. */
  readonly uetr?: string;
}

/** What an EndToEndId says where there is none. */
export const NOT_PROVIDED = 'NOTPROVIDED';
