// Copying payloads without an object for each.

/** From here on the machine's own copy pays for the view of 100 bytes that it takes. */
const COPY_BY_VIEW_BYTES = 4096;

/** `length` bytes from `source` to `target`, which do not overlap. */
export function copyBytes(
  source: Uint8Array,
  sourceAt: number,
  target: Uint8Array,
  targetAt: number,
  length: number,
): void {
  if (length > COPY_BY_VIEW_BYTES) {
    target.set(source.subarray(sourceAt, sourceAt + length), targetAt);
    return;
  }
  for (let i = 0; i < length; i++) target[targetAt + i] = source[sourceAt + i];
}
