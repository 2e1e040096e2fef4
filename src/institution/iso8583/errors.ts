export type Iso8583ErrorCode =
  /** The bytes end before the message does. */
  | 'truncated'
  /** The message ends before the bytes do. */
  | 'trailing_bytes'
  /** The message type is not four digits of version 0. */
  | 'bad_type'
  /** A bitmap names a data element that this dialect has no format for, so that its end cannot be known. */
  | 'unknown_element'
  /** A length that is not a number, or not one that the data element may have. */
  | 'bad_length'
  /** A character outside the data element's set. */
  | 'bad_character'
  /** A frame whose length no message can have. */
  | 'bad_frame';

/** What is wrong with a message. Values never go into the message: they may be account numbers. */
export class Iso8583Error extends Error {
  override readonly name = 'Iso8583Error';
  readonly code: Iso8583ErrorCode;
  /** The data element, where one is to blame. */
  readonly element: number | undefined;

  constructor(code: Iso8583ErrorCode, message: string, element?: number) {
    super(element === undefined ? message : `DE ${element}: ${message}`);
    this.code = code;
    this.element = element;
  }
}
