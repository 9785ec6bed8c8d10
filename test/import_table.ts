// The layers of docs/ARCHITECTURE.md as a table, and what breaks them. Checked by imports.test.ts.
//
// Product files must keep to their folder's row. Beside a product file stand its tests, fuzzers,
// benchmarks and twins (x.test.ts, x.fuzz.ts, x.bench.ts, x.reference.ts): they see the same
// folders and `net` in full, and may use what a test needs of Node, the tools and test libraries.
import { dirname, extname, join } from 'node:path/posix';

interface Layer {
  /** Folders of src whose files may be imported. */
  readonly folders: readonly string[];
  /**
   * Folders of which only types may be imported, for what stands there is handed in; and the file
   * of the interface.
   */
  readonly types?: readonly string[];
  readonly interfaces?: readonly string[];
  /** Modules of Node and packages. */
  readonly modules?: readonly string[];
  /** Further modules of single files, each with its reason. */
  readonly exceptions?: Readonly<
    Record<string, { readonly modules: readonly string[]; readonly reason: string }>
  >;
}

export const LAYERS: Readonly<Record<string, Layer>> = {
  base: { folders: [] },
  wire: {
    folders: ['base'],
    exceptions: {
      'src/wire/golden.ts': {
        modules: ['node:fs'],
        reason: 'reads the golden bytes that lie beside it, for tests and documents',
      },
    },
  },
  book: {
    folders: ['base', 'wire'],
    exceptions: {
      'src/book/core_module.ts': { modules: ['node:fs', 'node:url'], reason: 'loads core.wasm' },
      'src/book/market_data_processor.ts': {
        modules: ['node:worker_threads'],
        reason: 'starts the helper threads of the market data processor',
      },
      'src/book/market_data_thread.ts': {
        modules: ['node:worker_threads'],
        reason: 'is a thread: what it was started with',
      },
    },
  },
  os: {
    folders: ['base'],
    modules: ['koffi', 'node:module', 'node:os'],
    exceptions: {
      'src/os/dpdk.ts': {
        modules: ['node:fs'],
        reason: 'how many huge pages are free stands in a file, under /proc',
      },
      'src/os/program_pages.ts': {
        modules: ['node:fs'],
        reason: 'the system tells of a process in files, under /proc',
      },
      'src/os/mapped_file.ts': {
        modules: ['node:fs'],
        reason: 'a file that is mapped must be made and opened',
      },
      'src/os/process_identity.ts': {
        modules: ['node:fs'],
        reason: 'the system tells of a process in files, under /proc',
      },
      'src/os/shared_segment.ts': {
        modules: ['node:fs'],
        reason: 'a segment that processes share is a file, which must be made, opened and removed',
      },
      'src/os/bell.ts': {
        modules: ['node:fs'],
        reason: 'a FIFO must be opened and removed',
      },
      'src/os/memory_policy.ts': {
        modules: ['node:fs'],
        reason: 'the system tells of mappings and limits in files, under /proc',
      },
      'src/os/settled_heap.ts': {
        modules: ['node:v8', 'node:vm'],
        reason: 'what V8 does with its heap is asked of V8',
      },
      'src/os/time_stamp_counter.ts': {
        modules: ['node:fs'],
        reason: 'the system tells of its clock in files, under /sys; code is handed over as a file in memory',
      },
    },
  },
  net: {
    folders: ['base', 'os'],
    modules: ['node:net', 'node:dgram', 'node:dns/promises', 'node:os', 'node:timers/promises'],
    exceptions: {
      'src/net/signing.ts': { modules: ['node:crypto'], reason: 'hash and randomness of signed log-ins' },
    },
  },
  recorded: {
    folders: ['base', 'wire', 'book'],
    modules: ['node:fs', 'node:path', 'node:url', 'node:zlib'],
  },
  journal: {
    folders: ['base', 'wire', 'book', 'os'],
    exceptions: {
      'src/journal/file_storage.ts': {
        modules: ['node:fs', 'node:path'],
        reason: 'the only file of the journal that touches files',
      },
      'src/journal/threaded_journal.ts': {
        modules: ['node:worker_threads'],
        reason: 'starts the threads of the journal',
      },
      'src/journal/journal_thread.ts': {
        modules: ['node:worker_threads'],
        reason: 'is a thread: what it was started with',
      },
      'src/journal/spare_thread.ts': {
        modules: ['node:worker_threads'],
        reason: 'is a thread: what it was started with',
      },
    },
  },
  // Of the journal what it writes, reads and replays; storage and threads are handed in.
  exchange: {
    folders: ['base', 'wire', 'book', 'journal'],
    types: ['net', 'observe'],
    interfaces: ['src/net/transport.ts', 'src/observe/profile/stages.ts'],
  },
  trader: {
    folders: ['base', 'wire', 'book', 'journal'],
    types: ['net', 'observe'],
    interfaces: ['src/net/transport.ts', 'src/observe/profile/stages.ts'],
  },
  // Knows nothing of those it watches: they are handed its histograms and rings.
  observe: {
    folders: ['base', 'os'],
    modules: ['node:fs', 'node:os', 'node:path', 'node:perf_hooks', 'node:url', 'node:v8', 'node:worker_threads'],
    exceptions: {
      'src/observe/dashboard/server.ts': {
        modules: ['fastify', 'node:http', 'node:net', 'node:stream', 'ws'],
        reason: 'serves page, JSON and WebSockets',
      },
      'src/observe/dashboard/live.ts': { modules: ['ws'], reason: 'speaks over the WebSockets of the server' },
      'src/observe/dashboard/access.ts': { modules: ['node:crypto'], reason: 'compares tokens by their hashes, in constant time' },
      'src/observe/alerts/webhook.ts': {
        modules: ['node:crypto', 'node:timers/promises'],
        reason: 'signs what it sends; pauses between two attempts',
      },
      'src/observe/dashboard/time_travel_routes.ts': {
        modules: ['fastify', 'node:zlib'],
        reason: 'routes of the server; whole files are packed as they are sent',
      },
      'src/observe/dashboard/page_files.ts': {
        modules: ['node:crypto', 'node:zlib'],
        reason: 'tags of files by their content; compressed answers',
      },
    },
  },
  // Its processor knows no I/O; the composition root (trading_engine.ts) makes network and loop.
  engine: { folders: ['base', 'wire', 'book', 'trader', 'net'] },
  backtest: {
    folders: ['base', 'wire', 'book', 'net', 'recorded', 'exchange', 'trader'],
  },
  // A journal or a recorded day, scrubbed through. No I/O: a page in a browser has it whole.
  timetravel: { folders: ['base', 'wire', 'book', 'recorded', 'journal', 'exchange'] },
  // The whole system on a simulated clock, network and disk; it judges by the twin.
  sim: {
    folders: ['base', 'wire', 'book', 'net', 'journal', 'exchange', 'trader'],
  },
  // JSON for scripts and browsers; transports and credentials are handed in, but for the WebSocket's own.
  json: {
    folders: ['base', 'wire', 'book', 'trader', 'net'],
    exceptions: {
      'src/json/web_socket_door.ts': {
        modules: ['node:http', 'ws'],
        reason: 'a WebSocket begins as a request of HTTP',
      },
    },
  },
  apps: {
    folders: ['base', 'wire', 'book', 'os', 'net', 'recorded', 'journal', 'exchange', 'trader', 'engine', 'backtest', 'observe', 'timetravel', 'sim', 'json'],
    modules: [
      'commander',
      'hyparquet-writer',
      'toml-eslint-parser',
      'node:child_process',
      'node:events',
      'node:fs',
      'node:path',
      'node:stream',
      'node:timers/promises',
      'node:url',
      'node:util',
      'node:v8',
      'node:worker_threads',
      'node:os',
    ],
    exceptions: {
      'src/apps/data.ts': {
        modules: ['node:crypto'],
        reason: 'a recording that was fetched is known by its SHA-256',
      },
      'src/apps/free_ports.ts': {
        modules: ['node:dgram'],
        reason: 'looks for free UDP ports before there is an exchange to ask',
      },
      'src/apps/strategy_loader.ts': {
        modules: ['node:module'],
        reason: 'a strategy file imports `outcry` and means the program that loads it',
      },
    },
  },
};

/** src/index.ts, the library's front, names what users may have. */
const FRONT: Layer = {
  folders: ['base', 'wire', 'book', 'exchange', 'trader', 'engine', 'backtest', 'journal', 'net', 'observe'],
};

/**
 * Files that serve tests, fuzzers and conformance only, without a name that says so: they may use
 * the twin.
 */
const TEST_SUPPORT: ReadonlySet<string> = new Set([
  'src/book/event_book.ts',
  'src/book/planted_mistakes.ts',
  'src/book/random_commands.ts',
  'src/book/scenario.ts',
]);

/** `base` is as useful to a chat server: it knows none of these. */
const TRADING_WORDS =
  /\b(bids?|prices?|priced|trades?|traders?|traded|trading|tickers?|instruments?|qty|quantit(?:y|ies)|markets?|aggressors?|brokers?|stocks?|equit(?:y|ies)|order ?books?|books?)\b/i;

export interface Import {
  readonly line: number;
  readonly target: string;
  /** `import type`, or every name behind `type`. */
  readonly typeOnly: boolean;
}

/**
 * Static and dynamic imports and re-exports with a constant target; comments and strings are not
 * looked into.
 */
export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  const lineOf = (index: number): number => text.slice(0, index).split('\n').length;
  for (const match of text.matchAll(
    /^(?:import|export)\s+(type\s+)?([^'";]*?)\bfrom\s+'([^']+)'/gm,
  )) {
    const names = /\{([^}]*)\}/.exec(match[2] ?? '')?.[1];
    const everyNameIsType =
      names !== undefined &&
      /^\s*\{/.test(match[2] ?? '') &&
      names
        .split(',')
        .filter((name) => name.trim() !== '')
        .every((name) => /^\s*type\s/.test(name));
    found.push({
      line: lineOf(match.index),
      target: match[3] ?? '',
      typeOnly: match[1] !== undefined || everyNameIsType,
    });
  }
  for (const match of text.matchAll(
    /^import\s+'([^']+)'|^(?!\s*(?:\/\/|\*)).*\bimport\('([^']+)'\)/gm,
  )) {
    const before = text.slice(match.index, match.index + match[0].length);
    // `import('x').T` in a type position and `typeof import('x')` load nothing.
    const typeOnly =
      match[2] !== undefined &&
      (/typeof import\('/.test(before) || text[match.index + match[0].length] === '.');
    found.push({ line: lineOf(match.index), target: match[1] ?? match[2] ?? '', typeOnly });
  }
  return found;
}

/** What of one file of src or core breaks the table, a line each: `path:line: reason`. */
export function violations(path: string, text: string): string[] {
  return path.startsWith('core/') ? coreViolations(path, text) : sourceViolations(path, text);
}

function servesTests(path: string): boolean {
  return /\.(test|fuzz|bench|reference)\.ts$/.test(path) || TEST_SUPPORT.has(path);
}

function coreViolations(path: string, text: string): string[] {
  const broken: string[] = [];
  for (const { line, target } of importsOf(text)) {
    const resolved = target.startsWith('.') ? join(dirname(path), target) : target;
    if (!resolved.startsWith('core/'))
      broken.push(`${path}:${line}: core imports core only, was ${target}`);
  }
  return broken;
}

function sourceViolations(path: string, text: string): string[] {
  const folder = path.split('/').length > 2 ? path.split('/')[1] : 'index';
  const layer = folder === 'index' ? FRONT : LAYERS[folder];
  if (layer === undefined) return [`${path}:1: the folder src/${folder} has no row in the table`];
  const broken: string[] = [];
  const report = (line: number, reason: string): void => {
    broken.push(`${path}:${line}: ${reason}`);
  };
  const beside = servesTests(path);
  for (const { line, target, typeOnly } of importsOf(text)) {
    if (target.startsWith('.')) {
      if (extname(target) !== '.ts')
        report(line, `imports name the file with its extension, was ${target}`);
      const resolved = join(dirname(path), target);
      if (!resolved.startsWith('src/')) {
        if (!beside) report(line, `product files import from src only, was ${target}`);
        continue;
      }
      const other = resolved.split('/')[1];
      if (!beside && servesTests(resolved) && folder !== 'apps' && folder !== 'sim') {
        report(line, `a product file does not import ${target}`);
      }
      if (other === folder || layer.folders.includes(other)) continue;
      if (layer.types?.includes(other)) {
        if (!typeOnly && !beside && !layer.interfaces?.includes(resolved))
          report(line, `of ${other} types only, was ${target}`);
        continue;
      }
      report(
        line,
        `${folder} may import ${layer.folders.join(', ') || 'itself only'}, was ${target}`,
      );
    } else if (!beside) {
      const modules = [...(layer.modules ?? []), ...(layer.exceptions?.[path]?.modules ?? [])];
      if (!modules.includes(target))
        report(line, `${folder} may import ${modules.join(', ') || 'no module'}, was ${target}`);
    }
  }
  if (folder === 'base') {
    for (const [index, line] of text.split('\n').entries()) {
      const word = TRADING_WORDS.exec(line)?.[0];
      if (word !== undefined) report(index + 1, `base knows no word of trading, was "${word}"`);
    }
  }
  return broken;
}
