// Dark or light: what the system prefers until the reader switches; the choice is kept in this browser.
// Styles hang on `data-theme` of the root; what is drawn on a canvas asks `colours` and redraws when they change.
import { computed, effect, signal } from '@preact/signals';

export type Theme = 'dark' | 'light';

const KEY = 'outcry.theme';

const systemPrefersLight = signal(false);
const chosen = signal<Theme | null>(null);

export const theme = computed<Theme>(() => chosen.value ?? (systemPrefersLight.value ? 'light' : 'dark'));

/** Custom properties of base.css that canvases use. */
const COLOUR_NAMES = [
  'text', 'muted', 'faint', 'line', 'panel', 'accent', 'accent-soft', 'bid', 'bid-soft', 'ask', 'ask-soft', 'warn',
  'series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6',
] as const;
export type ColourName = (typeof COLOUR_NAMES)[number];

export const colours = signal({} as Readonly<Record<ColourName, string>>);

function readChoice(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === 'dark' || kept === 'light' ? kept : null;
  } catch {
    return null;
  }
}

export function switchTheme(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, chosen.value);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
}

/** Once, before anything is drawn. */
export function startTheme(): void {
  const light = matchMedia('(prefers-color-scheme: light)');
  systemPrefersLight.value = light.matches;
  light.addEventListener('change', () => (systemPrefersLight.value = light.matches));
  chosen.value = readChoice();
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    const style = getComputedStyle(document.documentElement);
    const read = COLOUR_NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()] as const);
    colours.value = Object.fromEntries(read) as Record<ColourName, string>;
  });
}
