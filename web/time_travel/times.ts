// Times of a day with all their nanoseconds, and back. No DOM.
const NS_PER_S = 1_000_000_000;
const two = (value: number): string => String(value).padStart(2, '0');

/** "09:30:00.018 960 767": time of day where the day is known, else since its beginning; `digits` of the fraction. */
export function timeOfDay(timeNs: number, zeroMs: number | null, digits = 9): string {
  // In whole ns: the zero may lie between two seconds.
  const zeroNs = zeroMs === null ? 0 : (zeroMs % 86_400_000) * 1e6;
  const ns = zeroNs + timeNs;
  const seconds = Math.floor(ns / NS_PER_S);
  const fraction = String(Math.floor(ns - seconds * NS_PER_S)).padStart(9, '0').slice(0, digits);
  const clock = `${two(Math.floor(seconds / 3_600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return digits === 0 ? clock : `${clock}.${fraction.replace(/(\d{3})(?=\d)/g, '$1\u202f')}`;
}

/** "2012-06-21"; '' where the day is not known. */
export function dayText(zeroMs: number | null, timeNs: number): string {
  if (zeroMs === null || zeroMs === 0) return '';
  return new Date(zeroMs + timeNs / 1e6).toISOString().slice(0, 10);
}

/** "9:30", "09:30:15.5" as ns since the zero, on the day that `nearNs` lies in; null: no time. */
export function timeNamed(text: string, zeroMs: number | null, nearNs: number): number | null {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(text.trim());
  if (parts === null) return null;
  const [, hours, minutes, seconds = '0', fraction = ''] = parts;
  const ns = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * NS_PER_S + Number(fraction.padEnd(9, '0'));
  const dayNs = 86_400 * NS_PER_S;
  const zeroNs = zeroMs === null ? 0 : (zeroMs % 86_400_000) * 1e6;
  return Math.floor((zeroNs + nearNs) / dayNs) * dayNs + ns - zeroNs;
}
