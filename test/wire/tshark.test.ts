// An independent decoder reads the exchange's own traffic: a session over loopback is captured on
// the wire, and tshark finds no packet malformed, and in it precisely what was said, answered and
// published. (src/wire/framing/tshark.test.ts asks it about the framings alone, at any cut.)
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '../../src/base/prng.ts';
import { freePorts } from '../../src/apps/free_ports.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import {
  buy,
  cancel,
  ExchangeRig,
  logIn,
  sell,
  soup,
  soupPackets,
  soupResponses,
  type RawClient,
} from '../exchange/exchange_rig.ts';
import { requireTool } from '../requirements.ts';

const REQUESTS = 300;
/** Whatever tshark finds wrong with a packet, and what of the connection it did not see. */
const WRONG = [
  '_ws.malformed',
  'moldudp64.msglen.invalid',
  'moldudp64.count.invalid',
  'moldudp64.end_of_session_extra',
  'soupbintcp.next_seq_num.invalid',
  'soupbintcp.req_seq_num.invalid',
  'tcp.analysis.lost_segment',
  'tcp.analysis.ack_lost_segment',
].join(' || ');
const MOLD_COUNT_END = 0xffff;
const CAPTURE_MS_MAX = 10_000;
const QUIET_MS = 300;
const LOOK_MS = 20;

/** Packets of loopback that match a filter, written to a file until `end`. */
class Capture {
  readonly file: string;
  readonly #process: ChildProcess;

  private constructor(file: string, process: ChildProcess) {
    this.file = file;
    this.#process = process;
  }

  /** Null when this user may not capture. */
  static async start(dumpcap: string, filter: string, file: string): Promise<Capture | null> {
    const child = spawn(dumpcap, ['-q', '-i', 'lo', '-f', filter, '-w', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const deadline = performance.now() + CAPTURE_MS_MAX;
    // It names the file when its socket is open.
    while (!(said.includes('File: ') && existsSync(file))) {
      if (child.exitCode !== null) return null;
      assert.ok(performance.now() < deadline, `dumpcap never began: ${said}`);
      await Promise.race([sleep(LOOK_MS), ended]);
    }
    return new Capture(file, child);
  }

  /** When nothing more comes. */
  async quiet(): Promise<void> {
    let size = -1;
    for (let now = statSync(this.file).size; now !== size; now = statSync(this.file).size) {
      size = now;
      await sleep(QUIET_MS);
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGINT');
    await ended;
  }
}

async function open(t: TestContext): Promise<ExchangeRig> {
  const port = await freePorts();
  const group = '239.255.77.9';
  const rig = await ExchangeRig.open({
    network: () => chooseNetwork('auto').network,
    config: {
      framing: 'soup',
      feed: { layout: 'native', group, port },
      snapshot: { group, port: port + 1, intervalNs: 2_000_000_000 },
    },
  });
  t.after(() => rig.close());
  return rig;
}

/** Orders of two clients around one price, some cancelled. */
async function trade(rig: ExchangeRig, clients: readonly RawClient[], seed: number): Promise<void> {
  const prng = new Prng(seed);
  for (let id = 1; id <= REQUESTS / 2; id++) {
    for (const [index, client] of clients.entries()) {
      const number = index + 1;
      const message =
        id > 5 && prng.chance(0.2)
          ? cancel(number, prng.between(1, id - 1))
          : (prng.chance(0.5) ? buy : sell)(
              number,
              id,
              10_000 + prng.between(-5, 5),
              prng.between(1, 50),
            );
      client.say(soup('U', message));
    }
    // Some requests share a segment, some have one of their own.
    if (prng.chance(0.3)) await rig.turn();
  }
}

/** Numbers of a MoldUDP64 packet, and its messages in hexadecimal. */
interface Datagram {
  readonly port: number;
  readonly session: string;
  readonly sequence: number;
  readonly count: number;
  readonly messages: readonly string[];
}

const list = (text: string): string[] => text.split(',').filter((word) => word !== '');

test('tshark reads a whole session of the exchange: nothing malformed, nothing missing', async (t) => {
  const tshark = requireTool(t, 'tshark');
  if (tshark === null) return;
  const dumpcap = requireTool(t, 'dumpcap');
  if (dumpcap === null) return;
  const folder = mkdtempSync(join(tmpdir(), 'outcry-capture-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));

  // 1. An exchange, two clients, a receiver of the feed; everything on the wire goes to a file.
  const rig = await open(t);
  const {
    config,
    ports: [tcpPort],
    retransmitPort,
    sessionName,
  } = rig.exchange;
  const udpPorts = [config.feed.port, config.snapshot.port, retransmitPort];
  const filter = [`tcp port ${tcpPort}`, ...udpPorts.map((port) => `udp port ${port}`)].join(
    ' or ',
  );
  const capture = await Capture.start(dumpcap, filter, join(folder, 'session.pcapng'));
  if (capture === null) return t.skip('this user may not capture packets');
  t.after(() => capture.end());
  const feed = await rig.capture('feed');
  const snapshots = await rig.capture('snapshot');
  const clients = [await rig.client(), await rig.client()];
  for (const [index, client] of clients.entries()) {
    client.say(logIn(String(index + 1), '', 1));
    // tshark 4.0 loses what begins in the segment in which a log-in accepted ends.
    await rig.until(() => soupPackets(client).length === 1, 'the log-in is accepted');
  }

  // 2. Orders; a request for what was published; silence, so that heartbeats and a snapshot cycle
  // come; the end.
  await trade(rig, clients, 11);
  await rig.until(
    () =>
      rig.counter('requests') === REQUESTS &&
      feed.nativeMessages().length === rig.counter('feed_messages'),
    'all was matched',
  );
  const asking = await rig.clientNetwork.unicast({ host: '127.0.0.1', port: 0 });
  const question = Buffer.alloc(20);
  question.write(sessionName, 0, 'ascii');
  question.writeBigUInt64BE(1n, 10);
  question.writeUInt16BE(20, 18);
  asking.sendTo(question, 0, question.length, '127.0.0.1', retransmitPort);
  await rig.until(
    () => rig.counter('snapshot_cycles') > 0 && rig.counter('retransmit_answers') > 0,
    'a snapshot and an answer',
    1_000_000,
  );
  await rig.turn(3, 1_100_000_000);
  for (const client of clients) client.say(soup('R'), soup('O'));
  await rig.until(() => clients.every((client) => client.closed), 'the log-outs');
  const published = feed.nativeMessages();
  rig.close();
  await capture.quiet();
  await capture.end();

  // 3. What tshark says.
  const decodeAs = [
    '-d',
    `tcp.port==${tcpPort},soupbintcp`,
    ...udpPorts.flatMap((port) => ['-d', `udp.port==${port},moldudp64`]),
  ];
  const ask = (...options: string[]): string => {
    const result = spawnSync(tshark, ['-n', '-r', capture.file, ...decodeAs, ...options], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    });
    assert.equal(result.status, 0, result.stderr);
    return result.stdout;
  };
  const fields = (shown: string, ...names: string[]): string[][] =>
    ask('-Y', shown, '-T', 'fields', ...names.flatMap((name) => ['-e', name]))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
  assert.equal(ask('-Y', WRONG), '', 'nothing wrong with any packet');

  const types = (shown: string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const [text] of fields(`soupbintcp && ${shown}`, 'soupbintcp.packet_type')) {
      for (const word of list(text)) {
        const type = word.startsWith('0x')
          ? String.fromCharCode(Number(word))
          : word.replaceAll("'", '');
        counts[type] = (counts[type] ?? 0) + 1;
      }
    }
    return counts;
  };
  assert.deepEqual(types(`tcp.dstport == ${tcpPort}`), { L: 2, U: REQUESTS, R: 2, O: 2 });
  const answers = clients.reduce((sum, client) => sum + soupResponses(client).length, 0);
  const heard = types(`tcp.srcport == ${tcpPort}`);
  assert.deepEqual([heard['A'], heard['S']], [2, answers]);
  assert.ok(answers > REQUESTS && heard['H'] > 0, `${answers} answers, ${heard['H']} heartbeats`);

  const datagrams = fields(
    'moldudp64 && !icmp',
    'udp.dstport',
    'moldudp64.session',
    'moldudp64.sequence',
    'moldudp64.count',
    'moldudp64.msgdata',
  ).map(([port, session, sequence, count, messages]): Datagram => ({
    port: Number(port),
    session,
    sequence: Number(sequence),
    count: Number(count),
    messages: list(messages ?? ''),
  }));
  const incremental = datagrams.filter((datagram) => datagram.port === config.feed.port);
  let next = 1;
  for (const { session, sequence, count, messages } of incremental) {
    assert.deepEqual([session, sequence], [sessionName, next]);
    assert.equal(messages.length, count === MOLD_COUNT_END ? 0 : count);
    next += messages.length;
  }
  assert.deepEqual(
    incremental.flatMap((datagram) => datagram.messages),
    published.map((message) => message.toString('hex')),
  );
  assert.equal(next - 1, rig.counter('feed_messages'));
  assert.ok(
    incremental.some((datagram) => datagram.count === 0),
    'a heartbeat',
  );
  assert.equal(incremental.at(-1)?.count, MOLD_COUNT_END, 'the end of the session');

  const cycles = datagrams.filter((datagram) => datagram.port === config.snapshot.port);
  assert.deepEqual(
    cycles.flatMap((datagram) => datagram.messages).slice(0, snapshots.nativeMessages().length),
    snapshots.nativeMessages().map((message) => message.toString('hex')),
  );
  const answered = datagrams.filter((datagram) => !udpPorts.includes(datagram.port));
  assert.deepEqual(
    answered.flatMap((datagram) => datagram.messages),
    published.slice(0, 20).map((message) => message.toString('hex')),
  );
  t.diagnostic(
    `${REQUESTS} requests, ${answers} answers, ${published.length} updates in ${incremental.length} datagrams, ${cycles.length} of snapshots`,
  );
});
