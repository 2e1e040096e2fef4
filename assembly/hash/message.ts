// One of many messages to hash: where it is.
//
//     0         4         8
//     ┌─────────┬─────────┐
//     │ address │ bytes   │
//     └─────────┴─────────┘

// @ts-ignore: decorator
@unmanaged
export class HashMessage {
  address: u32;
  bytes: u32;
}

export const HASH_MESSAGE_BYTES: usize = 8;

if (offsetof<HashMessage>() != 8) ERROR("HashMessage must be 8 bytes");
if (offsetof<HashMessage>("bytes") != 4) ERROR("HashMessage.bytes must be at 4");
