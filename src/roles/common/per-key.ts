// What a batch needs of each key that its items name, made once for each: mostly all of them name the same one.
import { equalBytes, toHex } from '../../identity/binary-text.ts';

/** @param make called once for each key id */
export function perKey<Value>(make: (keyId: Uint8Array) => Value): (keyId: Uint8Array) => Value {
  const made = new Map<string, Value>();
  let last: { readonly keyId: Uint8Array; readonly value: Value } | undefined;
  return (keyId) => {
    if (last !== undefined && equalBytes(last.keyId, keyId)) return last.value;
    const name = toHex(keyId);
    if (!made.has(name)) made.set(name, make(keyId));
    const value = made.get(name) as Value;
    last = { keyId, value };
    return value;
  };
}
