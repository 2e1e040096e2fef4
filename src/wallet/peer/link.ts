// What a medium has to offer so that two wallets can talk over it. node/peer-link.ts has one over WebSocket; a camera and a
// screen, NFC or Bluetooth make others.

/**
 * Carries pieces both ways, in order. What it does not hold: that a piece is unchanged, comes once, or comes at all; frames
 * and channel find out, and the session resumes another time.
 */
export interface PeerLink {
  /** Bytes of a piece that it sends, PIECE_BYTES_MIN to PIECE_BYTES_MAX. */
  readonly pieceBytesMax: number;
  /** Whether the other side may still be there. */
  readonly isOpen: boolean;
  /** Resolves when the medium has taken it; when it is gone, it may never resolve. */
  send(piece: Uint8Array): Promise<void>;
  /** The next piece, in a buffer of its own; undefined: no more will come. One call at a time. */
  receive(): Promise<Uint8Array | undefined>;
  /** Ends both directions; a receive() that waits resolves with undefined. May be called again. */
  close(): void;
}
