// The cryptographic kernels: one module, built twice (scripts/build-wasm.mjs), with relaxed SIMD and without any SIMD.
// Each family's index names what it exports; src/kernel/crypto-exports.ts is the other side.
export { initialise } from "./initialise";
export { wipe } from "../memory/bytes";
export { staticEnd, workspaceRoom } from "../memory/workspace";
export * from "../field/index";
export * from "../seal/index";
export * from "../hash/index";
export * from "../cipher/index";
export * from "../curve/index";
export * from "../secp256k1/index";
