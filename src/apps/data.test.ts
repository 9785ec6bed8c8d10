// `outcry data`: fetching with checksums, what is told of each format, rows in three formats.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { closedPort } from '../../test/closed_port.ts';
import { formatOfBytes } from '../recorded/recording_format.ts';
import { RecordingError } from '../recorded/recording_source.ts';
import { getRecording } from './data.ts';
import { examineRecording } from './data_report.ts';
import { recordingRows, type RecordedRow } from './data_rows.ts';

const root = join(import.meta.dirname, '../..');
const data = join(root, '../shared/data');
const skip = existsSync(data) ? false : 'the recorded data is not here (../shared/data)';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-data-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function outcry(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = join(root, 'src/apps/outcry.ts');
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', command, 'data', ...args], { encoding: 'utf8' });
}

const LINES = [
  '1723161255030314667 {"lastUpdateId":10,"bids":[["100.00","1.000"]],"asks":[["100.10","3.500"]]}',
  '1723161255030314668 {"stream":"s","data":{"e":"bookTicker","u":11,"s":"BTCUSDT","b":"100.00","B":"2.000","a":"100.10","A":"3.500"}}',
  '1723161255030314669 {"stream":"s","data":{"e":"depthUpdate","s":"BTCUSDT","U":11,"u":12,"pu":10,"b":[["100.00","2.000"]],"a":[]}}',
  '1723161255030314670 {"stream":"s","data":{"e":"trade","s":"BTCUSDT","t":7,"p":"100.10","q":"0.001","m":false}}',
  '1723161255030314671 {"stream":"s","data":{"e":"bookTicker","u":13,"s":"BTCUSDT","b":"100.00","B":"2.000","a":"100.10","A":"3.500"}}',
].join('\n');

describe('formats', () => {
  test('are told from their first bytes', () => {
    const told: [string | Uint8Array, string | null][] = [
      [LINES, 'binance'], ['34200.01,1,5,100,2238100,1\n', 'lobster'], ['2238200,100,2238100,21\n', 'lobster-book'], ['DBN\u0002', 'dbn'],
      [Uint8Array.of(0, 12, 0x53, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x4f), 'itch'], [Uint8Array.of(0, 0, 0x53), 'itch'],
      [Uint8Array.of(0, 13, 0x53, 0), null], ['hello', null], ['', null], ['1,2,3\n', null],
    ];
    for (const [bytes, format] of told) {
      assert.equal(formatOfBytes(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes), format, String(bytes).slice(0, 30));
    }
  });

  test('packed or not, what is told is the same; cut off, it is said', async () => {
    const text = Buffer.from(LINES);
    const tails: string[] = [];
    for (const [name, bytes] of [['plain', text], ['gz', gzipSync(text)], ['zst', zstdCompressSync(text)]] as const) {
      const path = join(folder, `binance.${name}`);
      writeFileSync(path, bytes);
      const { faults, json, lines } = await examineRecording(path, 'binance', { levels: 1 });
      assert.deepEqual(faults, []);
      tails.push(JSON.stringify([json, lines.slice(1)]));
      if (name === 'plain') continue;
      writeFileSync(path, bytes.subarray(0, bytes.length - 9));
      await assert.rejects(examineRecording(path, 'binance', { levels: 1 }), (error) =>
        error instanceof RecordingError && /the (gzip|zstd) data is damaged or cut off/.test(error.message));
    }
    assert.equal(new Set(tails).size, 1);
  });
});

describe('info', () => {
  test('a recording that contradicts itself ends with exit code 1 and says how', () => {
    const path = join(folder, 'wrong');
    writeFileSync(path, LINES.replace('"b":[["100.00","2.000"]]', '"b":[["100.00","2.001"]]'));
    const { status, stdout } = outcry('info', path);
    assert.equal(status, 1);
    assert.match(stdout, /^checked +0 of 1 books equal the stream of best prices/m);
    assert.match(stdout, /^DOES NOT HOLD: 1 books differ .*: update 12: expected 10000 2000 10010 3500, was 10000 2001 10010 3500$/m);
  });

  test('what is no recording is refused with what there is to do', () => {
    const path = join(folder, 'text');
    writeFileSync(path, 'hello');
    assert.match(outcry('info', path).stderr, /expected a recording \(itch, pcap, dbn, binance, lobster, lobster-book\), was none that is known; --as FORMAT names it/);
    assert.match(outcry('info', join(folder, 'nothing')).stderr, /no such file; `outcry data get` fetches recordings/);
    assert.equal(outcry('info', path, '--as', 'csv').status, 2);
  });

  test('the recordings hold what is known of them', { skip }, async () => {
    const info = async (path: string, format: Parameters<typeof examineRecording>[1]): Promise<string> => {
      const { faults, lines } = await examineRecording(join(data, path), format, { levels: 1 });
      assert.deepEqual(faults, [], path);
      return lines.map(([name, text]) => `${name}: ${text}`).join('\n');
    };
    assert.match(await info('binance/usdm_btcusdt_20240808.gz', 'binance'), /6,547 of 6,547 books equal/);
    assert.match(await info('databento/es_mbo_20240508.dbn.zst', 'dbn'), /5 of 5 fills met their resting order; 0 of 185 events/);
    assert.match(await info('lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv', 'lobster'), /998 of 998 transitions agree/);
    assert.match(await info('itch/josh_sample.NASDAQ_ITCH50', 'itch'), /0 names of orders never announced, 0 of more than was open/);
  });
});

describe('convert', () => {
  test('the same rows in Parquet, CSV and JSON lines', async () => {
    const source = join(folder, 'rows');
    writeFileSync(source, LINES);
    for (const format of ['parquet', 'csv', 'jsonl']) {
      const { status, stderr } = outcry('convert', source, join(folder, `out.${format}`));
      assert.equal(status, 0, stderr);
    }
    const file = await asyncBufferFromFile(join(folder, 'out.parquet'));
    const rows = await parquetReadObjects({ file });
    const trade = rows.find(({ action }) => action === 'trade');
    assert.deepEqual(
      [trade?.['time_ns'], trade?.['price'], trade?.['qty'], trade?.['qty_scale'], trade?.['order_id'], trade?.['side']],
      [1_723_161_255_030_314_670n, 100_100_000_000n, 100_000n, 100_000_000, 7n, 'buy'],
    );
    const csv = readFileSync(join(folder, 'out.csv'), 'utf8').trim().split('\n');
    assert.equal(csv.length, rows.length + 1);
    assert.equal(csv[0], 'time_ns,symbol,action,side,price,qty,qty_scale,order_id,old_order_id');
    assert.ok(csv.includes('1723161255030314670,BTCUSDT,trade,buy,100100000000,100000,100000000,7,'));
    const jsonl = readFileSync(join(folder, 'out.jsonl'), 'utf8').trim().split('\n').map((each) => JSON.parse(each) as { action: string });
    assert.deepEqual(jsonl.map(({ action }) => action), rows.map(({ action }) => action));
  });

  test('each recording: as many rows as changes', { skip }, async () => {
    const rowsOf = async (path: string, format: Parameters<typeof recordingRows>[1]): Promise<RecordedRow[]> => {
      const rows: RecordedRow[] = [];
      for await (const portion of recordingRows(join(data, path), format, undefined)) rows.push(...portion.rows);
      return rows;
    };
    const es = await rowsOf('databento/es_mbo_20240508.dbn.zst', 'dbn');
    assert.equal(es.length, 13_796);
    assert.deepEqual([es[5].symbol, es.filter(({ action }) => action === 'fill').length], ['ESM4', 5]);
    const itch = await rowsOf('itch/josh_sample.NASDAQ_ITCH50', 'itch');
    assert.equal(itch.filter(({ action }) => action === 'add').length, 4_328);
    assert.ok(itch.every(({ symbol, action }) => symbol !== '' || action === 'event'));
    const lobster = await rowsOf('lobster/AMZN_2012-06-21_message_1.csv', 'lobster');
    assert.equal(lobster.length, 57_515);
    assert.deepEqual([lobster[0].symbol, lobster[0].price], ['AMZN', 223_820_000_000n]);
  });

  test('a damaged recording leaves no file', () => {
    const path = join(folder, 'damaged');
    writeFileSync(path, `${LINES}\n17231612550303 {"e":`);
    const { status, stderr } = outcry('convert', path, join(folder, 'none.csv'));
    assert.equal(status, 1);
    assert.match(stderr, /line 6: expected JSON behind the time/);
    assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('none')), []);
  });
});

describe('get', () => {
  const body = Buffer.from(LINES);
  const digest = createHash('sha256').update(body).digest('hex');
  let server: Server;
  let url = '';

  before(async () => {
    server = createServer((request, response) => {
      if (request.url === '/short.gz') {
        response.writeHead(200, { 'content-length': body.length + 10 });
        response.write(body, () => response.destroy());
      } else if (request.url?.startsWith('/day')) response.end(body);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  });
  after(() => server.close());

  test('a URL into a folder, under its own name, with its checksum', async () => {
    const { json, lines } = await getRecording(`${url}/day.binance?x=1`, folder, digest);
    assert.deepEqual(json, { file: join(folder, 'day.binance'), bytes: body.length, sha256: digest, format: 'binance' });
    assert.match(lines[0], /bytes, SHA-256 [0-9a-f]{64}$/);
    assert.deepEqual(readFileSync(join(folder, 'day.binance')), body);
  });

  test('a path is copied; onto itself it is not', async () => {
    const source = join(folder, 'source');
    writeFileSync(source, LINES);
    await getRecording(source, join(folder, 'copy'), null);
    assert.deepEqual(readFileSync(join(folder, 'copy')), body);
    await assert.rejects(getRecording(source, source, null), /is the source itself/);
  });

  test('what goes wrong is said, and nothing is left', async (t) => {
    const port = await closedPort(t);
    const target = join(folder, 'failed');
    await assert.rejects(getRecording(`${url}/day`, target, '0'.repeat(64)), new RegExp(`expected SHA-256 0{64}, was ${digest}; nothing was kept`));
    await assert.rejects(getRecording(`${url}/none`, target, null), /expected the file, was status 404/);
    await assert.rejects(getRecording(`${url}/short.gz`, target, null), Error);
    await assert.rejects(getRecording(`http://127.0.0.1:${port}/x`, target, null), new RegExp(`127\\.0\\.0\\.1:${port}`));
    await assert.rejects(getRecording(join(folder, 'nowhere'), target, null), /expected a URL or a file, was neither/);
    // A name that is nowhere, without --to, was "the source itself".
    await assert.rejects(getRecording('nowhere-at-all', undefined, null), /^Error: nowhere-at-all: expected a URL or a file, was neither$/);
    await assert.rejects(getRecording(`${url}/`, folder, null), /has no file name; --to FILE gives one/);
    assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('failed')), []);
  });
});
