// A canvas of the size that it has on the screen, in its pixels. `paint` is called again when a signal that it read
// changes, when the size changes, and, where `version` is given, when that number is another one, twenty times a second.
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { onFrame, SLOWLY_MS } from './frame.ts';

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
    const draw = (): void => {
      const { clientWidth: width, clientHeight: height } = box;
      const scale = devicePixelRatio;
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
    const stopSignals = effect(draw);
    const resized = new ResizeObserver(draw);
    resized.observe(box);
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('pointerleave', point);
    const stopFrames = onFrame(() => {
      if (version === undefined || painted === version()) return;
      painted = version();
      draw();
    }, SLOWLY_MS);
    return () => {
      stopSignals();
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
