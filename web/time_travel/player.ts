// Playing: so many events a second, or the market's own time. A frame asks for the instant that is due in it; what the worker
// cannot reach in time is passed over (state.ts), so the clock is kept whatever the speed.
import { signal } from '@preact/signals';
import { day, go, moment } from './state.ts';

export interface Speed {
  readonly name: string;
  readonly label: string;
  /** Events a second, or seconds of the market in a second. */
  readonly rate: number;
  readonly by: 'events' | 'time';
}

export const SPEEDS: readonly Speed[] = [
  ...[1, 10, 100, 1_000, 10_000].map((rate): Speed => ({ name: `e${rate}`, label: `${rate.toLocaleString('en')} events/s`, rate, by: 'events' })),
  ...[1, 10, 60, 600].map((rate): Speed => ({ name: `t${rate}`, label: rate === 1 ? 'market time' : `market time ×${rate}`, rate, by: 'time' })),
];

export const speed = signal<Speed>(SPEEDS[1]);
export const isPlaying = signal(false);

export function play(): void {
  const whole = day.value;
  if (whole === null || isPlaying.value) return;
  isPlaying.value = true;
  if ((moment.value?.position ?? 0) >= whole.inputs) go({ position: 0 });
  let beganMs = performance.now();
  let chosen = speed.value;
  let position = (moment.value?.position ?? 0) >= whole.inputs ? 0 : (moment.value?.position ?? 0);
  let timeNs = position === 0 ? whole.firstNs : (moment.value?.timeNs ?? whole.firstNs);
  const frame = (nowMs: number): void => {
    if (!isPlaying.value || day.value !== whole) return pause();
    const seconds = Math.max(0, nowMs - beganMs) / 1_000;
    if (speed.value !== chosen) {
      // From here on at the new speed.
      chosen = speed.value;
      position = moment.value?.position ?? position;
      timeNs = moment.value?.timeNs ?? timeNs;
      beganMs = nowMs;
    } else if (chosen.by === 'events') {
      go({ position: Math.min(whole.inputs, Math.floor(position + seconds * chosen.rate)) });
      if (position + seconds * chosen.rate >= whole.inputs) return pause();
    } else {
      go({ timeNs: timeNs + seconds * chosen.rate * 1e9 });
      if (timeNs + seconds * chosen.rate * 1e9 >= whole.lastNs) return pause();
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

export function pause(): void {
  isPlaying.value = false;
}

export function togglePlay(): void {
  if (isPlaying.value) pause();
  else play();
}

/** One speed up or down. */
export function shiftSpeed(by: number): void {
  const index = SPEEDS.indexOf(speed.value) + by;
  if (index >= 0 && index < SPEEDS.length) speed.value = SPEEDS[index];
}
