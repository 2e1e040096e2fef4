export { chacha20, chachaBlock, chachaState } from "./chacha20";
export { poly1305 } from "./poly1305";
export {
  aeadAad,
  aeadAadEnd,
  aeadAuthenticate,
  aeadContextBytes,
  aeadDecrypt,
  aeadEncrypt,
  aeadItemBytes,
  aeadOpen,
  aeadOpenBatch,
  aeadSeal,
  aeadSealBatch,
  aeadStart,
  aeadTag,
  aeadVerify,
} from "./aead";
