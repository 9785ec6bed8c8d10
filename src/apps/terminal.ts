// The terminal: styles, and the little that puts lines on it without flicker.

/** Styles by name; `plain` leaves text alone. */
export type Paint = (style: Style, text: string) => string;
export type Style = 'title' | 'bid' | 'ask' | 'dim' | 'strong' | 'good' | 'bad' | 'heading';

const SGR: Readonly<Record<Style, string>> = {
  title: '1;7', bid: '32', ask: '31', dim: '2', strong: '1', good: '1;32', bad: '1;31',
  heading: '36',
};

export const plain: Paint = (_style, text) => text;
export const coloured: Paint = (style, text) =>
  text === '' ? '' : `\x1b[${SGR[style]}m${text}\x1b[0m`;

/** What a frame is written to; process.stdout is one. */
export interface TerminalOutput {
  write(text: string): boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** The alternate screen of a terminal: what stood there before comes back at `leave`. */
export class Screen {
  readonly #out: TerminalOutput;
  #entered = false;

  constructor(out: TerminalOutput) {
    this.#out = out;
  }

  get columns(): number {
    return this.#out.columns ?? 80;
  }

  get rows(): number {
    return this.#out.rows ?? 24;
  }

  enter(): void {
    if (this.#entered) return;
    this.#entered = true;
    this.#out.write('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'); // 7: lines never wrap
  }

  /**
   * Draws all lines from the top in one write; the rest of the screen is blanked. A row is blanked
   * before it is written: behind a full row the cursor still stands on its last column.
   */
  draw(lines: readonly string[]): void {
    let frame = '\x1b[?2026h\x1b[H';
    for (let i = 0; i < lines.length; i++) frame += `${i > 0 ? '\r\n' : ''}\x1b[2K${lines[i]}`;
    if (lines.length < this.rows) frame += '\r\n\x1b[J';
    this.#out.write(`${frame}\x1b[?2026l`);
  }

  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#out.write('\x1b[?7h\x1b[?25h\x1b[?1049l');
  }
}
