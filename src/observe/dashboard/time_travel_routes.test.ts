// What can be opened and what cannot: names of the list alone, ranges, the token, no way out of the directory.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { TimeTravelList } from './messages.ts';
import { DashboardServer } from './server.ts';
import { RigSource, TOKEN } from './server_rig.reference.ts';
import { rangeOf, type LiveJournal, type TimeTravelPlace } from './time_travel_routes.ts';

const SEGMENT = 'segment-0000000001.journal';
const CONTENT = Uint8Array.from({ length: 1_000 }, (_, index) => index);

interface Place {
  readonly source: RigSource;
  readonly url: string;
  readonly directory: string;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
}

async function open(t: TestContext, token: string): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'outcry-time-travel-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const directory = join(root, 'journal');
  mkdirSync(join(directory, 'segment-0000000009.journal'), { recursive: true });
  writeFileSync(join(directory, SEGMENT), CONTENT);
  writeFileSync(join(directory, 'snapshot-0000000000000005.snapshot'), 'state');
  writeFileSync(join(directory, 'spare.tmp'), 'spare');
  writeFileSync(join(directory, 'keys'), 'secret of the directory');
  writeFileSync(join(root, 'secret'), 'secret of its parent');
  writeFileSync(join(root, 'day.csv'), '1,2,3');
  symlinkSync(join(root, 'secret'), join(directory, 'segment-0000000002.journal'));
  const timeTravel: TimeTravelPlace[] = [
    { kind: 'journal', directory }, { kind: 'recording', files: [join(root, 'day.csv'), join(root, 'gone.csv')] },
    { kind: 'journal', directory: join(root, 'nowhere') },
  ];
  const source = new RigSource();
  const server = await DashboardServer.open({
    host: '127.0.0.1', port: 0, hosts: [], token, pages: '', source, timeTravel,
    commands: async () => ({ ok: true, text: '' }), note: () => {},
  });
  t.after(() => server.close());
  const url = server.url.slice(0, -1);
  return { source, url, directory, get: async (path, headers = {}) => fetch(url + path, { headers }) };
}

test('the list names what was given, segments and snapshots alone; files come whole, packed or not', async (t) => {
  const { get } = await open(t, '');
  const list = await get('/api/time-travel');
  assert.equal(list.headers.get('cache-control'), 'no-store');
  const { sources } = (await list.json()) as TimeTravelList;
  assert.deepEqual(sources.map(({ changedMs }) => changedMs !== null && Math.abs(Date.now() - changedMs) < 600_000), [true, true, false]);
  assert.deepEqual(JSON.parse(JSON.stringify(sources, (key, value) => (key === 'changedMs' ? null : value))), [
    {
      name: 'journal-1', kind: 'journal', title: 'journal', live: false, changedMs: null,
      files: [{ name: SEGMENT, bytes: 1_000 }, { name: 'snapshot-0000000000000005.snapshot', bytes: 5 }],
    },
    { name: 'recording-2', kind: 'recording', title: 'day.csv', live: false, changedMs: null, files: [{ name: 'day.csv', bytes: 5 }] },
    { name: 'journal-3', kind: 'journal', title: 'nowhere', live: false, changedMs: null, files: [] },
  ]);
  for (const encoding of ['identity', 'gzip']) {
    const file = await get(`/api/time-travel/journal-1/${SEGMENT}`, { 'accept-encoding': encoding });
    assert.equal(file.headers.get('content-encoding'), encoding === 'gzip' ? 'gzip' : null);
    assert.deepEqual([...new Uint8Array(await file.arrayBuffer())], [...CONTENT]);
  }
  assert.equal(await (await get('/api/time-travel/recording-2/day.csv')).text(), '1,2,3');
});

test('one range of a file: its bytes and what they are of', async (t) => {
  const { get } = await open(t, '');
  const path = `/api/time-travel/journal-1/${SEGMENT}`;
  for (const [range, from, to] of [['0-0', 0, 0], ['10-19', 10, 19], ['990-', 990, 999], ['-5', 995, 999], ['500-5000', 500, 999]] as const) {
    const part = await get(path, { range: `bytes=${range}` });
    assert.deepEqual([part.status, part.headers.get('content-range'), part.headers.get('content-length')], [206, `bytes ${from}-${to}/1000`, String(to - from + 1)]);
    assert.deepEqual([...new Uint8Array(await part.arrayBuffer())], [...CONTENT.subarray(from, to + 1)]);
  }
  const beyond = await get(path, { range: 'bytes=1000-' });
  assert.deepEqual([beyond.status, beyond.headers.get('content-range'), await beyond.json()], [416, 'bytes */1000', { error: 'expected a range within 1000 bytes' }]);
  assert.equal(rangeOf('bytes=5-2', 10), 'unsatisfiable');
  assert.equal(rangeOf('bytes=-3', 0), 'unsatisfiable');
  for (const whole of ['', 'bytes=-', 'bytes=0-1,4-5', 'items=0-1', 'bytes=a-b']) assert.equal(rangeOf(whole, 10), null, whole);
  assert.equal(rangeOf(undefined, 10), null);
});

test('nothing outside the list, however it is spelt', async (t) => {
  const { get, url } = await open(t, '');
  const spellings = [
    'journal-1/keys', 'journal-1/spare.tmp', 'journal-1/segment-0000000002.journal', 'journal-1/segment-0000000009.journal', 'journal-1/segment-0000000003.journal',
    'journal-1/..%2fsecret', 'journal-1/%2e%2e%2fsecret', 'journal-1/..%5csecret', 'journal-1/%00', `journal-1/${SEGMENT}%00.txt`, `journal-1/.%2f${SEGMENT}`,
    'journal-1/%2fetc%2fpasswd', '..%2f..%2fetc/passwd', '%2e%2e/secret', 'journal-2/day.csv', 'recording-2/gone.csv', `recording-2/${SEGMENT}`, `__proto__/${SEGMENT}`,
    'constructor/name', `journal-4/${SEGMENT}`, `journal-1/${SEGMENT}/..`, 'journal-1/', 'journal-1', `journal-1//${SEGMENT}`,
  ];
  for (const spelling of spellings) {
    const answer = await get(`/api/time-travel/${spelling}`);
    const text = await answer.text();
    assert.ok(answer.status === 404 || answer.status === 400, `${spelling}: ${answer.status}`);
    assert.doesNotMatch(text, /secret of/, spelling);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await fetch(`${url}/api/time-travel/journal-1/${SEGMENT}`, { method });
    assert.equal(answer.status, 404, method);
    await answer.text();
  }
});

test('with a token neither list nor file comes without it', async (t) => {
  const { get } = await open(t, TOKEN);
  for (const path of ['/api/time-travel', `/api/time-travel/journal-1/${SEGMENT}`, '/api/time-travel/journal-9/x']) {
    assert.equal((await get(path)).status, 403, path);
    assert.equal((await get(path, { authorization: 'Bearer another-token' })).status, 403, path);
  }
  const authorization = `Bearer ${TOKEN}`;
  assert.equal((await get('/api/time-travel', { authorization })).status, 200);
  const file = await get(`/api/time-travel/journal-1/${SEGMENT}`, { authorization });
  assert.equal((await file.arrayBuffer()).byteLength, 1_000);
});

test('the journal of the exchange that is watched is listed by itself, first and once; without a token it is not', async (t) => {
  const watched = await open(t, TOKEN);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const names = async ({ get }: Place, more = {}): Promise<[string, boolean][]> =>
    ((await (await get('/api/time-travel', more)).json()) as TimeTravelList).sources.map(({ name, live }) => [name, live]);
  const journalOf = ({ directory }: Place): LiveJournal => ({ name: 'exchange-12345', title: 'exchange on port 12345', directory });
  watched.source.journal = journalOf(watched);
  // It was named as well, as journal-1, whose links still lead there.
  assert.deepEqual(await names(watched, headers), [['exchange-12345', true], ['recording-2', false], ['journal-3', false]]);
  for (const name of ['exchange-12345', 'journal-1']) {
    const file = await watched.get(`/api/time-travel/${name}/${SEGMENT}`, headers);
    assert.deepEqual(new Uint8Array(await file.arrayBuffer()), CONTENT, name);
    assert.equal((await watched.get(`/api/time-travel/${name}/${SEGMENT}`)).status, 403, name);
    assert.equal((await watched.get(`/api/time-travel/${name}/keys`, headers)).status, 404, name);
  }
  // Another exchange is watched: that name is nothing any more.
  watched.source.journal = null;
  assert.equal((await watched.get(`/api/time-travel/exchange-12345/${SEGMENT}`, headers)).status, 404);

  const plain = await open(t, '');
  plain.source.journal = journalOf(plain);
  assert.deepEqual(await names(plain), [['journal-1', false], ['recording-2', false], ['journal-3', false]]);
  assert.equal((await plain.get(`/api/time-travel/exchange-12345/${SEGMENT}`)).status, 404);
});

test('so many files at once, and no more; what was broken off makes room', async (t) => {
  const { get, url, directory } = await open(t, '');
  writeFileSync(join(directory, 'segment-0000000004.journal'), new Uint8Array(64 << 20));
  const path = '/api/time-travel/journal-1/segment-0000000004.journal';
  const held: [Response, AbortController][] = [];
  // Answers whose bodies nobody reads yet.
  for (let i = 0; i < 8; i++) {
    const controller = new AbortController();
    held.push([await fetch(url + path, { signal: controller.signal, headers: { 'accept-encoding': 'identity' } }), controller]);
  }
  assert.deepEqual(held.map(([response]) => response.status), Array.from({ length: 8 }, () => 200));
  const ninth = await get(path);
  assert.deepEqual([ninth.status, await ninth.json()], [503, { error: 'expected at most 8 files at once, were more' }]);
  for (const [, controller] of held) controller.abort();
  for (let tries = 0; ; tries++) {
    const again = await get(path, { range: 'bytes=0-0' });
    await again.arrayBuffer();
    if (again.status === 206) break;
    assert.ok(tries < 1_000, 'room again');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
