// Generated from src/wire/schema.ts by `npm run generate`. Do not edit.
//
// SoupBinTCP 4.1 packets. Big-endian; text in ASCII.

import { readDigits, readText, writeDigits, writeTextLeft, writeTextRight } from '../ascii.ts';

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
  NotAuthorised: 0x41, // `A`: user or password
  SessionNotAvailable: 0x53, // `S`
} as const;
export type SoupRejectCode = (typeof SoupRejectCode)[keyof typeof SoupRejectCode];

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
