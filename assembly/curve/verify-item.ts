// One signature to be verified: what the host lays down for the kernel, and the answer.
//
//     0          32         64         96         128        160        192                               208
//     ┌──────────┬──────────┬──────────┬──────────┬──────────┬──────────┬──────┬───────┬─────────────┬─────────┐
//     │ R        │ S        │ key      │ x        │ upper x  │ upper y  │ text │ bytes │ kind,domain │ verdict │
//     └──────────┴──────────┴──────────┴──────────┴──────────┴──────────┴──────┴───────┴─────────────┴─────────┘
//
// R, S, and key are as RFC 8032 encodes them. x and upper are there for a prepared key (prepared-key.ts).

// @ts-ignore: decorator
@unmanaged
export class VerifyItem {
  r: u64;
  r_1: u64;
  r_2: u64;
  r_3: u64;
  s: u64;
  s_1: u64;
  s_2: u64;
  s_3: u64;
  key: u64;
  key_1: u64;
  key_2: u64;
  key_3: u64;
  x: u64;
  x_1: u64;
  x_2: u64;
  x_3: u64;
  upper_x: u64;
  upper_x_1: u64;
  upper_x_2: u64;
  upper_x_3: u64;
  upper_y: u64;
  upper_y_1: u64;
  upper_y_2: u64;
  upper_y_3: u64;
  /**
   * Where the bytes are that are hashed to k: domain, 64 bytes of room for R ‖ key, message. With DIGEST the 64 bytes of
   * their SHA-512 are there instead.
   */
  text: u32;
  text_bytes: u32;
  /** PREPARED and DIGEST, or 0. */
  kind: u16;
  domain_bytes: u16;
  /** 1 when the signature is good, 0 when it is not. */
  verdict: u32;
}

export const VERIFY_ITEM_BYTES: usize = 208;

/** x and upper hold what prepareKey made of the key. */
export const PREPARED: u16 = 1;
/** The text has been hashed. */
export const DIGEST: u16 = 2;

if (offsetof<VerifyItem>() != 208) ERROR("VerifyItem must be 208 bytes");
if (offsetof<VerifyItem>("s") != 32) ERROR("VerifyItem.s must be at 32");
if (offsetof<VerifyItem>("key") != 64) ERROR("VerifyItem.key must be at 64");
if (offsetof<VerifyItem>("x") != 96) ERROR("VerifyItem.x must be at 96");
if (offsetof<VerifyItem>("upper_x") != 128) ERROR("VerifyItem.upper_x must be at 128");
if (offsetof<VerifyItem>("upper_y") != 160) ERROR("VerifyItem.upper_y must be at 160");
if (offsetof<VerifyItem>("text") != 192) ERROR("VerifyItem.text must be at 192");
if (offsetof<VerifyItem>("kind") != 200) ERROR("VerifyItem.kind must be at 200");
if (offsetof<VerifyItem>("verdict") != 204) ERROR("VerifyItem.verdict must be at 204");
