// The frame of every panel: title, a note beside it, and one of its states in place of what it shows: loading, empty, or
// broken. A panel that throws breaks itself only. Stale and disconnected are the page's (panels.css dims what is old).
import { Component, type ComponentChildren } from 'preact';
import { state } from './state.ts';

interface PanelProps {
  /** Its place in the page's grid (panels.css), and its id. */
  readonly area: string;
  readonly title: string;
  /** For who sees it for the first time: what it shows, on hovering the title. */
  readonly about?: string;
  readonly note?: ComponentChildren;
  /** What to say instead of the content; undefined: there is content. */
  readonly empty?: string | undefined;
  readonly children: ComponentChildren;
}

export function Panel({ area, title, about, note, empty, children }: PanelProps) {
  return (
    <section class={`panel ${area}`} id={area} aria-labelledby={`${area}-title`}>
      <header class="panel-head">
        <h2 id={`${area}-title`} title={about}>{title}</h2>
        <div class="panel-note">{note}</div>
      </header>
      <Guard>
        <PanelBody empty={empty}>{children}</PanelBody>
      </Guard>
    </section>
  );
}

function PanelBody({ empty, children }: Pick<PanelProps, 'empty' | 'children'>) {
  const condition = state.condition.value;
  if (state.status.value === null) {
    if (condition === 'loading') return <div class="panel-state loading" aria-label="Loading"><i /><i /><i /></div>;
    return <p class="panel-state">No connection to the server.</p>;
  }
  if (empty !== undefined) return <p class="panel-state">{empty}</p>;
  return <div class="panel-body">{children}</div>;
}

class Guard extends Component<{ children: ComponentChildren }, { failure: string }> {
  override state = { failure: '' };

  override componentDidCatch(error: unknown): void {
    this.setState({ failure: error instanceof Error ? error.message : String(error) });
  }

  override render() {
    if (this.state.failure === '') return this.props.children;
    return (
      <p class="panel-state" role="alert">
        This panel broke: {this.state.failure}
        <button type="button" onClick={() => this.setState({ failure: '' })}>Show it again</button>
      </p>
    );
  }
}
