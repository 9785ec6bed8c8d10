// The frame of every panel.
import type { ComponentChildren } from 'preact';

interface PanelProps {
  /** Its place in the page's grid (time_travel.css), and its id. */
  readonly area: string;
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Panel({ area, title, note, children }: PanelProps) {
  return (
    <section class={`panel ${area}-panel`} id={area} aria-labelledby={`${area}-title`}>
      <header class="panel-head">
        <h2 id={`${area}-title`}>{title}</h2>
        <div class="panel-note">{note}</div>
      </header>
      <div class="panel-body">{children}</div>
    </section>
  );
}
