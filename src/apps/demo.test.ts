// The demo end to end: its own processes, sockets and signals, on ports of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';

const OUTCRY = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Running {
  child: ChildProcess;
  /** Resolves when stdout has had `lines` lines. */
  printed: (lines: number) => Promise<void>;
  ended: Promise<Ended>;
}

function outcry(...args: string[]): Running {
  const child = spawn(process.execPath, [OUTCRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let onLine: (() => void) | null = null;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onLine?.();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const printed = (lines: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.split('\n').length > lines) resolve();
      };
      onLine = look;
      void ended.then(() => reject(new Error(`it ended before ${lines} lines: ${stderr}`)));
      look();
    });
  return { child, printed, ended };
}

interface Process {
  pid: number;
  command: string;
}

/** Children of a process, and theirs. */
function descendants(pid: number): Process[] {
  const found: Process[] = [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) {
    if (child === '') continue;
    found.push({ pid: Number(child), command: readFileSync(`/proc/${child}/cmdline`, 'utf8') });
    found.push(...descendants(Number(child)));
  }
  return found;
}

/** The process group, which is what a terminal's Ctrl-C goes to. */
function groupOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[2];
}

interface Result {
  ok: boolean;
  equal: boolean;
  engineHash: string;
  receiverHash: string;
  engineSequence: number;
  feedSequence: number;
  requests: number;
  unanswered: number;
  trades: number;
  latencyNs: { count: number };
  balanced: boolean;
  passes: number;
  accounts: { clients: number; compared: number; position: number; cash: number };
  traders: {
    strategy: string; fills: number; ordersSent: number; ordersOpen: number;
    books: { position: number; cash: number }[];
  }[];
}

// Side by side: each is a process that mostly waits for its time to be over.
describe('outcry demo', { concurrency: 3 }, () => {
  test('three seconds with --json end with equal books', async () => {
    const { code, stdout, stderr } = await outcry(
      'demo', '--json', '--duration', '3', '--port', '0',
    ).ended;
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 1, 'stdout is the result alone');
    const result: Result = JSON.parse(lines[0]);
    assert.ok(result.ok && result.equal);
    assert.match(result.engineHash, /^[0-9a-f]{16}$/);
    assert.equal(result.receiverHash, result.engineHash);
    assert.equal(result.feedSequence, result.engineSequence);
    assert.equal(result.unanswered, 0);
    assert.equal(result.latencyNs.count, result.requests);
    assert.ok(result.requests > 0 && result.trades > 0);
    assert.ok(result.balanced);
    const { clients, compared, position, cash } = result.accounts;
    assert.deepEqual([clients, position, cash], [3, 0, 0]);
    assert.ok(compared >= 9, `${compared} comparisons`);
    assert.deepEqual(
      result.traders.map(({ strategy }) => strategy), ['market-maker', 'liquidity-taker'],
    );
    const [maker] = result.traders;
    assert.ok(maker.ordersSent > 0 && maker.fills > 0, 'the maker has traded');
    assert.ok(Math.abs(maker.books[0].position) <= 300);
    for (const trader of result.traders) assert.equal(trader.ordersOpen, 0);
  });

  test('what is asked of the machine holds in every process; what it lacks is said', { skip: process.platform !== 'linux' && 'Linux only' }, async () => {
    const flags = ['--use-hugepages', '--cpu-affinity', '0,1000', '--scenario', 'normal', '--no-dashboard'];
    const { child, ended } = outcry('demo', '--json', '--duration', '2', '--port', '0', ...flags);
    const pid = child.pid as number;
    const started = (): Process[] => descendants(pid).filter(({ command }) => /demo_(exchange|trader)/.test(command));
    // Asked of the system while they run; "hg" is what madvise leaves in the flags of a mapping.
    const holds = ({ pid: one }: Process): boolean =>
      /^Cpus_allowed_list:\s+0$/m.test(readFileSync(`/proc/${one}/status`, 'utf8')) && /^VmFlags:.*\bhg\b/m.test(readFileSync(`/proc/${one}/smaps`, 'utf8'));
    let held = 0;
    let over = false;
    void ended.then(() => (over = true));
    while (!over && held < 3) {
      try {
        held = Math.max(held, started().filter(holds).length);
      } catch {
        // one of them has just ended
      }
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /performance\.cpu_affinity: expected cores of this machine \(.*\), was 1000 too/);
    if (!stderr.includes('performance.use_hugepages')) assert.equal(held, 3, 'an exchange and two traders');
  });

  test('without a recording and at full speed the generated flow does the same', async () => {
    const { code, stdout, stderr } = await outcry(
      'demo', '--json', '--duration', '900ms', '--port', '0', '--scenario', 'flash-crash', '--speed',
      'max',
    ).ended;
    assert.equal(code, 0, stderr);
    const result: Result = JSON.parse(stdout);
    assert.equal(result.receiverHash, result.engineHash);
    assert.ok(result.requests > 0);
    assert.ok(result.ok && result.balanced);
  });

  test('passes follow each other, with the traders out of the market in between', async () => {
    let result: Result | null = null;
    // On a busy machine a pass takes longer.
    for (const seconds of ['6', '24', '96']) {
      const { code, stdout, stderr } = await outcry(
        'demo', '--json', '--duration', seconds, '--port', '0', '--scenario', 'normal', '--speed', '100',
      ).ended;
      assert.equal(code, 0, stderr);
      result = JSON.parse(stdout) as Result;
      if (result.passes >= 2) break;
    }
    assert.ok(result !== null && result.passes >= 2, `${result?.passes} passes`);
    assert.ok(result.traders[0].fills > 0);
    assert.ok(result.balanced);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} after the first line ends it cleanly, with the comparison`, async () => {
      const running = outcry('demo', '--port', '0');
      await running.printed(1);
      running.child.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ +\d+\.\d s {2}.* requests\/s .* sequence /m);
      assert.match(stdout, /^engine +([0-9a-f]{16}) .*\nreceiver +\1 /m);
      assert.match(stdout, /^books +equal/m);
      assert.match(stdout, /^accounts +equal: of 3 clients positions sum to 0 and cash to 0\.00/m);
      assert.ok(!stdout.includes('\x1b'), 'no colours and no cursor moves where nobody looks');
    });
  }

  // The exchange's process once was in the terminal's group and ended before it could ask not to:
  // "the exchange process ended with exit code null".
  test('Ctrl-C while it starts is not held against the exchange', {
    skip: process.platform !== 'linux',
  }, async () => {
    const running = outcry('demo', '--port', '0');
    const pid = running.child.pid ?? 0;
    const exchange = async (): Promise<number> => {
      for (;;) {
        const found = descendants(pid).find(({ command }) => command.includes('demo_exchange'));
        if (found !== undefined) return found.pid;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    assert.notEqual(groupOf(await exchange()), groupOf(pid));
    for (const { pid: each, command } of descendants(pid)) {
      if (!/demo_(exchange|trader)/.test(command)) process.kill(each, 'SIGINT');
    }
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^books +equal/m);
  });

  test('an exchange that dies ends it with a word', {
    skip: process.platform !== 'linux',
  }, async () => {
    const running = outcry('demo', '--port', '0');
    await running.printed(1);
    const exchange = descendants(running.child.pid ?? 0).find(
      ({ command }) => command.includes('demo_exchange'),
    );
    assert.ok(exchange !== undefined, 'the exchange is a process of its own');
    process.kill(exchange.pid, 'SIGKILL');
    const { code, stderr } = await running.ended;
    assert.equal(code, 1);
    assert.match(stderr, /error: the exchange process ended by itself \(SIGKILL\)/);
  });

  test('a trader that dies ends it with a word', {
    skip: process.platform !== 'linux',
  }, async () => {
    const running = outcry('demo', '--port', '0');
    await running.printed(1);
    const trader = descendants(running.child.pid ?? 0).find(
      ({ command }) => command.includes('demo_trader') && command.includes('market-maker'),
    );
    assert.ok(trader !== undefined, 'each trader is a process of its own');
    process.kill(trader.pid, 'SIGKILL');
    const { code, stderr } = await running.ended;
    assert.equal(code, 1);
    assert.match(stderr, /error: the market-maker's process ended by itself \(SIGKILL\)/);
  });

  test('no process outlives a demo that is killed', {
    skip: process.platform !== 'linux',
  }, async () => {
    const running = outcry('demo', '--port', '0');
    await running.printed(1);
    const processes = descendants(running.child.pid ?? 0);
    const ours = ({ command }: Process): boolean => /demo_(exchange|trader)/.test(command);
    const children = processes.filter(ours);
    assert.equal(children.length, 3);
    for (const one of processes) if (!ours(one)) process.kill(one.pid, 'SIGKILL');
    await running.ended;
    while (children.some(({ pid }) => existsSync(`/proc/${pid}`))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test('a port that is taken is said, with what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const { code, stdout, stderr } = await outcry(
      'demo', '--json', '--port', String(address.port),
    ).ended;
    server.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`error: .*127\\.0\\.0\\.1:${address.port}.*in use`));
    assert.match(stderr, /npm start -- --port \d+/);
    const result: Pick<Result, 'ok'> = JSON.parse(stdout);
    assert.equal(result.ok, false);
  });

  test('options that cannot be are refused before anything starts', async () => {
    const cases: [string[], number, RegExp][] = [
      [['--port', '70000'], 2, /expected a port 0 … 65532, was "70000"/],
      [['--speed', 'fast'], 2, /speed: expected a number above 0 .* was "fast"/],
      [['--duration', '0'], 2, /expected a number above 0, or a time such as .* was "0"/],
      [['--scenario', 'calm'], 1, /--scenario: expected one of static, .* was "calm"/],
      [['--data', '/'], 1, /--data: expected a LOBSTER message file, was the folder \//],
      [['--data', '/nowhere/flow.csv'], 1, /--data: no file \/nowhere\/flow.csv/],
    ];
    const ended = await Promise.all(cases.map(([args]) => outcry('demo', ...args).ended));
    for (let i = 0; i < cases.length; i++) {
      assert.equal(ended[i].code, cases[i][1], cases[i][0].join(' '));
      assert.match(ended[i].stderr, cases[i][2]);
    }
  });
});
