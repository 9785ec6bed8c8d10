// A configuration file: TOML, or JSON where its name ends so. Reading it never throws: what is wrong
// with it is reported together with what is wrong elsewhere.
import { readFileSync, statSync } from 'node:fs';
import { parseJson } from './config_json.ts';
import { parseToml } from './config_toml.ts';
import { type CameTable, DEFAULT_PLACE, type Fault } from './config_value.ts';
import { systemReason } from './system_error.ts';

/** No configuration is that long; a device or a log named by mistake may be. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface ConfigFile {
  readonly path: string;
  /** '' of a file that cannot be read. */
  readonly text: string;
  readonly root: CameTable;
  readonly faults: readonly Fault[];
}

export function readConfigFile(path: string): ConfigFile {
  let text: string;
  try {
    // A pipe is welcome (`--config <(…)`); a device that never ends is not.
    const status = statSync(path);
    if (!status.isFile() && !status.isFIFO()) return unreadable(path, 'expected a file');
    if (status.size > FILE_BYTES_MAX)
      return unreadable(path, `expected at most ${FILE_BYTES_MAX} bytes, was ${status.size}`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return unreadable(path, systemReason(error));
  }
  return parseConfig(path, text);
}

/** `path` says how to read it, and names it in faults. */
export function parseConfig(path: string, text: string): ConfigFile {
  // The mark that some editors put before the text.
  const source = text.replace(/^\uFEFF/, '');
  const parse = path.endsWith('.json') ? parseJson : parseToml;
  return { path, text, ...parse(path, source) };
}

function unreadable(path: string, reason: string): ConfigFile {
  return {
    path,
    text: '',
    root: { kind: 'table', entries: new Map(), at: DEFAULT_PLACE },
    faults: [
      {
        place: DEFAULT_PLACE,
        key: '',
        message: `cannot read the configuration file ${path}: ${reason}`,
      },
    ],
  };
}
