// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// SoupBinTCP 4.1 packets. Big-endian; text in ASCII.
// 64-bit fields are two unsigned halves (`priceLo`, `priceHi`, `setPrice(view, at, lo, hi)`): nothing is
// allocated. `priceBig` and `setPriceBig`, `read` and `write` are for cold code.

import { readDigits, readHex, readText, writeDigits, writeHex, writeTextLeft, writeTextRight } from '../ascii.ts';

/** Packet types, ASCII. */
export const SoupPacket = {
  LoginAccepted: 0x41, // `A`, from the exchange
  LoginRejected: 0x4a, // `J`, from the exchange
  Sequenced: 0x53, // `S`, from the exchange: a response, counted from 1
  ServerHeartbeat: 0x48, // `H`, from the exchange
  EndOfSession: 0x5a, // `Z`, from the exchange
  LoginRequest: 0x4c, // `L`, from the client
  ClientHeartbeat: 0x52, // `R`, from the client
  LogoutRequest: 0x4f, // `O`, from the client
  Unsequenced: 0x55, // `U`: a request; from the exchange a message outside of the sequence
  Debug: 0x2b, // `+`, text for people, from either side
} as const;
export type SoupPacket = (typeof SoupPacket)[keyof typeof SoupPacket];

/** Why a log-in was refused, ASCII. */
export const SoupRejectCode = {
  NotAuthorised: 0x41, // `A`: user, password or signature
  SessionNotAvailable: 0x53, // `S`
} as const;
export type SoupRejectCode = (typeof SoupRejectCode)[keyof typeof SoupRejectCode];

/** First byte of the `U` packets of a signed log-in, ASCII. */
export const SoupSigned = {
  Challenge: 0x43, // `C`, from the exchange
  Signature: 0x53, // `S`, from the client
} as const;
export type SoupSigned = (typeof SoupSigned)[keyof typeof SoupSigned];

/** Fields of a SoupHeader as an object, for cold code. */
export interface SoupHeaderFields {
  length: number;
  type: number;
}

/** Begins every packet; the message of `S` and `U` packets and the text of `+` stand behind it. 3 bytes. */
export const SoupHeader = {
  bytes: 3,
  offset: {
    length: 0, type: 2,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    length: number, type: number,
  ): void {
    view.setUint16(at, length, false);
    view.setUint8(at + 2, type);
  },

  read(view: DataView, at: number): SoupHeaderFields {
    return {
      length: SoupHeader.length(view, at),
      type: SoupHeader.type(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupHeaderFields): void {
    SoupHeader.setLength(view, at, fields.length);
    SoupHeader.setType(view, at, fields.type);
  },
} as const;

/** Fields of a SoupLoginRequest30 as an object, for cold code. */
export interface SoupLoginRequest30Fields {
  length: number;
  type: number;
  user: string;
  password: string;
  session: string;
  nextSequence: number;
}

/** Client to exchange, `L`, as in version 3.0: without a heartbeat time. 49 bytes. */
export const SoupLoginRequest30 = {
  bytes: 49,
  offset: {
    length: 0, type: 2, user: 3, password: 9, session: 19, nextSequence: 29,
  },
  width: {
    user: 6, password: 10, session: 10, nextSequence: 20,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** account */
  user(view: DataView, at: number): string {
    return readText(view, at + 3, 6);
  },
  setUser(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 3, 6, value);
  },

  password(view: DataView, at: number): string {
    return readText(view, at + 9, 10);
  },
  setPassword(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 9, 10, value);
  },

  /** session wanted; spaces = the current one */
  session(view: DataView, at: number): string {
    return readText(view, at + 19, 10);
  },
  setSession(view: DataView, at: number, value: string): void {
    writeTextRight(view, at + 19, 10, value);
  },

  /** first `S` packet wanted; 0 = only what comes from now on */
  nextSequence(view: DataView, at: number): number {
    return readDigits(view, at + 29, 20);
  },
  setNextSequence(view: DataView, at: number, value: number): void {
    writeDigits(view, at + 29, 20, value);
  },

  read(view: DataView, at: number): SoupLoginRequest30Fields {
    return {
      length: SoupLoginRequest30.length(view, at),
      type: SoupLoginRequest30.type(view, at),
      user: SoupLoginRequest30.user(view, at),
      password: SoupLoginRequest30.password(view, at),
      session: SoupLoginRequest30.session(view, at),
      nextSequence: SoupLoginRequest30.nextSequence(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupLoginRequest30Fields): void {
    SoupLoginRequest30.setLength(view, at, fields.length);
    SoupLoginRequest30.setType(view, at, fields.type);
    SoupLoginRequest30.setUser(view, at, fields.user);
    SoupLoginRequest30.setPassword(view, at, fields.password);
    SoupLoginRequest30.setSession(view, at, fields.session);
    SoupLoginRequest30.setNextSequence(view, at, fields.nextSequence);
  },
} as const;

/** Fields of a SoupLoginRequest as an object, for cold code. */
export interface SoupLoginRequestFields {
  length: number;
  type: number;
  user: string;
  password: string;
  session: string;
  nextSequence: number;
  heartbeatMs: number;
}

/** Client to exchange, `L`, version 4.1. 54 bytes. */
export const SoupLoginRequest = {
  bytes: 54,
  offset: {
    length: 0, type: 2, user: 3, password: 9, session: 19, nextSequence: 29, heartbeatMs: 49,
  },
  width: {
    user: 6, password: 10, session: 10, nextSequence: 20, heartbeatMs: 5,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** account */
  user(view: DataView, at: number): string {
    return readText(view, at + 3, 6);
  },
  setUser(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 3, 6, value);
  },

  password(view: DataView, at: number): string {
    return readText(view, at + 9, 10);
  },
  setPassword(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 9, 10, value);
  },

  /** session wanted; spaces = the current one */
  session(view: DataView, at: number): string {
    return readText(view, at + 19, 10);
  },
  setSession(view: DataView, at: number, value: string): void {
    writeTextRight(view, at + 19, 10, value);
  },

  /** first `S` packet wanted; 0 = only what comes from now on */
  nextSequence(view: DataView, at: number): number {
    return readDigits(view, at + 29, 20);
  },
  setNextSequence(view: DataView, at: number, value: number): void {
    writeDigits(view, at + 29, 20, value);
  },

  /** silence in milliseconds after which the client counts the session as lost */
  heartbeatMs(view: DataView, at: number): number {
    return readDigits(view, at + 49, 5);
  },
  setHeartbeatMs(view: DataView, at: number, value: number): void {
    writeDigits(view, at + 49, 5, value);
  },

  read(view: DataView, at: number): SoupLoginRequestFields {
    return {
      length: SoupLoginRequest.length(view, at),
      type: SoupLoginRequest.type(view, at),
      user: SoupLoginRequest.user(view, at),
      password: SoupLoginRequest.password(view, at),
      session: SoupLoginRequest.session(view, at),
      nextSequence: SoupLoginRequest.nextSequence(view, at),
      heartbeatMs: SoupLoginRequest.heartbeatMs(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupLoginRequestFields): void {
    SoupLoginRequest.setLength(view, at, fields.length);
    SoupLoginRequest.setType(view, at, fields.type);
    SoupLoginRequest.setUser(view, at, fields.user);
    SoupLoginRequest.setPassword(view, at, fields.password);
    SoupLoginRequest.setSession(view, at, fields.session);
    SoupLoginRequest.setNextSequence(view, at, fields.nextSequence);
    SoupLoginRequest.setHeartbeatMs(view, at, fields.heartbeatMs);
  },
} as const;

/** Fields of a SoupLoginAccepted as an object, for cold code. */
export interface SoupLoginAcceptedFields {
  length: number;
  type: number;
  session: string;
  nextSequence: number;
}

/** Exchange to client, `A`. 33 bytes. */
export const SoupLoginAccepted = {
  bytes: 33,
  offset: {
    length: 0, type: 2, session: 3, nextSequence: 13,
  },
  width: {
    session: 10, nextSequence: 20,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** name of the session */
  session(view: DataView, at: number): string {
    return readText(view, at + 3, 10);
  },
  setSession(view: DataView, at: number, value: string): void {
    writeTextRight(view, at + 3, 10, value);
  },

  /** number of the next `S` packet */
  nextSequence(view: DataView, at: number): number {
    return readDigits(view, at + 13, 20);
  },
  setNextSequence(view: DataView, at: number, value: number): void {
    writeDigits(view, at + 13, 20, value);
  },

  read(view: DataView, at: number): SoupLoginAcceptedFields {
    return {
      length: SoupLoginAccepted.length(view, at),
      type: SoupLoginAccepted.type(view, at),
      session: SoupLoginAccepted.session(view, at),
      nextSequence: SoupLoginAccepted.nextSequence(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupLoginAcceptedFields): void {
    SoupLoginAccepted.setLength(view, at, fields.length);
    SoupLoginAccepted.setType(view, at, fields.type);
    SoupLoginAccepted.setSession(view, at, fields.session);
    SoupLoginAccepted.setNextSequence(view, at, fields.nextSequence);
  },
} as const;

/** Fields of a SoupLoginRejected as an object, for cold code. */
export interface SoupLoginRejectedFields {
  length: number;
  type: number;
  code: number;
}

/** Exchange to client, `J`. 4 bytes. */
export const SoupLoginRejected = {
  bytes: 4,
  offset: {
    length: 0, type: 2, code: 3,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** SoupRejectCode */
  code(view: DataView, at: number): number {
    return view.getUint8(at + 3);
  },
  setCode(view: DataView, at: number, value: number): void {
    view.setUint8(at + 3, value);
  },

  /** All fields at once. */
  encode(
    view: DataView, at: number,
    length: number, type: number, code: number,
  ): void {
    view.setUint16(at, length, false);
    view.setUint8(at + 2, type);
    view.setUint8(at + 3, code);
  },

  read(view: DataView, at: number): SoupLoginRejectedFields {
    return {
      length: SoupLoginRejected.length(view, at),
      type: SoupLoginRejected.type(view, at),
      code: SoupLoginRejected.code(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupLoginRejectedFields): void {
    SoupLoginRejected.setLength(view, at, fields.length);
    SoupLoginRejected.setType(view, at, fields.type);
    SoupLoginRejected.setCode(view, at, fields.code);
  },
} as const;

/** Fields of a SoupChallenge as an object, for cold code. */
export interface SoupChallengeFields {
  length: number;
  type: number;
  kind: number;
  nonce: string;
}

/** Exchange to client, in a `U` packet, where there are keys: what the client has to sign. 20 bytes. */
export const SoupChallenge = {
  bytes: 20,
  offset: {
    length: 0, type: 2, kind: 3, nonce: 4,
  },
  width: {
    nonce: 16,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** SoupSigned: `C` */
  kind(view: DataView, at: number): number {
    return view.getUint8(at + 3);
  },
  setKind(view: DataView, at: number, value: number): void {
    view.setUint8(at + 3, value);
  },

  /** random, of this connection alone */
  nonce(view: DataView, at: number): string {
    return readHex(view, at + 4, 16);
  },
  setNonce(view: DataView, at: number, value: string): void {
    writeHex(view, at + 4, 16, value);
  },

  read(view: DataView, at: number): SoupChallengeFields {
    return {
      length: SoupChallenge.length(view, at),
      type: SoupChallenge.type(view, at),
      kind: SoupChallenge.kind(view, at),
      nonce: SoupChallenge.nonce(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupChallengeFields): void {
    SoupChallenge.setLength(view, at, fields.length);
    SoupChallenge.setType(view, at, fields.type);
    SoupChallenge.setKind(view, at, fields.kind);
    SoupChallenge.setNonce(view, at, fields.nonce);
  },
} as const;

/** Fields of a SoupSignature as an object, for cold code. */
export interface SoupSignatureFields {
  length: number;
  type: number;
  kind: number;
  keyId: string;
  time: bigint;
  signature: string;
}

/** Client to exchange, in a `U` packet between the challenge and the log-in. 52 bytes. */
export const SoupSignature = {
  bytes: 52,
  offset: {
    length: 0, type: 2, kind: 3, keyId: 4, time: 12, signature: 20,
  },
  width: {
    keyId: 8, signature: 32,
  },

  /** bytes behind this field, type included */
  length(view: DataView, at: number): number {
    return view.getUint16(at, false);
  },
  setLength(view: DataView, at: number, value: number): void {
    view.setUint16(at, value, false);
  },

  /** SoupPacket */
  type(view: DataView, at: number): number {
    return view.getUint8(at + 2);
  },
  setType(view: DataView, at: number, value: number): void {
    view.setUint8(at + 2, value);
  },

  /** SoupSigned: `S` */
  kind(view: DataView, at: number): number {
    return view.getUint8(at + 3);
  },
  setKind(view: DataView, at: number, value: number): void {
    view.setUint8(at + 3, value);
  },

  /** which of the keys */
  keyId(view: DataView, at: number): string {
    return readText(view, at + 4, 8);
  },
  setKeyId(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 4, 8, value);
  },

  /** milliseconds since 1970 */
  timeLo(view: DataView, at: number): number {
    return view.getUint32(at + 16, false);
  },
  timeHi(view: DataView, at: number): number {
    return view.getUint32(at + 12, false);
  },
  setTime(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 16, lo, false);
    view.setUint32(at + 12, hi, false);
  },
  timeBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 12, false);
  },
  setTimeBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 12, value, false);
  },

  /** HMAC-SHA256 with the key over a SoupSignedText */
  signature(view: DataView, at: number): string {
    return readHex(view, at + 20, 32);
  },
  setSignature(view: DataView, at: number, value: string): void {
    writeHex(view, at + 20, 32, value);
  },

  read(view: DataView, at: number): SoupSignatureFields {
    return {
      length: SoupSignature.length(view, at),
      type: SoupSignature.type(view, at),
      kind: SoupSignature.kind(view, at),
      keyId: SoupSignature.keyId(view, at),
      time: SoupSignature.timeBig(view, at),
      signature: SoupSignature.signature(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupSignatureFields): void {
    SoupSignature.setLength(view, at, fields.length);
    SoupSignature.setType(view, at, fields.type);
    SoupSignature.setKind(view, at, fields.kind);
    SoupSignature.setKeyId(view, at, fields.keyId);
    SoupSignature.setTimeBig(view, at, fields.time);
    SoupSignature.setSignature(view, at, fields.signature);
  },
} as const;

/** Fields of a SoupSignedText as an object, for cold code. */
export interface SoupSignedTextFields {
  nonce: string;
  user: string;
  time: bigint;
  nextSequence: bigint;
}

/** What is signed; never sent. 38 bytes. */
export const SoupSignedText = {
  bytes: 38,
  offset: {
    nonce: 0, user: 16, time: 22, nextSequence: 30,
  },
  width: {
    nonce: 16, user: 6,
  },

  /** the challenge's */
  nonce(view: DataView, at: number): string {
    return readHex(view, at, 16);
  },
  setNonce(view: DataView, at: number, value: string): void {
    writeHex(view, at, 16, value);
  },

  /** as in the log-in that follows */
  user(view: DataView, at: number): string {
    return readText(view, at + 16, 6);
  },
  setUser(view: DataView, at: number, value: string): void {
    writeTextLeft(view, at + 16, 6, value);
  },

  /** as in the signature */
  timeLo(view: DataView, at: number): number {
    return view.getUint32(at + 26, false);
  },
  timeHi(view: DataView, at: number): number {
    return view.getUint32(at + 22, false);
  },
  setTime(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 26, lo, false);
    view.setUint32(at + 22, hi, false);
  },
  timeBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 22, false);
  },
  setTimeBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 22, value, false);
  },

  /** as in the log-in that follows */
  nextSequenceLo(view: DataView, at: number): number {
    return view.getUint32(at + 34, false);
  },
  nextSequenceHi(view: DataView, at: number): number {
    return view.getUint32(at + 30, false);
  },
  setNextSequence(view: DataView, at: number, lo: number, hi: number): void {
    view.setUint32(at + 34, lo, false);
    view.setUint32(at + 30, hi, false);
  },
  nextSequenceBig(view: DataView, at: number): bigint {
    return view.getBigUint64(at + 30, false);
  },
  setNextSequenceBig(view: DataView, at: number, value: bigint): void {
    view.setBigUint64(at + 30, value, false);
  },

  read(view: DataView, at: number): SoupSignedTextFields {
    return {
      nonce: SoupSignedText.nonce(view, at),
      user: SoupSignedText.user(view, at),
      time: SoupSignedText.timeBig(view, at),
      nextSequence: SoupSignedText.nextSequenceBig(view, at),
    };
  },
  write(view: DataView, at: number, fields: SoupSignedTextFields): void {
    SoupSignedText.setNonce(view, at, fields.nonce);
    SoupSignedText.setUser(view, at, fields.user);
    SoupSignedText.setTimeBig(view, at, fields.time);
    SoupSignedText.setNextSequenceBig(view, at, fields.nextSequence);
  },
} as const;
