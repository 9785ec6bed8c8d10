// Sizes of native messages by their type byte, 0 where no message has it: what a stream without
// lengths is cut by, and what the payload of a SoupBinTCP packet is checked against.
import {
  ClientRequest,
  ClientRequestExtended,
  ClientResponse,
  RequestType,
  ResponseType,
} from './generated/native.ts';

export const REQUEST_TYPE_MAX = RequestType.MassCancel;
export const RESPONSE_TYPE_MAX = ResponseType.Expired;
export const REQUEST_BYTES_MAX = ClientRequestExtended.bytes;

/** Bytes of a request by its type, 256 entries. */
export const REQUEST_BYTES: Readonly<Uint8Array> = table((sizes) => {
  for (const type of Object.values(RequestType)) sizes[type] = ClientRequest.bytes;
  sizes[RequestType.NewExtended] = ClientRequestExtended.bytes;
});

/** Bytes of a response by its type, 256 entries. */
export const RESPONSE_BYTES: Readonly<Uint8Array> = table((sizes) => {
  for (const type of Object.values(ResponseType)) sizes[type] = ClientResponse.bytes;
});

function table(fill: (sizes: Uint8Array) => void): Uint8Array {
  const sizes = new Uint8Array(256);
  fill(sizes);
  return sizes;
}
