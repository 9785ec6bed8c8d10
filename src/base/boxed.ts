// Numbers beyond 32 bits that are read more often than written, such as the time of a turn.
//
// V8 keeps such a number in the object itself when the field never held anything else; each time it
// is then handed to a function that is not inlined, it is copied into a fresh box of 16 bytes. A field
// that has held something else holds the box that the writer was given, and hands on the same one.
//
//   nowNs = BOXED;             // first value, in the declaration
//   constructor() { this.nowNs = 0; }
//
// Measured on a path from datagram to request: 110 bytes of garbage a request without it.

/** First value of a field whose numbers are to stay in the boxes they came in; overwritten at once. */
export const BOXED = undefined as unknown as number;
