// Several reasons to wake a loop that sleeps, as one.
import type { WakeSource } from './agent.ts';

/** Calls `wake` once, when the first of them has news: some have it in the moment that they are armed, and those behind are not asked then. */
export function anyOf(...sources: readonly WakeSource[]): WakeSource {
  if (sources.length === 1) return sources[0];
  return {
    arm: (wake) => {
      let called = false;
      const once = (): void => {
        if (called) return;
        called = true;
        wake();
      };
      for (const source of sources) if (!called) source.arm(once);
    },
    disarm: () => {
      for (const source of sources) source.disarm();
    },
  };
}
