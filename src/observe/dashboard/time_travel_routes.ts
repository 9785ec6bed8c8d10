// What /time-travel can open: journals and recordings that whoever started the server has named, and the journal of the exchange
// that is watched, file by file, to be read only.
//
//   GET /api/time-travel                  TimeTravelList (messages.ts)
//   GET /api/time-travel/SOURCE/FILE      its bytes; one range of them with Range: bytes=A-B
//
// SOURCE is a name of the list and FILE one of the names that the list gives for it; nothing that a request says is ever part
// of a path that is opened. Of a journal's directory only segments and snapshots are listed, and links are not followed.
// A journal has the orders of every client: where there is a token, it is asked for.
// Segments are written with zeros in advance, so whole files go out packed where the browser takes that.
//
// Limits: TRANSFERS_MAX files are being sent at once.
import { closeSync, constants, createReadStream, fstatSync, lstatSync, openSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createGzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TimeTravelList, TimeTravelSource } from './messages.ts';

/** What can be opened: the directory of a journal, or the files of one recording. */
export type TimeTravelPlace =
  | { readonly kind: 'journal'; readonly directory: string }
  | { readonly kind: 'recording'; readonly files: readonly string[] };

/** The journal of the exchange that is watched. */
export interface LiveJournal {
  /** For paths and links: the same after a restart of that exchange. */
  readonly name: string;
  readonly title: string;
  readonly directory: string;
}

export interface TimeTravelOptions {
  readonly places: readonly TimeTravelPlace[];
  /** As it is now; null: none. */
  readonly live: () => LiveJournal | null;
  /** Answers requests that may not look, and then returns the answer; undefined: they may. */
  readonly authorise: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
}

/** A page opens one after the other; two pages and somebody with curl. */
const TRANSFERS_MAX = 8;
/** Segments and snapshots of a journal (journal/segment.ts, journal/snapshot.ts). */
const JOURNAL_FILE = /^(?:segment-\d{10}\.journal|snapshot-\d{16}\.snapshot)$/;
/** Files of a journal that are listed, newest last; a page could not hold more. */
const FILES_MAX = 4_096;
const GZIP_FASTEST = 1;

/** A file that may be sent. */
interface ListedFile {
  readonly name: string;
  readonly bytes: number;
  readonly changedMs: number;
  readonly path: string;
}

export function timeTravelRoutes(app: FastifyInstance, { places, live, authorise }: TimeTravelOptions): void {
  const named = new Map(places.map((place, index) => [`${place.kind}-${index + 1}`, place]));
  const placeCalled = (name: string): TimeTravelPlace | undefined => {
    const watched = live();
    return watched?.name === name ? { kind: 'journal', directory: watched.directory } : named.get(name);
  };
  let transfers = 0;
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    reply.header('cache-control', 'no-store');
    return authorise(request, reply);
  };
  app.get('/api/time-travel', { onRequest }, async (): Promise<TimeTravelList> => ({
    sources: sourcesOf(named, live()),
  }));
  app.get<{ Params: { source: string; file: string } }>('/api/time-travel/:source/:file', { onRequest }, async (request, reply) => {
    const { source, file } = request.params;
    const place = placeCalled(source);
    const listed = place === undefined ? undefined : filesOf(place).find(({ name }) => name === file);
    if (listed === undefined) return fail(reply, 404, 'expected a source and a file of /api/time-travel');
    if (transfers >= TRANSFERS_MAX) return fail(reply, 503, `expected at most ${TRANSFERS_MAX} files at once, were more`);
    transfers += 1;
    reply.raw.once('close', () => (transfers -= 1));
    return sendFile(request, reply, listed);
  });
}

/** The one that is written now first; not once more under the name that it was given. */
function sourcesOf(named: ReadonlyMap<string, TimeTravelPlace>, live: LiveJournal | null): TimeTravelSource[] {
  const others = [...named].filter(([, place]) => live === null || place.kind !== 'journal' || resolve(place.directory) !== resolve(live.directory));
  return [
    ...(live === null ? [] : [sourceOf(live.name, { kind: 'journal', directory: live.directory }, live.title)]),
    ...others.map(([name, place]) => sourceOf(name, place)),
  ];
}

/** `liveTitle`: it is the one that is written now. */
function sourceOf(name: string, place: TimeTravelPlace, liveTitle = ''): TimeTravelSource {
  const files = filesOf(place);
  const title = place.kind === 'journal' ? basename(resolve(place.directory)) : (files[0]?.name ?? 'recording');
  return {
    name, kind: place.kind, title: liveTitle === '' ? title : liveTitle, live: liveTitle !== '',
    changedMs: files.length === 0 ? null : Math.max(...files.map(({ changedMs }) => changedMs)),
    files: files.map(({ name: file, bytes }) => ({ name: file, bytes })),
  };
}

/** Those that are there now. */
function filesOf(place: TimeTravelPlace): ListedFile[] {
  if (place.kind === 'recording') return place.files.flatMap((path) => fileAt(path));
  const names = namesIn(place.directory).filter((name) => JOURNAL_FILE.test(name));
  return names.toSorted().slice(-FILES_MAX).flatMap((name) => fileAt(join(place.directory, name)));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not yet, or no longer: there is nothing to open
  }
}

function fileAt(path: string): ListedFile[] {
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? [{ name: basename(path), bytes: stat.size, changedMs: Math.round(stat.mtimeMs), path }] : [];
  } catch {
    return []; // removed between two looks
  }
}

function sendFile(request: FastifyRequest, reply: FastifyReply, { path }: ListedFile): FastifyReply {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return fail(reply, 404, 'the file is gone');
  }
  const { size } = fstatSync(fd);
  const range = rangeOf(request.headers.range, size);
  if (range === 'unsatisfiable') {
    closeSync(fd);
    return fail(reply.header('content-range', `bytes */${size}`), 416, `expected a range within ${size} bytes`);
  }
  reply.type('application/octet-stream').header('accept-ranges', 'bytes');
  if (range === null) {
    const bytes = createReadStream('', { fd });
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.header('content-length', size).send(bytes);
    const packed = createGzip({ level: GZIP_FASTEST });
    bytes.on('error', (error) => packed.destroy(error));
    packed.on('close', () => bytes.destroy());
    return reply.header('content-encoding', 'gzip').send(bytes.pipe(packed));
  }
  const { from, to } = range;
  reply.code(206).headers({ 'content-range': `bytes ${from}-${to}/${size}`, 'content-length': to - from + 1 });
  return reply.send(createReadStream('', { fd, start: from, end: to }));
}

/** The one range that was asked for, both ends included; null: the whole file. */
export function rangeOf(header: string | undefined, size: number): { from: number; to: number } | 'unsatisfiable' | null {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (parts === null || (parts[1] === '' && parts[2] === '')) return null;
  const from = parts[1] === '' ? Math.max(0, size - Number(parts[2])) : Number(parts[1]);
  const to = parts[1] === '' || parts[2] === '' ? size - 1 : Math.min(size - 1, Number(parts[2]));
  return from > to || from >= size ? 'unsatisfiable' : { from, to };
}

function fail(reply: FastifyReply, status: number, error: string): FastifyReply {
  return reply.code(status).send({ error });
}
