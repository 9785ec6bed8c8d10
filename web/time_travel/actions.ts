// What buttons and keys do, and the keys.
import { signal } from '@preact/signals';
import type { KeyRow } from '../shared/key_sheet.tsx';
import { switchTheme } from '../shared/theme.ts';
import { timeNamed } from './times.ts';
import { isPlaying, pause, shiftSpeed, togglePlay } from './player.ts';
import { book, chooseLevel, chooseOrder, currentLink, day, find, go, moment, order, phase, searched, step } from './state.ts';

/** A leap of shift + arrow. */
export const LEAP = 100;
export const helpShown = signal(false);
export const linkCopied = signal(false);
const COPIED_MS = 1_500;

export function toStart(): void {
  pause();
  go({ position: 0 });
}

export function toEnd(): void {
  pause();
  go({ position: day.value?.inputs ?? 0 });
}

export function stepBy(by: number): void {
  pause();
  step(by);
}

export function toTrade(direction: 1 | -1): void {
  pause();
  find({ what: 'trade', book: book.value, direction });
}

export function toOrderEvent(direction: 1 | -1): void {
  if (order.value === null) return;
  pause();
  find({ what: 'order', order: order.value, direction });
}

/** "7.123" or "123" an order, "#55" a sequence, "09:31:05.25" a time; false: none of these. */
export function search(text: string): boolean {
  const said = text.trim();
  const sequence = /^#(\d{1,15})$/.exec(said);
  if (sequence !== null) {
    find({ what: 'sequence', sequence: Number(sequence[1]) });
    return true;
  }
  const timeNs = timeNamed(said, day.value?.zeroMs ?? null, day.value?.firstNs ?? 0);
  if (timeNs !== null) {
    find({ what: 'time', timeNs });
    return true;
  }
  if (!/^(?:\d{1,10}\.)?\d{1,20}$/.test(said)) return false;
  find({ what: 'name', text: said });
  return true;
}

export async function copyLink(): Promise<void> {
  const link = currentLink();
  history.replaceState(null, '', link);
  try {
    await navigator.clipboard.writeText(new URL(link, location.href).href);
    linkCopied.value = true;
    setTimeout(() => (linkCopied.value = false), COPIED_MS);
  } catch {
    // No permission: the address has it.
  }
}

export function focusSearch(): void {
  document.querySelector<HTMLInputElement>('#search')?.select();
}

function letGo(): void {
  if (helpShown.value) helpShown.value = false;
  else if (searched.value !== null) searched.value = null;
  else if (order.value !== null) chooseOrder(null);
  else chooseLevel(null);
}

export const KEYS: readonly KeyRow[] = [
  { keys: ['←', '→'], does: 'one event back, on' },
  { keys: ['Shift', '←', '→'], does: `${LEAP} events back, on` },
  { keys: ['Home', 'End'], does: 'beginning, end' },
  { keys: ['Space'], does: 'play, pause' },
  { keys: ['+', '−'], does: 'faster, slower' },
  { keys: ['n', 'p'], does: 'next, previous trade' },
  { keys: ['o', 'i'], does: 'next, previous event of the order' },
  { keys: ['/'], does: 'search: order, #sequence, time' },
  { keys: ['Esc'], does: 'let go of order or level' },
  { keys: ['l'], does: 'copy the link to this instant' },
  { keys: ['t'], does: 'dark, light' },
  { keys: ['?'], does: 'these keys' },
];

const ACTIONS: Readonly<Record<string, (event: KeyboardEvent) => void>> = {
  ArrowLeft: (event) => stepBy(event.shiftKey ? -LEAP : -1),
  ArrowRight: (event) => stepBy(event.shiftKey ? LEAP : 1),
  Home: toStart,
  End: toEnd,
  ' ': togglePlay,
  '+': () => shiftSpeed(1),
  '-': () => shiftSpeed(-1),
  n: () => toTrade(1),
  p: () => toTrade(-1),
  o: () => toOrderEvent(1),
  i: () => toOrderEvent(-1),
  '/': focusSearch,
  l: () => void copyLink(),
};

export function startKeys(): void {
  addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key === 'Escape') {
      if (typing) (event.target as HTMLElement).blur();
      letGo();
      return;
    }
    if (helpShown.value && event.key !== '?') return;
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '?') helpShown.value = !helpShown.value;
    else if (event.key === 't') switchTheme();
    else if (phase.value === 'open' && moment.value !== null && event.key in ACTIONS) {
      // A focused button would be pressed by the space bar, too.
      event.preventDefault();
      ACTIONS[event.key](event);
    }
  });
  addEventListener('visibilitychange', () => {
    if (document.hidden && isPlaying.value) pause();
  });
}
