// Hot reload: watches the configuration file and hands on what it says now, when that is good.
//
//   folder changed ─► quiet for DEBOUNCE_MS ─► read ─► other text? ─► parse, check all
//        good, and only settings that may change while running (`reload: true`) ─► onConfig, once
//        anything wrong ─► onFaults, once, with everything; what runs goes on as it is
//
// Folders are watched, not the file: editors write a new file and rename it over the old one, and
// deployments swap a link beside it; where the file is a link, the folder of what it names is watched
// too. Flags and environment are those of the start, and still go first.
//
// Order: both callbacks come from Node's event loop, never during a turn of an AgentRunner, so
// whoever applies a configuration does it between two turns. It is frozen and whole; `changed` names
// the settings that differ from what ran before, for the journal and the log.
//
// Limits: a file that is empty or not there for less than VANISHED_MS is one that is being replaced.
import { type FSWatcher, realpathSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TOP_SECTION } from './config.ts';
import { type ConfigFile, readConfigFile } from './config_file.ts';
import { snakeCase } from './config_forms.ts';
import { type OutcryConfig, type OutcrySources, readConfig, type SectionName, SECTIONS } from './config_sections.ts';
import { ConfigError, DEFAULT_PLACE, type Fault, sortFaults } from './config_value.ts';
import { fileKeys, settingName } from './settings.ts';

/** An editor's several writes are one change. */
const DEBOUNCE_MS = 50;
/** In a folder where something is always written, a change is still seen after this time. */
const DELAY_MS_MAX = 500;
const VANISHED_MS = 1_000;

export interface ConfigWatchOptions {
  /** Of the configuration that runs; its file is the one to watch. */
  readonly sources: OutcrySources;
  readonly running: OutcryConfig;
  readonly onConfig: (config: OutcryConfig, changed: readonly string[]) => void;
  readonly onFaults: (error: ConfigError) => void;
}

export interface ConfigWatch {
  /** What runs now. */
  readonly running: OutcryConfig;
  /** Ends the watching; idempotent. */
  close(): void;
}

/** Watches the file that `sources` came from; without one there is nothing to watch. */
export function watchConfig(options: ConfigWatchOptions): ConfigWatch {
  const { file } = options.sources;
  return file === null ? { running: options.running, close: () => {} } : new FileWatch(options, file);
}

class FileWatch implements ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #path: string;
  /** By folder. */
  readonly #watchers = new Map<string, FSWatcher>();
  #running: OutcryConfig;
  /** Last text that was looked at, good or bad: neither is reported twice. */
  #text: string;
  #timer: NodeJS.Timeout | null = null;
  /** When the first event came that nobody has looked at; 0: none has. */
  #eventMs = 0;
  /** Since when there is nothing to read; 0: there is. */
  #vanishedMs = 0;
  #vanishedSaid = false;
  #closed = false;

  constructor(options: ConfigWatchOptions, file: ConfigFile) {
    this.#options = options;
    this.#path = file.path;
    this.#text = file.text;
    this.#running = options.running;
    this.#watchFolders();
    // What has changed since the file was read for the start.
    this.#onEvent();
  }

  get running(): OutcryConfig {
    return this.#running;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The folder of the name, and that of the file which it leads to now. */
  #watchFolders(): void {
    const folders = new Set([dirname(resolve(this.#path))]);
    try {
      folders.add(dirname(realpathSync(this.#path)));
    } catch {
      // It is not there at the moment: whatever brings it back happens in the folder of the name.
    }
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (!this.#watchers.has(folder)) this.#watchFolder(folder);
    }
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false });
      watcher.on('change', () => this.#onEvent());
      watcher.on('error', (error) => this.#lost(error));
      this.#watchers.set(folder, watcher);
    } catch (error) {
      // Gone again, or the system has no more watches: no reason to end what runs.
      this.#lost(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #onEvent(): void {
    const nowMs = performance.now();
    if (this.#eventMs === 0) this.#eventMs = nowMs;
    this.#lookIn(Math.max(0, Math.min(DEBOUNCE_MS, this.#eventMs + DELAY_MS_MAX - nowMs)));
  }

  #lookIn(delayMs: number): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, delayMs).unref();
  }

  readonly #look = (): void => {
    this.#timer = null;
    this.#eventMs = 0;
    this.#watchFolders();
    const file = readConfigFile(this.#path);
    if (file.text.trim() === '') {
      this.#vanished(file);
      return;
    }
    this.#vanishedMs = 0;
    this.#vanishedSaid = false;
    if (file.text === this.#text) return;
    this.#text = file.text;
    try {
      this.#take(readConfig({ ...this.#options.sources, file }));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#options.onFaults(error);
    }
  };

  #take(config: OutcryConfig): void {
    const changed = changedSettings(this.#running, config, this.#options.sources.uses);
    const fixed = changed.filter(({ reload }) => !reload);
    if (fixed.length > 0) throw new ConfigError(sortFaults(fixed.map(({ fault }) => fault)));
    this.#running = config;
    if (changed.length > 0) this.#options.onConfig(config, changed.map(({ name }) => name));
  }

  /** Nothing to read: being replaced, or gone. */
  #vanished(file: ConfigFile): void {
    const nowMs = performance.now();
    if (this.#vanishedMs === 0) this.#vanishedMs = nowMs;
    if (nowMs - this.#vanishedMs < VANISHED_MS) {
      this.#lookIn(DEBOUNCE_MS);
      return;
    }
    if (this.#vanishedSaid) return;
    this.#vanishedSaid = true;
    // The same text coming back is what runs already, or has been reported.
    const empty = { place: DEFAULT_PLACE, key: '', message: `${this.#path}: expected a configuration, was empty` };
    this.#options.onFaults(new ConfigError(file.faults.length > 0 ? file.faults : [empty]));
  }

  #lost(error: Error): void {
    const message = `${this.#path} is not watched any more: ${error.message}`;
    if (this.#closed) return;
    this.close();
    this.#options.onFaults(new ConfigError([{ place: DEFAULT_PLACE, key: '', message }]));
  }
}

interface ChangedSetting {
  readonly name: string;
  readonly reload: boolean;
  /** What to say where it may not change. */
  readonly fault: Fault;
}

/**
 * Settings whose values differ, in the order of the schema: of the sections that are used, and those
 * that stand above all sections. The others are of other programs that share the file.
 */
function changedSettings(
  before: OutcryConfig, after: OutcryConfig, uses: readonly SectionName[],
): ChangedSetting[] {
  const changed: ChangedSetting[] = [];
  const names: readonly string[] = uses;
  for (const section of SECTIONS) {
    if (section !== TOP_SECTION && !names.includes(section.name)) continue;
    for (const key of fileKeys(section)) {
      const { form, reload = false } = section.schema[key];
      const written = (config: OutcryConfig): string => {
        const value = config.resolution.value(section, key);
        return value === null ? '' : form.write(value);
      };
      const [old, now] = [written(before), written(after)];
      if (old === now) continue;
      const name = settingName(section, key);
      const shown = form.secret === true || form.fields !== undefined ? '' : valueText(old, now);
      changed.push({
        name,
        reload,
        fault: {
          place: after.resolution.place(name),
          key: name,
          message: `expected no change before the next start, ${snakeCase(key)} cannot change while running${shown}`,
        },
      });
    }
  }
  return changed;
}

function valueText(old: string, now: string): string {
  return `: runs with ${old === '' ? 'none' : old}, was ${now === '' ? 'none' : now}`;
}
