// `outcry config`: looks at configuration files without running anything.
//
//   check FILE    every fault with its line, or what the file comes to    0 fine, 1 faults
//   print         every value that holds, and where it comes from
//   sample        a commented file with every key
//
// With --json the last line of stdout is one JSON object.
import { styleText } from 'node:util';
import { Command } from 'commander';
import { EXCHANGE_RUN_SECTION } from './config.ts';
import { readConfigFile } from './config_file.ts';
import { type Form, snakeCase } from './config_forms.ts';
import { machineFaults, readMachine } from './config_machine.ts';
import { sampleFile } from './config_sample.ts';
import {
  addConfigFlags,
  commandSources,
  type OutcryConfig,
  type OutcrySources,
  readConfig,
  type SectionName,
  SECTIONS,
  VERB_SECTIONS,
} from './config_sections.ts';
import { ConfigError, type Fault, faultText, placeText } from './config_value.ts';
import { addFlags, fileKeys, type Section, settingName } from './settings.ts';
import { counted } from './shown_text.ts';

const EXIT_FAULTS = 1;
const HIDDEN = '(not shown)';
/** Longer values of the listing are cut; --toml and --json have them whole. */
const VALUE_WIDTH = 48;

export function configCommand(): Command {
  const command = new Command('config')
    .description('Looks at configuration files without running anything.')
    .enablePositionalOptions();
  command.addCommand(checkCommand());
  command.addCommand(printCommand());
  command.addCommand(
    new Command('sample')
      .description('Prints a commented configuration file with every key.')
      .action(() => void process.stdout.write(sampleFile())),
  );
  return command.addHelpText(
    'after',
    `
Examples:
  outcry config sample > outcry.toml
  outcry config check outcry.toml                       all faults with their lines, exit code 1
  outcry config print --config outcry.toml --toml       what holds, and where each value comes from
  outcry config print exchange --port 0 --ttl 2         the same for a command line`,
  );
}

// ── check ──────────────────────────────────────────────────────────────────────────────────────

function checkCommand(): Command {
  return new Command('check')
    .description('Reports every fault of a file with its line. The environment plays no part.')
    .argument('<file>', 'TOML, or JSON')
    .option('--json', 'the last line of stdout is the result as one JSON object')
    .action((path: string, { json = false }: { json?: boolean }) => {
      const faults = check(path, json);
      if (faults > 0) process.exitCode = EXIT_FAULTS;
    });
}

/** Returns the number of faults. */
function check(path: string, json: boolean): number {
  const file = readConfigFile(path);
  const uses = SECTIONS.map(({ name }) => name).filter((name) => file.root.entries.has(name));
  try {
    const config = readConfig({
      file,
      environment: {},
      flag: () => undefined,
      uses: uses as SectionName[],
    });
    const notes = machineFaults(config.performance, readMachine());
    const given = givenKeys(config);
    for (const note of notes) process.stdout.write(`${styleText('yellow', 'this machine:')} ${note}\n`);
    process.stdout.write(
      json
        ? `${JSON.stringify({ ok: true, file: path, keys: given, machine: notes })}\n`
        : `${path}: ${styleText('green', 'ok')}, ${counted(given, 'key')}${sectionsText(uses)}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) process.stdout.write(`${faultText(fault)}\n`);
    const { length } = error.faults;
    process.stdout.write(
      json
        ? `${JSON.stringify({ ok: false, file: path, faults: error.faults.map(faultObject) })}\n`
        : `${path}: ${styleText('red', counted(length, 'fault'))}\n`,
    );
    return length;
  }
}

function sectionsText(names: readonly string[]): string {
  const shown = names.map((name) => `[${name}]`).join(' ');
  return shown === '' ? '' : ` in ${shown}`;
}

function givenKeys({ resolution }: OutcryConfig): number {
  return everySetting().filter(
    ({ section, key }) => resolution.place(settingName(section, key)).kind !== 'default',
  ).length;
}

function faultObject({ place, key, message }: Fault): object {
  return place.kind === 'file'
    ? { file: place.path, line: place.line, column: place.column, key, message }
    : { source: placeText(place), key, message };
}

// ── print ──────────────────────────────────────────────────────────────────────────────────────

function printCommand(): Command {
  return addConfigFlags(new Command('print'), [])
    .description(
      'Prints every value that holds with where it comes from: a line of the file, a variable, a ' +
        'flag, or the default. Passwords are not shown.',
    )
    .argument('[command...]', 'a verb and its flags, as one would start it: exchange --port 0')
    .option('--json', 'as one JSON object, the last line of stdout')
    .option('--toml', 'as a configuration file')
    .passThroughOptions()
    .action((words: string[], flags: { json?: boolean; toml?: boolean }, command: Command) => {
      const { sources, json, toml } = askedOf(words, command);
      const config = readConfig(sources);
      const isJson = flags.json === true || json;
      const print = isJson ? asJson : flags.toml === true || toml ? asToml : asTable;
      process.stdout.write(print(config));
    });
}

interface Asked {
  readonly sources: OutcrySources;
  readonly json: boolean;
  readonly toml: boolean;
}

/** The sources that a verb with these flags would have; --json and --toml may stand behind it too. */
function askedOf(words: readonly string[], command: Command): Asked {
  const [verb, ...args] = words;
  if (verb === undefined) return { sources: commandSources(command, []), json: false, toml: false };
  const known = Object.keys(VERB_SECTIONS);
  if (!known.includes(verb))
    return command.error(`error: expected a verb with a configuration: ${known.join(', ')}, was ${verb}`);
  const sections = VERB_SECTIONS[verb as keyof typeof VERB_SECTIONS];
  const parsed = addConfigFlags(new Command(verb), sections).exitOverride().option('--toml');
  // How to run is of no interest here, but may stand there.
  if (verb === 'exchange') addFlags(parsed, EXCHANGE_RUN_SECTION);
  else parsed.option('--json');
  const file = command.opts<{ config?: string }>().config;
  parsed.parse([...(file === undefined ? [] : ['--config', file]), ...args], { from: 'user' });
  const { json = false, toml = false } = parsed.opts<{ json?: boolean; toml?: boolean }>();
  return { sources: commandSources(parsed, sections), json, toml };
}

interface Printed {
  readonly section: Section;
  readonly key: string;
  /** Without secrets. */
  readonly value: unknown;
  /** As TOML has it; '' where the value depends on others. */
  readonly text: string;
  readonly source: string;
}

function everySetting(): { section: Section; key: string }[] {
  return SECTIONS.flatMap((section) => fileKeys(section).map((key) => ({ section, key })));
}

function printed({ resolution }: OutcryConfig): Printed[] {
  return everySetting().map(({ section, key }) => {
    const { form } = section.schema[key];
    const value = withoutSecrets(form, resolution.value(section, key));
    const source = placeText(resolution.place(settingName(section, key)));
    return { section, key, value, text: form.write(value), source };
  });
}

function withoutSecrets(form: Form<unknown>, value: unknown): unknown {
  if (value === null) return null;
  if (form.secret === true) return HIDDEN;
  const { fields } = form;
  if (fields === undefined) return value;
  return (value as Record<string, unknown>[]).map((table) =>
    Object.fromEntries(
      Object.entries(table).map(([name, one]) => [name, withoutSecrets(fields[name], one)]),
    ),
  );
}

function asTable(config: OutcryConfig): string {
  let shown = '';
  let current: Section | null = null;
  for (const { section, key, text, source, value } of printed(config)) {
    if (section !== current && section.name !== '') shown += `${styleText('bold', `[${section.name}]`)}\n`;
    current = section;
    const one = value === null ? (section.schema[key].defaultText ?? 'none') : text.replaceAll(/\s+/g, ' ');
    const cut = one.length > VALUE_WIDTH ? `${one.slice(0, VALUE_WIDTH - 1)}…` : one;
    const from = source === 'default' ? styleText('dim', source) : styleText('cyan', source);
    shown += `  ${snakeCase(key).padEnd(28)}${cut.padEnd(VALUE_WIDTH)}  ${from}\n`;
  }
  return shown;
}

function asToml(config: OutcryConfig): string {
  let shown = '';
  let current: Section | null = null;
  for (const { section, key, text, source, value } of printed(config)) {
    if (section !== current && section.name !== '') shown += `\n[${section.name}]\n`;
    current = section;
    shown +=
      value === null
        ? `# ${snakeCase(key)}: ${section.schema[key].defaultText ?? 'none'}\n`
        : `${snakeCase(key)} = ${text} # ${source}\n`;
  }
  return shown;
}

function asJson(config: OutcryConfig): string {
  const sections: Record<string, Record<string, { value: unknown; source: string }>> = {};
  for (const { section, key, value, source } of printed(config)) {
    (sections[section.name === '' ? 'top' : section.name] ??= {})[snakeCase(key)] = { value, source };
  }
  return `${JSON.stringify({ ok: true, ...sections })}\n`;
}
