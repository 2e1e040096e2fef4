// What became of one record of a batch.
//
//     0           8       12      16
//     ┌───────────┬───────┬───────┐
//     │ timestamp │status │effect │
//     └───────────┴───────┴───────┘
//
// timestamp: of the record when created; of the existing record when it exists; else the time it was validated at.
// effect:    inside the engine, where in its segment the record's effect starts (0: it has none); on the wire always 0.

// @ts-ignore: decorator
@unmanaged
export class CreateResult {
  timestamp: u64;
  status: u32;
  effect: u32;
}

if (offsetof<CreateResult>() != 16) ERROR("CreateResult must be 16 bytes");
if (offsetof<CreateResult>("status") != 8) ERROR("CreateResult.status must be at 8");
