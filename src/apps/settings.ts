// Settings: one schema says everything about a key – its form, its default, its flag, whether it
// may change while running, its description – and flags, variables of the environment, keys of the
// file, help, sample, the table in docs/CONFIGURATION.md and the printed configuration come from it.
//
//   flag --max-connections        ─┐
//   HFT_EXCHANGE_MAX_CONNECTIONS  ─┤  the first that is given wins ─► form ─► value, or a fault
//   file: exchange.max_connections ┤
//   default                       ─┘
//
// Every fault is reported, not the first alone: where it was said (file, line and column; flag;
// variable), what was expected, what came. A key that no setting has is a fault too. What
// contradicts itself is looked for after the single values (`Contradict`).
//
// A new key is one line in its section's schema.
import type { Command } from 'commander';
import { Option } from 'commander';
import { type Form, snakeCase } from './config_forms.ts';
import type { ConfigFile } from './config_file.ts';
import {
  type Came,
  cameText,
  ConfigError,
  DEFAULT_PLACE,
  type Fault,
  type Place,
  suggestion,
} from './config_value.ts';

/** What a setting says of itself beside its form. */
export interface SettingMeta {
  /** Of a switch that is on by default: what its `--no-…` does. */
  readonly description: string;
  /** A letter for the flag. */
  readonly short?: string;
  /** Name of the value in the help; absent: a switch. */
  readonly value?: string;
  /** Name of the flag without "--", where it is not that of the key. */
  readonly flag?: string;
  /** A variable that users of other systems know, beside HFT_<SECTION>_<KEY>. */
  readonly environment?: string;
  /** In the help instead of the default itself. */
  readonly defaultText?: string;
  /** In the file only: it has no form that a flag could take. */
  readonly fileOnly?: boolean;
  /** On the command line only: it says how to run, not what. */
  readonly flagOnly?: boolean;
  /** May change while running (config_watch.ts); any other change needs a restart. */
  readonly reload?: boolean;
  /** As the sample file has it, in TOML, where that is not the default. */
  readonly sample?: string;
  /** In the sample file as a comment, in TOML: what has no default that could be shown. */
  readonly example?: string;
}

export interface Setting<T> extends SettingMeta {
  readonly form: Form<T>;
  /** Its value when nobody says anything. */
  readonly fallback: T;
}

export function setting<T>(form: Form<T>, fallback: T, meta: SettingMeta): Setting<T> {
  return { ...meta, form, fallback };
}

export type SectionSchema = Readonly<Record<string, Setting<unknown>>>;

/** A table of the file; the keys of the section '' stand at the top. */
export interface Section<S extends SectionSchema = SectionSchema> {
  readonly name: string;
  /** For people, one line. */
  readonly about: string;
  readonly schema: S;
}

export type ValuesOf<S extends SectionSchema> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

// ── names ──────────────────────────────────────────────────────────────────────────────────────

/** "exchange.multicast_addr". */
export function settingName(section: Section, key: string): string {
  return section.name === '' ? snakeCase(key) : `${section.name}.${snakeCase(key)}`;
}

export function flagName(section: Section, key: string): string {
  return section.schema[key].flag ?? snakeCase(key).replaceAll('_', '-');
}

/** Of the environment; what stands in the file alone or on the command line alone has none. */
export function variableNames(section: Section, key: string): readonly string[] {
  const { fileOnly, flagOnly, environment } = section.schema[key];
  if (fileOnly === true || flagOnly === true) return [];
  const name = `HFT_${section.name}_${snakeCase(key)}`.toUpperCase();
  return environment === undefined || environment === name ? [name] : [environment, name];
}

/** Keys that the file may have. */
export function fileKeys(section: Section): string[] {
  return Object.keys(section.schema).filter((key) => section.schema[key].flagOnly !== true);
}

// ── flags ──────────────────────────────────────────────────────────────────────────────────────

/** Gives the command an option for every setting that has one. */
export function addFlags(command: Command, section: Section): Command {
  for (const key of Object.keys(section.schema)) {
    const one = section.schema[key];
    if (one.fileOnly === true) continue;
    const name = flagName(section, key);
    const short = one.short === undefined ? '' : `-${one.short}, `;
    if (one.value === undefined && one.fallback === true) {
      command.addOption(new Option(`--no-${name}`, one.description));
      continue;
    }
    const value = one.value === undefined ? '' : ` <${one.value}>`;
    const shown = one.defaultText ?? defaultText(one);
    const description = shown === '' ? one.description : `${one.description} (default: ${shown})`;
    command.addOption(new Option(`${short}--${name}${value}`, description));
  }
  return command;
}

/** A default as the command line takes it; '' where there is nothing to show. */
function defaultText({ form, fallback }: Setting<unknown>): string {
  if (fallback === null || fallback === false) return '';
  if (typeof fallback === 'string') return fallback;
  if (Array.isArray(fallback)) return fallback.join(',');
  const written = form.write(fallback).replaceAll('"', '');
  return written === '{}' ? '' : written;
}

/** What the command line says of a key; undefined: nothing. */
export type FlagReader = (section: Section, key: string) => Came | undefined;

/** What somebody typed for the flags of `sections`; commander knows defaults of switches too. */
export function typedFlags(command: Command, sections: readonly Section[]): FlagReader {
  const values = command.opts<Record<string, unknown>>();
  return (section, key) => {
    if (!sections.includes(section) || section.schema[key].fileOnly === true) return undefined;
    const name = flagName(section, key);
    const attribute = name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (command.getOptionValueSource(attribute) !== 'cli') return undefined;
    const at: Place = { kind: 'flag', name: `--${name}` };
    const value = values[attribute];
    return typeof value === 'boolean'
      ? { kind: 'boolean', value, at }
      : { kind: 'text', text: String(value), at };
  };
}

// ── values ─────────────────────────────────────────────────────────────────────────────────────

export interface ConfigSources {
  /** null: none. */
  readonly file: ConfigFile | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flag: FlagReader;
}

/**
 * Says that settings contradict each other. `key` is to blame ("trade.max_order_qty",
 * "instruments[1].max_price"), `others` are involved: where the first has its default, the fault
 * stands at the first of them that somebody gave.
 */
export type Contradict = (key: string, message: string, ...others: readonly string[]) => void;

interface Resolved {
  readonly value: unknown;
  readonly came: Came | null;
  readonly faulty: boolean;
}

/** Every setting from the first source that says something of it, with all faults. */
export class Resolution {
  readonly faults: Fault[] = [];
  readonly #resolved = new Map<string, Resolved>();

  constructor(sections: readonly Section[], sources: ConfigSources) {
    if (sources.file !== null) {
      this.faults.push(...sources.file.faults, ...unknownKeys(sections, sources.file));
    }
    this.faults.push(...unknownVariables(sections, sources.environment));
    for (const section of sections)
      for (const key of Object.keys(section.schema)) this.#resolve(section, key, sources);
  }

  /** Faulty ones have their default. */
  values<S extends SectionSchema>(section: Section<S>): ValuesOf<S> {
    const keys = Object.keys(section.schema);
    const entries = keys.map((key) => [key, this.#resolved.get(settingName(section, key))?.value]);
    return Object.fromEntries(entries) as ValuesOf<S>;
  }

  value(section: Section, key: string): unknown {
    return this.#resolved.get(settingName(section, key))?.value;
  }

  /** Where a setting, or what stands inside it, was given. */
  place(path: string): Place {
    const { name, inside } = this.#find(path);
    let came = this.#resolved.get(name)?.came ?? null;
    if (came === null) return DEFAULT_PLACE;
    for (const step of inside) {
      const next: Came | undefined =
        came.kind === 'array' ? came.items[Number(step)]
        : came.kind === 'table' ? came.entries.get(step)?.value
        : undefined;
      if (next === undefined) break;
      came = next;
    }
    return came.at;
  }

  readonly contradict: Contradict = (key, message, ...others) => {
    const involved = [key, ...others];
    // What is wrong by itself has been reported.
    if (involved.some((path) => this.#resolved.get(this.#find(path).name)?.faulty === true)) return;
    const places = involved.map((path) => this.place(path));
    const place = places.find(({ kind }) => kind !== 'default') ?? DEFAULT_PLACE;
    // A flag's own name stands for the key, but only for its own.
    const shown = place === places[0] || place.kind === 'file' ? message : `${key}: ${message}`;
    this.faults.push({ place, key, message: shown });
  };

  /** "instruments[1].max_price": the setting, and the steps into it. */
  #find(path: string): { name: string; inside: readonly string[] } {
    const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
    const depth = this.#resolved.has(steps.slice(0, 2).join('.')) ? 2 : 1;
    return { name: steps.slice(0, depth).join('.'), inside: steps.slice(depth) };
  }

  #resolve(section: Section, key: string, sources: ConfigSources): void {
    const { form, fallback } = section.schema[key];
    const name = settingName(section, key);
    const came =
      sources.flag(section, key) ??
      this.#fromEnvironment(section, key, sources.environment) ??
      (section.schema[key].flagOnly === true ? null : fromFile(section, key, sources.file));
    if (came === null) {
      this.#resolved.set(name, { value: fallback, came, faulty: false });
      return;
    }
    const value = form.read(came, (place, path, message) => {
      this.faults.push({ place, key: `${name}${path}`, message });
    });
    const faulty = value === undefined;
    this.#resolved.set(name, { value: faulty ? fallback : value, came, faulty });
  }

  #fromEnvironment(
    section: Section, key: string, environment: ConfigSources['environment'],
  ): Came | undefined {
    const given = variableNames(section, key).filter((name) => (environment[name] ?? '') !== '');
    if (given.length === 0) return undefined;
    const [name, other] = given;
    const came: Came = { kind: 'text', text: environment[name] ?? '', at: { kind: 'environment', name } };
    if (other !== undefined && environment[other] !== environment[name]) {
      this.faults.push({
        place: { kind: 'environment', name: other },
        key: settingName(section, key),
        message: `expected the same as ${name} = ${cameText(came)}, was ${JSON.stringify(environment[other])}`,
      });
    }
    return came;
  }
}

/** Settings that the command line alone has. Throws a ConfigError with all faults. */
export function readRunSettings<S extends SectionSchema>(
  section: Section<S>, command: Command,
): ValuesOf<S> {
  const flag = typedFlags(command, [section]);
  const resolution = new Resolution([section], { file: null, environment: {}, flag });
  if (resolution.faults.length > 0) throw new ConfigError(resolution.faults);
  return resolution.values(section);
}

function fromFile(section: Section, key: string, file: ConfigFile | null): Came | null {
  if (file === null) return null;
  const table = section.name === '' ? file.root : file.root.entries.get(section.name)?.value;
  return (table?.kind === 'table' ? table.entries.get(snakeCase(key))?.value : undefined) ?? null;
}

function unknownKeys(sections: readonly Section[], file: ConfigFile): Fault[] {
  const faults: Fault[] = [];
  const named = sections.filter(({ name }) => name !== '');
  const top = sections.filter(({ name }) => name === '').flatMap(fileKeys).map(snakeCase);
  for (const [name, { keyAt, value }] of file.root.entries) {
    const section = named.find((candidate) => candidate.name === name);
    if (section === undefined) {
      if (top.includes(name)) continue;
      const known = [...named.map((one) => one.name), ...top];
      const meant =
        suggestion(name, known) || elsewhere(named, name) || `, expected one of ${known.join(', ')}`;
      faults.push({ place: keyAt, key: name, message: `unknown section or key${meant}` });
      continue;
    }
    if (value.kind !== 'table') {
      faults.push({ place: value.at, key: name, message: `expected a table, was ${cameText(value)}` });
      continue;
    }
    const known = fileKeys(section).map(snakeCase);
    for (const [key, entry] of value.entries) {
      if (known.includes(key)) continue;
      const meant = elsewhere(named, key) || suggestion(key, known);
      faults.push({ place: entry.keyAt, key: `${name}.${key}`, message: `unknown key${meant}` });
    }
  }
  return faults;
}

/** ", it belongs in [trading]" where another section has the key. */
function elsewhere(sections: readonly Section[], key: string): string {
  const owners = sections.filter((one) => fileKeys(one).map(snakeCase).includes(key));
  if (owners.length === 0) return '';
  return `, it belongs in ${owners.map(({ name }) => `[${name}]`).join(' or ')}`;
}

/**
 * Slips in variables that look like ours. Others that begin with HFT_ are other programs'.
 */
function unknownVariables(
  sections: readonly Section[], environment: ConfigSources['environment'],
): Fault[] {
  const known = sections.flatMap((section) =>
    Object.keys(section.schema).flatMap((key) => variableNames(section, key)),
  );
  const faults: Fault[] = [];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('HFT_') || known.includes(name) || environment[name] === '') continue;
    const meant = suggestion(name, known, true);
    if (meant !== '')
      faults.push({ place: { kind: 'environment', name }, key: name, message: `unknown variable${meant}` });
  }
  return faults;
}
