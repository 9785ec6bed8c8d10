// The keyboard, and the sheet that tells it. Keys do nothing while the reader types or a dialog is open.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { switchTheme } from '../shared/theme.ts';
import { intent } from './commands.ts';
import { askKill, askPause } from './control.tsx';
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
    if (intent.value !== null || helpOpen.value) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key));
    if (found === undefined) return;
    event.preventDefault();
    found[2](event.key);
  });
}

function Sheet() {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => place.current!.showModal(), []);
  return (
    <dialog ref={place} class="help" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <form method="dialog">
        <h2 id="help-title">Keys</h2>
        <dl>
          {KEYS.map(([keys, does]) => (
            <div key={does}>
              <dt>{keys.length > 2 ? <><kbd>{keys[0]}</kbd> … <kbd>{keys.at(-1)}</kbd></> : keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
              <dd>{does}</dd>
            </div>
          ))}
          <div><dt><kbd>Esc</kbd></dt><dd>closes what is open</dd></div>
        </dl>
        <footer><button type="submit" class="primary" autofocus>Close</button></footer>
      </form>
    </dialog>
  );
}

export function Help() {
  return helpOpen.value ? <Sheet /> : null;
}
