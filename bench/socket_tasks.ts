// What the two processes of the benchmark `sockets` say to each other. A file of its own: the peer pins itself to a core
// when it is loaded, and whoever only wants these names must not be.

export type PeerTask = { readonly echo: 'ts' | 'c' } | { readonly sink: number };
/** 'port': where to connect; then `done`, with the bytes that came. */
export type PeerAnswer = { readonly port: number } | { readonly done: number };

export const MESSAGE_BYTES = 30;
