// The packets of a signed log-in on `soup`, and the text that is signed: how a client shows that it has
// a key without ever saying it.
//
//   exchange ─► client   U: C, nonce            random, for one log-in on one connection
//   client ─► exchange   U: S, key id, time, HMAC-SHA256(key, nonce · user · time · next sequence)
//   client ─► exchange   L: user, no password, session, next sequence
//
// A signature that was heard is worth nothing: the next connection has another nonce, and with this
// one it serves one user who asks for one sequence. What it does not do is protect what is said
// afterwards; who may read or change the bytes between the two still can.
//
// Cold code: once a connection. The hash is handed in, for it is not this folder's business.
import {
  SoupChallenge,
  SoupHeader,
  SoupPacket,
  SoupSignature,
  SoupSigned,
  SoupSignedText,
} from '../generated/soup.ts';
import { writeSoupHeader } from './soup.ts';

export const NONCE_BYTES = SoupSignedText.width.nonce;
export const SIGNATURE_BYTES = SoupSignature.width.signature;
/** How far a client's clock may be from that of who checks it; a nonce is good for one log-in anyway. */
export const SIGNATURE_AGE_MAX_MS = 30_000;
export const KEY_ID_CHARS_MAX = SoupSignature.width.keyId;
const USER_CHARS_MAX = SoupSignedText.width.user;

/** HMAC-SHA256: 32 bytes. */
export type Hmac = (key: Uint8Array, text: Uint8Array) => Uint8Array;

/** What a client signs with. The key itself stays with whoever made this. */
export interface LoginSigner {
  /** At most 8 printable ASCII characters. */
  readonly keyId: string;
  /** The HMAC-SHA256 of the text with the key. */
  sign(text: Uint8Array): Uint8Array;
  /** Milliseconds since 1970. */
  wallClockMs(): number;
}

/** What came in a SoupSignature. */
export interface LoginProof {
  readonly keyId: string;
  readonly timeMs: number;
  readonly signature: Uint8Array;
}

/** The 38 bytes that are signed. */
export function signedText(
  nonce: Uint8Array,
  user: string,
  timeMs: number,
  nextSequence: number,
): Uint8Array {
  if (nonce.length !== NONCE_BYTES)
    throw new RangeError(`nonce: expected ${NONCE_BYTES} bytes, was ${nonce.length}`);
  if (user.length > USER_CHARS_MAX)
    throw new RangeError(`user: expected at most ${USER_CHARS_MAX} characters, was "${user}"`);
  const text = new Uint8Array(SoupSignedText.bytes);
  const view = new DataView(text.buffer);
  text.set(nonce, SoupSignedText.offset.nonce);
  SoupSignedText.setUser(view, 0, user);
  SoupSignedText.setTimeBig(view, 0, BigInt(timeMs));
  SoupSignedText.setNextSequenceBig(view, 0, BigInt(nextSequence));
  return text;
}

/** Returns its bytes. */
export function writeChallenge(view: DataView, at: number, nonce: Uint8Array): number {
  writeSoupHeader(view, at, SoupPacket.Unsequenced, SoupChallenge.bytes - SoupHeader.bytes);
  SoupChallenge.setKind(view, at, SoupSigned.Challenge);
  for (let i = 0; i < NONCE_BYTES; i++)
    view.setUint8(at + SoupChallenge.offset.nonce + i, nonce[i]);
  return SoupChallenge.bytes;
}

/** The nonce of a `U` packet's payload; null: it is no challenge. */
export function readChallenge(
  view: DataView,
  payload: number,
  payloadBytes: number,
): Uint8Array | null {
  if (payloadBytes !== SoupChallenge.bytes - SoupHeader.bytes) return null;
  const at = payload - SoupHeader.bytes;
  if (SoupChallenge.kind(view, at) !== SoupSigned.Challenge) return null;
  return bytesOf(view, at + SoupChallenge.offset.nonce, NONCE_BYTES);
}

/** Returns its bytes. */
export function writeSignature(view: DataView, at: number, proof: LoginProof): number {
  writeSoupHeader(view, at, SoupPacket.Unsequenced, SoupSignature.bytes - SoupHeader.bytes);
  SoupSignature.setKind(view, at, SoupSigned.Signature);
  SoupSignature.setKeyId(view, at, proof.keyId);
  SoupSignature.setTimeBig(view, at, BigInt(proof.timeMs));
  for (let i = 0; i < SIGNATURE_BYTES; i++)
    view.setUint8(at + SoupSignature.offset.signature + i, proof.signature[i]);
  return SoupSignature.bytes;
}

/** What a `U` packet's payload proves; null: it is no signature. Times beyond 2^53 come out rounded. */
export function readSignature(
  view: DataView,
  payload: number,
  payloadBytes: number,
): LoginProof | null {
  if (payloadBytes !== SoupSignature.bytes - SoupHeader.bytes) return null;
  const at = payload - SoupHeader.bytes;
  if (SoupSignature.kind(view, at) !== SoupSigned.Signature) return null;
  return {
    keyId: SoupSignature.keyId(view, at),
    timeMs: Number(SoupSignature.timeBig(view, at)),
    signature: bytesOf(view, at + SoupSignature.offset.signature, SIGNATURE_BYTES),
  };
}

/** A copy: the packet's place is taken by the next. */
function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = view.getUint8(at + i);
  return bytes;
}
