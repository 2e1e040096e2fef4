// The one Globals record of the kernel, at a fixed address. The host copies it when a snapshot begins and writes it
// back before `loadFinish`.

import { Globals } from "../layout";

const GLOBALS: usize = memory.data(88, 64);

// @ts-ignore: decorator
@inline
export function globals(): usize {
  return GLOBALS;
}

if (offsetof<Globals>() != 88) ERROR("memory.data above must have the size of Globals");
