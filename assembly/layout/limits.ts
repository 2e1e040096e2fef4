// Every bound of the ledger in one place.

// Records in one batch. 8,190 records of 128 bytes are a message of just under 1 MiB; a record's place in its batch
// then fits 13 bits (see REF_INDEX_BITS). Beyond: the whole request is refused with `too_many_records`.
export const BATCH_RECORDS_MAX: u32 = 8190;

// Of every record but a payment order.
export const RECORD_SIZE: u32 = 128;

// A ref names one journaled record for ever: op << 13 | index in the batch.
export const REF_INDEX_BITS: u32 = 13;

// Last operation number: a ref stays an exact JavaScript number (below 2^53). Ten thousand operations a second for three
// years, a thousand for thirty; the journal refuses more.
export const OP_MAX: u64 = 0xffffffffff;

// Bytes of a ref in an effect: 40 bits of operation, 13 of index.
export const REF_SIZE: u32 = 7;

// Records in one segment of a journal entry: what a reader of a single record has to load, and what one checksum
// covers. 256 records are about 46 KB (of payment orders 80 KB), 5 µs to copy; fewer make more LMDB puts a batch.
export const SEGMENT_RECORDS_MAX: u32 = 256;

// Longest effect of one event: a control word, two chains of three 7-byte refs, eight balances of 16 bytes, two flags.
export const EFFECT_SIZE_MAX: u32 = 192;

// Timestamps are nanoseconds in a signed 64-bit range, so that every language can hold them.
export const TIMESTAMP_MAX: u64 = 0x7fffffffffffffff;
