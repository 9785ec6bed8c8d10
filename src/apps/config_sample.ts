// What the schema says of itself, for people: the sample file (`outcry config sample`,
// docs/outcry.sample.toml) and the rows of docs/CONFIGURATION.md. Both are generated, so that neither
// can say what is not so.
import { parseConfig } from './config_file.ts';
import { type Form, snakeCase } from './config_forms.ts';
import { SECTIONS } from './config_sections.ts';
import { fileKeys, flagName, type Section, type Setting, variableNames } from './settings.ts';

const WIDTH = 100;

// ── the sample file ────────────────────────────────────────────────────────────────────────────

const HEAD = [
  'Every key of the configuration, with its default; where a key has none, an example in a comment.',
  'Only [performance] differs: it shows how to ask for what is off by default.',
  'Printed by `outcry config sample`; `outcry config check FILE` looks at a file,',
  '`outcry config print --config FILE` says what it comes to.',
  '',
  'Flags go before the environment (HFT_<SECTION>_<KEY>), that before this file, that before the',
  'defaults. Keys marked with * may change while running: an edited file is taken as a whole or,',
  'with all its faults reported, not at all.',
];

/** A configuration file with every key, commented. */
export function sampleFile(): string {
  return [comment(HEAD), ...SECTIONS.map(sampleSection)].join('\n');
}

function sampleSection(section: Section): string {
  const lines: string[] = [];
  const line = '─'.repeat(Math.max(3, WIDTH - 6 - section.about.length));
  lines.push(`# ── ${section.about} ${line}`);
  if (section.name !== '') lines.push(`[${section.name}]`);
  // Tables come last: what follows their headers would be theirs.
  const keys = fileKeys(section).toSorted((a, b) => Number(isTable(section, a)) - Number(isTable(section, b)));
  for (const key of keys) lines.push(sampleSetting(section, key));
  return lines.join('\n');
}

function isTable(section: Section, key: string): boolean {
  const { form, example } = section.schema[key];
  return form.fields !== undefined || example?.startsWith('{') === true;
}

function sampleSetting(section: Section, key: string): string {
  const one = section.schema[key];
  const about = comment(wrapped(`${one.reload === true ? '* ' : ''}${aboutText(one)}`));
  if (isTable(section, key)) return `${about}${comment(exampleTable(section, key))}`;
  if (one.example !== undefined) return `${about}# ${snakeCase(key)} = ${one.example}\n`;
  // The test of the sample asks for an example.
  if (one.fallback === null && one.sample === undefined) return `${about}# ${snakeCase(key)}\n`;
  return `${about}${snakeCase(key)} = ${one.sample ?? one.form.write(one.fallback)}\n`;
}

/** What it is for, and what it may be. */
function aboutText({ description, form, fallback, example, defaultText }: Setting<unknown>): string {
  // Of a switch that is on by default the description says what its --no-… does.
  const purpose = fallback === true ? `false: ${description}` : description;
  const listed = description.includes(form.expected.replace('one of ', ''));
  const shape = listed || typeof fallback === 'boolean' ? '' : `; ${form.expected}`;
  const otherwise = example !== undefined && defaultText !== undefined ? `; default: ${defaultText}` : '';
  return `${purpose}${shape}${otherwise}`;
}

/** A table with its header and keys, from its example. */
function exampleTable(section: Section, key: string): string[] {
  const { form, example = '' } = section.schema[key];
  const name = section.name === '' ? snakeCase(key) : `${section.name}.${snakeCase(key)}`;
  const value = exampleValue(form, example);
  if (form.fields === undefined) {
    const pairs = Object.entries(value as Record<string, number>);
    return [`[${name}]`, ...pairs.map(([parameter, number]) => `${parameter} = ${number}`)];
  }
  const { fields } = form;
  const lines: string[] = [];
  for (const [index, table] of (value as Record<string, unknown>[]).entries()) {
    lines.push(`[[${name}]]`);
    for (const field of Object.keys(fields))
      lines.push(...exampleField(field, fields[field], table[field], index === 0));
  }
  return lines;
}

/** In the first table with its form, so that the file explains itself; what a table leaves out is left out. */
function exampleField(field: string, form: Form<unknown>, value: unknown, isFirst: boolean): string[] {
  const isAbsent = form.absent !== undefined && value === form.absent.value;
  if (value === null || (isAbsent && !isFirst)) return [];
  const pair = `${snakeCase(field)} = ${form.write(value)}`;
  const needed = form.absent === undefined ? 'needed: ' : '';
  return [isFirst ? `${pair.padEnd(26)} # ${needed}${form.expected}` : pair];
}

/** What a form makes of the TOML of an example. */
function exampleValue<T>(form: Form<T>, example: string): T {
  const came = parseConfig('example', `value = ${example}`).root.entries.get('value')?.value;
  const value = came && form.read(came, (_at, path, message) => {
    throw new TypeError(`the example ${example} is none: ${path} ${message}`);
  });
  if (value === undefined) throw new TypeError(`the example ${example} is no TOML`);
  return value;
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => `${`# ${line}`.trimEnd()}\n`).join('');
}

function wrapped(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (lines[last].length + 1 + word.length > WIDTH - 2) lines.push(word);
    else lines[last] = lines[last] === '' ? word : `${lines[last]} ${word}`;
  }
  return lines;
}

// ── the document ───────────────────────────────────────────────────────────────────────────────

/** A heading and a table of its keys for each section, in Markdown. */
export function keyTables(): string {
  return SECTIONS.map(keyTable).join('\n');
}

function keyTable(section: Section): string {
  const title = section.name === '' ? 'Top of the file' : `\`[${section.name}]\``;
  const rows = fileKeys(section).flatMap((key) => keyRows(section, key));
  return [
    `### ${title}`,
    `${capital(section.about)}.`,
    '',
    '| key | default | flag | variables | |',
    '|---|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
    '',
  ].join('\n');
}

function keyRows(section: Section, key: string): string[][] {
  const one = section.schema[key];
  const flag = flagText(section, key);
  const star = one.reload === true ? ' *' : '';
  const variables = variableNames(section, key).map((name) => `\`${name}\``).join(', ');
  const fallback = one.defaultText ?? `\`${one.form.write(one.fallback)}\``;
  const row = [`\`${snakeCase(key)}\`${star}`, fallback, flag, variables, aboutText({ ...one, defaultText: '' }).replace(/; default: $/, '')];
  const fields = Object.entries(one.form.fields ?? {}).map(([field, form]) => [
    `\`${snakeCase(key)}[].${snakeCase(field)}\``,
    form.absent === undefined ? 'needed' : absentText(form),
    '', '', form.expected,
  ]);
  return [row, ...fields];
}

function flagText(section: Section, key: string): string {
  const { fileOnly, short, value, fallback } = section.schema[key];
  if (fileOnly === true) return '';
  const name = flagName(section, key);
  if (value === undefined && fallback === true) return `\`--no-${name}\``;
  return `\`--${name}${short === undefined ? '' : ` -${short}`}\``;
}

function absentText(form: Form<unknown>): string {
  return form.absent?.value === null ? 'none' : `\`${form.write(form.absent?.value)}\``;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
