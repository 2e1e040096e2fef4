// The index alone as a module, for its tests: the ledger's module without the ledger.
export * from "../../../assembly/index/ids";
export { allocate } from "../../../assembly/memory/arena";
