// The keyboard, and the sheet that tells it. Keys do nothing while the reader types or a dialog is open.
import { signal } from '@preact/signals';
import { KeySheet, type KeyRow } from '../shared/key_sheet.tsx';
import { switchTheme } from '../shared/theme.ts';
import { askKill, askPause } from './control.tsx';
import { askLimits } from './limits_form.tsx';
import { chooseTicker } from './picker.tsx';
import { state } from './state.ts';

const helpOpen = signal(false);

export function showHelp(): void {
  helpOpen.value = true;
}

const KEYS: readonly (readonly [keys: readonly string[], does: string, run: (key: string) => void])[] = [
  [['1', '2', '3', '4', '5', '6', '7', '8', '9'], 'the instrument of that number', (key) => {
    const instrument = state.instruments.value[Number(key) - 1];
    if (instrument !== undefined) chooseTicker(instrument.ticker);
  }],
  [['/'], 'to the choice of instruments', () => document.querySelector<HTMLElement>('[data-picker]')?.focus()],
  [['k'], 'kill: cancel everything, lock everybody out (asks first)', askKill],
  [['p'], 'pause all traders, or start them again (asks first)', askPause],
  [['l'], 'limits of a trader (asks before it sets them)', () => askLimits()],
  [['t'], 'dark or light', switchTheme],
  [['?'], 'this help', showHelp],
];

function typesText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}

/** Once. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typesText(event.target)) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key));
    if (found === undefined) return;
    event.preventDefault();
    found[2](event.key);
  });
}

const ROWS: readonly KeyRow[] = [
  ...KEYS.map(([keys, does]) => ({ keys: keys.length > 2 ? [keys[0], '…', keys.at(-1)!] : keys, does })),
  { keys: ['Esc'], does: 'closes what is open' },
];

export function Help() {
  return helpOpen.value ? <KeySheet rows={ROWS} onClose={() => (helpOpen.value = false)} /> : null;
}
