// A button that opens a sheet below it: closed by Escape, by a click elsewhere, by leaving it with the keyboard, and by a
// command chosen in it.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface MenuProps {
  readonly name: string;
  /** Of the button, said in words. */
  readonly label: string;
  readonly face: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Menu({ name, label, face, children }: MenuProps) {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const id = `${name}-sheet`;
  useEffect(() => {
    const elsewhere = (event: Event): void => {
      if (!root.current!.contains(event.target as Node)) open.value = false;
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('focusin', elsewhere);
    return () => {
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('focusin', elsewhere);
    };
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !open.value) return;
    event.stopPropagation();
    open.value = false;
    root.current!.querySelector('button')!.focus();
  };
  return (
    <div class={`menu ${name}`} ref={root} onKeyDown={onKeyDown}>
      <button type="button" aria-label={label} aria-expanded={open.value} aria-controls={id} onClick={() => (open.value = !open.value)}>{face}</button>
      {open.value && (
        <div
          class="sheet" id={id} role="group" aria-label={label}
          onClick={(event) => {
            if ((event.target as Element).closest('[data-closes]') !== null) open.value = false;
          }}
        >
          {children}
        </div>
      )}
    </div>
  );
}
