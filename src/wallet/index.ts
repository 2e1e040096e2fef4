// specie/wallet: a wallet on Node. docs/wallet.md shows how.
export * from './core/index.ts';
export { nodeClock } from './node/clock.ts';
export { nodeCrypto } from './node/crypto.ts';
export { passphraseProtection } from './node/passphrase.ts';
export { dialPeer, PEER_PATH, PeerListener, type PeerListenerOptions } from './node/peer-link.ts';
export { readDirectory } from './node/read-directory.ts';
export { WalletStore, type WalletStoreOptions } from './node/storage.ts';
export { channelTransport, type TransportOptions } from './node/transport.ts';
