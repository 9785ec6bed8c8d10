// The shared statistics of a verb that runs: made when it starts, gone when it ends in order (src/observe/shared_stats.ts).
// `outcry profile` and whoever else looks find it in the user's runtime folder.
import { rmSync } from 'node:fs';
import { processDeclarations, ProcessStats } from '../observe/process_stats.ts';
import { runningStats, SharedStats, type StatDeclaration, statsPath } from '../observe/shared_stats.ts';

export class ProcessFile {
  readonly stats: SharedStats;
  readonly #process: ProcessStats;
  readonly #exit = (): void => rmSync(this.stats.file.path, { force: true });

  private constructor(stats: SharedStats) {
    this.stats = stats;
    this.#process = new ProcessStats(stats);
    process.on('exit', this.#exit);
  }

  /** `note` is told why nobody will be able to look; the process runs on without. */
  static open(
    verb: string, title: string, declarations: readonly StatDeclaration[], note: (line: string) => void,
  ): ProcessFile | null {
    try {
      runningStats(); // sweeps up behind those that were killed
      return new ProcessFile(SharedStats.create(statsPath(verb), title, [...processDeclarations(), ...declarations]));
    } catch (error) {
      note(`nobody can watch this process: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  /** Whose turns are counted. */
  set loop(loop: { readonly turns: number; readonly busyTurns: number }) {
    this.#process.loop = loop;
  }

  /** Writes what the verb publishes of itself, four times a second, between two turns of its loop. */
  set figures(write: () => void) {
    this.#process.figures = write;
  }

  close(): void {
    this.#process.close();
    this.stats.remove();
    process.off('exit', this.#exit);
  }
}
