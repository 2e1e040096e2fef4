// What the host lays down for the kernels of blind notes, one record an item, and the answers in them. Points are encoded in
// 33 bytes, scalars are 32 bytes, big-endian, from 1 to n - 1: the host has looked. A verdict is written by the kernel: 1 if
// the answer stands, or the item is good, else 0.
//
//     BlindItem, 88 bytes     0                8                40              73    76       80
//                             ┌────────────────┬────────────────┬───────────────┬─────┬────────┬────────┐
//                             │ text           │ scalar         │ point         │     │ verdict│        │
//                             └────────────────┴────────────────┴───────────────┴─────┴────────┴────────┘
//     SignItem, 144 bytes     0                33   36          40              73    76       80      112     144
//                             ┌────────────────┬────┬───────────┬───────────────┬─────┬────────┬───────┬───────┐
//                             │ B'             │    │ key       │ C'            │     │ verdict│ e     │ s     │
//                             └────────────────┴────┴───────────┴───────────────┴─────┴────────┴───────┴───────┘
//     UnblindItem, 152 bytes  0                33               40              73    76       80      112     152
//                             ┌────────────────┬────────────────┬───────────────┬─────┬────────┬───────┬───────┐
//                             │ C'             │                │ K             │     │ verdict│ r     │ C     │
//                             └────────────────┴────────────────┴───────────────┴─────┴────────┴───────┴───────┘
//     VerifyItem, 56 bytes    0                8                41   44          48       52
//                             ┌────────────────┬────────────────┬────┬───────────┬────────┬─────────────┐
//                             │ text           │ C              │    │ key       │ verdict│             │
//                             └────────────────┴────────────────┴────┴───────────┴────────┴─────────────┘
//     DleqItem, 184 bytes     0                33 or 8, r       40              73    76       80    113 120   152   184
//                             ┌────────────────┬────────────────┬───────────────┬─────┬────────┬───────┬─────┬─────┐
//                             │ B', or text    │                │ C', or C      │     │ verdict│ K     │ e   │ s   │
//                             └────────────────┴────────────────┴───────────────┴─────┴────────┴───────┴─────┴─────┘
//
// text: where "Secp256k1_HashToCurve_Cashu_" ‖ message lies, and how many bytes it has. key: which of the keys, 32 bytes each,
// that the call is given.

// @ts-ignore: decorator
@unmanaged
export class NoteText {
  address: u32;
  bytes: u32;
}

if (offsetof<NoteText>() != 8) ERROR("NoteText must be 8 bytes");

export const BLIND_ITEM_BYTES: usize = 88;
export const BLIND_SCALAR: usize = 8;
export const BLIND_POINT: usize = 40;
export const BLIND_VERDICT: usize = 76;

export const SIGN_ITEM_BYTES: usize = 144;
export const SIGN_KEY: usize = 36;
export const SIGN_SIGNATURE: usize = 40;
export const SIGN_VERDICT: usize = 76;
export const SIGN_E: usize = 80;
export const SIGN_S: usize = 112;

export const UNBLIND_ITEM_BYTES: usize = 152;
export const UNBLIND_KEY: usize = 40;
export const UNBLIND_VERDICT: usize = 76;
export const UNBLIND_SCALAR: usize = 80;
export const UNBLIND_RESULT: usize = 112;

export const NOTE_ITEM_BYTES: usize = 56;
export const NOTE_SIGNATURE: usize = 8;
export const NOTE_KEY: usize = 44;
export const NOTE_VERDICT: usize = 48;

export const DLEQ_ITEM_BYTES: usize = 184;
export const DLEQ_SCALAR: usize = 8;
export const DLEQ_SIGNATURE: usize = 40;
export const DLEQ_VERDICT: usize = 76;
export const DLEQ_KEY: usize = 80;
export const DLEQ_E: usize = 120;
export const DLEQ_S: usize = 152;

/** Items whose points are kept until one inversion has served them all; then it costs each less than a hundredth. */
export const CHUNK: usize = 64;
