// A slot: where one batch lives in shared memory from the socket to the disk. The events are written straight from the
// network, the kernel fills in the rest, the journal's thread reads all of it.
//
//     0            1 MiB        1 MiB + 128 KiB   + 256          2.7 MiB
//     ┌────────────┬────────────┬─────────────────┬──────────────┐
//     │ events     │ results    │ segment_ends    │ effects      │
//     └────────────┴────────────┴─────────────────┴──────────────┘
//
// Events are 128 bytes a record, of payment orders 256: 8,190 of the ones and 4,095 of the others fill their MiB.
//
// segment_ends[i]: u32, end of segment i's effects, counted from the start of `effects`.

export const SLOT_EVENTS_OFFSET: u32 = 0;
export const SLOT_RESULTS_OFFSET: u32 = 0x100000;
export const SLOT_SEGMENT_ENDS_OFFSET: u32 = 0x120000;
export const SLOT_EFFECTS_OFFSET: u32 = 0x120100;
export const SLOT_SIZE: u32 = 0x2a0100;
