// Whether two engines have told the same: all fields of all events. Made for speed: it runs after every command of the
// fuzzer and the simulator.
import type { EngineEvent } from './types.ts';

export function sameEvents(a: readonly EngineEvent[], b: readonly EngineEvent[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (!sameFields(a[index], b[index])) return false;
  }
  return true;
}

function sameFields(a: object, b: object): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let fields = 0;
  for (const field in left) {
    if (left[field] !== right[field]) return false;
    fields++;
  }
  for (const _ in right) fields--;
  return fields === 0;
}
