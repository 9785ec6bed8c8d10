// Whether an element is in the window, as a signal: what nobody sees is not painted, and is painted when it comes into sight.
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';

/** So that a slow scroll finds it painted already. */
const MARGIN = '120px';

const watched = new Map<Element, Signal<boolean>>();

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const seen = watched.get(target);
    if (seen !== undefined) seen.value = isIntersecting;
  }
}, { rootMargin: MARGIN });

export interface Seen {
  /** True until the browser has said otherwise. */
  readonly seen: ReadonlySignal<boolean>;
  readonly stop: () => void;
}

export function seenOf(element: Element): Seen {
  const seen = signal(true);
  watched.set(element, seen);
  observer.observe(element);
  return {
    seen,
    stop: () => {
      observer.unobserve(element);
      watched.delete(element);
    },
  };
}
