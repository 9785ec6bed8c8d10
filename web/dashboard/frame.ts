// Painting, once a frame at most: who paints says that something changed (`request`), all painters run in the next frame.
// Nothing changed: no frame is asked for, and the page rests.
//
// With `?fps` frames are counted without a pause: `window.outcryFrames` is what the last whole second had.

import { MARKET_MS } from '../../src/observe/dashboard/messages.ts';

export interface FrameCount {
  /** Frames of the last whole second. */
  perSecond: number;
  /** Seconds that were counted. */
  seconds: number;
  /** The longest pause between two frames of that second, in ms. */
  longestMs: number;
  /** Time spent painting in that second, in ms. */
  paintingMs: number;
}

declare global {
  interface Window {
    outcryFrames?: FrameCount;
  }
}

interface Painter {
  readonly paint: () => void;
  /** At least so long between two paintings. */
  readonly everyMs: number;
  paintedMs: number;
}

const painters = new Set<Painter>();
let asked = false;
let paintedMs = 0;

function paintAll(): void {
  const startMs = performance.now();
  let later = false;
  for (const painter of painters) {
    if (startMs - painter.paintedMs < painter.everyMs) {
      later = true;
      continue;
    }
    painter.paintedMs = startMs;
    painter.paint();
  }
  paintedMs += performance.now() - startMs;
  // What was too early comes in a later frame, even when nothing else changes.
  if (later) request();
}

/** Something changed that painters show. */
export function request(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    paintAll();
  });
}

/** As often as the server tells of the market, at most: every second frame of a screen of sixty. */
export const MARKET_PAINT_MS = MARKET_MS - 5;
/** Ten a second, for what nobody reads faster. */
export const SLOWLY_MS = 95;

/** Returns what takes it off again. */
export function onFrame(paint: () => void, everyMs = 0): () => void {
  const painter = { paint, everyMs, paintedMs: -Infinity };
  painters.add(painter);
  request();
  return () => painters.delete(painter);
}

/** Counts frames from now on, and tells after each second. */
export function countFrames(told: (count: FrameCount) => void): void {
  let frames = 0;
  let longestMs = 0;
  let beganMs = performance.now();
  let beforeMs = beganMs;
  let seconds = 0;
  const frame = (nowMs: number): void => {
    frames++;
    longestMs = Math.max(longestMs, nowMs - beforeMs);
    beforeMs = nowMs;
    if (nowMs - beganMs >= 1000) {
      const perSecond = (frames * 1000) / (nowMs - beganMs);
      window.outcryFrames = { perSecond, seconds: ++seconds, longestMs, paintingMs: paintedMs };
      told(window.outcryFrames);
      frames = 0;
      longestMs = 0;
      paintedMs = 0;
      beganMs = nowMs;
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
