// A canvas of the size that it has on the screen, in its pixels (at most two a CSS pixel each way). `paint` is called again
// when a signal that it read changes, when the size changes, and, where `version` is given, when that number is another one,
// ten times a second. Not while it is out of sight. Sizes are told by the browser: asking for them would make it lay the
// page out in the middle of a frame.
import { effect, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { onFrame, SLOWLY_MS } from './frame.ts';
import { seenOf } from './seen.ts';

/** Finer pixels cost four times as much to paint and nobody sees them. */
const SCALE_MAX = 2;

export type Paint = (context: CanvasRenderingContext2D, width: number, height: number, pointer: Pointer | null) => void;

export interface Pointer {
  readonly x: number;
  readonly y: number;
}

interface CanvasProps {
  readonly label: string;
  readonly paint: Paint;
  readonly version?: () => number;
}

export function Canvas({ label, paint, version }: CanvasProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Kept: a signal may change between the panel's end, which empties the reference, and the end of this effect.
    const box = place.current!;
    const canvas = box.querySelector('canvas')!;
    const context = canvas.getContext('2d')!;
    let painted = version?.() ?? 0;
    let pointer: Pointer | null = null;
    // A signal: before there is a size nothing is painted, and nothing that painting reads is known.
    const size = signal({ width: 0, height: 0 });
    const { seen, stop: stopSeen } = seenOf(box);
    const draw = (): void => {
      const { width, height } = size.value;
      const scale = Math.min(SCALE_MAX, devicePixelRatio);
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
      }
      context.setTransform(scale, 0, 0, scale, 0, 0);
      context.clearRect(0, 0, width, height);
      if (width > 0 && height > 0) paint(context, width, height, pointer);
    };
    const point = (event: PointerEvent): void => {
      pointer = event.type === 'pointerleave' ? null : { x: event.offsetX, y: event.offsetY };
      draw();
    };
    const resized = new ResizeObserver(([{ contentRect: { width, height } }]) => {
      size.value = { width, height };
    });
    resized.observe(box);
    const stopSignals = effect(() => {
      if (seen.value) draw();
    });
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('pointerleave', point);
    const stopFrames = onFrame(() => {
      if (version === undefined || painted === version() || !seen.peek()) return;
      painted = version();
      draw();
    }, SLOWLY_MS);
    return () => {
      stopSignals();
      stopSeen();
      stopFrames();
      resized.disconnect();
      canvas.removeEventListener('pointermove', point);
      canvas.removeEventListener('pointerleave', point);
    };
  }, [paint, version]);
  return (
    <div class="canvas" ref={place}>
      <canvas role="img" aria-label={label} />
    </div>
  );
}

export const CANVAS_FONT = '11px Inter, system-ui, sans-serif';
