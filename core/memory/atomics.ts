// Stores that another thread may see at once, and plain ones where there are no threads: the core
// embedded in a C program is compiled without them (tools/build_embedded.ts).

// @ts-ignore: decorator
@inline
export function storeShared(address: u32, value: u32): void {
  if (ASC_FEATURE_THREADS) atomic.store<u32>(address, value);
  else store<u32>(address, value);
}

// @ts-ignore: decorator
@inline
export function addShared(address: u32, value: u32): void {
  if (ASC_FEATURE_THREADS) atomic.add<u32>(address, value);
  else store<u32>(address, load<u32>(address) + value);
}
