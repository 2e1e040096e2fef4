export { hpkeOpenBatch, hpkeRecipientKeys, hpkeSealBatch, hpkeSenderKeys } from "./hpke";
