// Comparisons with what must not be guessed: they take as long whatever is equal. That lengths differ may show.

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a[i] ^ b[i];
  return different === 0;
}

/** Takes as long as `secret` has characters, however long the other is. */
export function sameText(text: string, secret: string): boolean {
  let different = text.length ^ secret.length;
  for (let i = 0; i < secret.length; i++) different |= secret.charCodeAt(i) ^ (i < text.length ? text.charCodeAt(i) : 0);
  return different === 0;
}
