// The page's files, read once into memory: what is not among them cannot be asked for, however its path is spelt.
//
//   index.html ─► /            time_travel/index.html ─► /time-travel          assets/x-HASH.js ─► /assets/x-HASH.js
//
// Compressed when first asked for so, once. Files in assets/ have their content's hash in their name and are kept by
// browsers; the others are asked for anew and answered by 304 while they are the same.
//
// Limits: FILES_MAX files, BYTES_MAX bytes together.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const FILES_MAX = 512;
const BYTES_MAX = 64 << 20;
/** Below, a compressed answer is no shorter in packets. */
const COMPRESS_BYTES_MIN = 1_400;
/** Of 11: a tenth longer than the best, a twentieth of its time. */
const BROTLI_QUALITY = 5;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const TEXTS: ReadonlySet<string> = new Set(['.html', '.js', '.css', '.svg', '.json', '.wasm']);

export class PageFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
  readonly #compressible: boolean;
  #brotli: Buffer | null = null;

  constructor(path: string, bytes: Buffer) {
    const extension = extname(path);
    this.bytes = bytes;
    this.type = TYPES[extension] ?? 'application/octet-stream';
    this.etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    this.cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    this.#compressible = TEXTS.has(extension) && bytes.length >= COMPRESS_BYTES_MIN;
  }

  /** null: not worth it. */
  get brotli(): Buffer | null {
    if (!this.#compressible) return null;
    this.#brotli ??= brotliCompressSync(this.bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
    return this.#brotli;
  }
}

/** By the path under which a browser asks. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** Everything in `folder`; '' or a folder that is not there: a page that says what is missing. */
export function readPageFiles(folder: string): PageFiles {
  const files = new Map<string, PageFile>();
  if (folder === '' || !existsSync(join(folder, 'index.html'))) {
    files.set('/', new PageFile('/index.html', Buffer.from(PLAIN_PAGE)));
    return files;
  }
  let bytesTotal = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    // Links and what is no page's (the build's notes have no extension) stay out.
    if (!entry.isFile() || TYPES[extname(entry.name)] === undefined) continue;
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length).replaceAll('\\', '/');
    const bytes = readFileSync(full);
    bytesTotal += bytes.length;
    if (files.size >= FILES_MAX || bytesTotal > BYTES_MAX)
      throw new Error(`${folder}: expected at most ${FILES_MAX} files of ${BYTES_MAX} bytes together, was more at ${path}`);
    for (const served of servedAs(path)) files.set(served, new PageFile(path, bytes));
  }
  return files;
}

/** Folders are served by their index.html, with and without the last slash; underscores as hyphens too. */
function servedAs(path: string): string[] {
  if (path === '/index.html') return ['/', path];
  if (!path.endsWith('/index.html')) return [path];
  const folder = path.slice(0, -'/index.html'.length);
  return [folder, `${folder}/`, path, folder.replaceAll('_', '-'), `${folder.replaceAll('_', '-')}/`];
}

const PLAIN_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Outcry</title>
<h1>Outcry</h1>
<p>The dashboard's page is not built: <code>npm run build:web</code>, then start this again. What it would show:
<a href="/api/dashboard">/api/dashboard</a>, <a href="/api/status">/api/status</a>, <a href="/metrics">/metrics</a>.</p>
</html>
`;
