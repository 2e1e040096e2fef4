// Entry of build/runs.wasm: sorts and merges runs of the index of transfer ids in the store worker.
export { allocate } from "../memory/arena";
