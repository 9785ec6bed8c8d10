// What docs/DEPLOYMENT.md hands to a host is what that host takes: units that systemd reads without a complaint and that
// give little away, commands that `outcry` knows, settings that the kernel has, an image whose sources are there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { outcryProgram } from '../src/apps/outcry.ts';
import { requireTool } from './requirements.ts';

const deploy = fileURLToPath(new URL('../deploy', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const units = globSync('systemd/*.service', { cwd: deploy }).toSorted();
/** Of 10, as `systemd-analyze security` counts it; a service that nobody thought about has 9.6. */
const EXPOSURE_MAX = 2;

const textOf = (path: string): string => readFileSync(join(deploy, path), 'utf8');

describe('systemd units', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-units-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Copies of all units with a command that exists here; one of a template. */
  for (const unit of units) {
    const text = textOf(unit).replaceAll('/usr/local/bin/outcry', '/bin/true');
    writeFileSync(join(folder, basename(unit)), text);
    writeFileSync(join(folder, basename(unit).replace('@.', '@maker.')), text);
  }

  test('there are three', () => assert.equal(units.length, 3));

  for (const unit of units) {
    const path = join(folder, basename(unit).replace('@.', '@maker.'));

    test(`${basename(unit)}: systemd has nothing to complain of`, (t) => {
      const analyze = requireTool(t, 'systemd-analyze');
      if (analyze === null) return;
      const { status, stdout, stderr } = spawnSync(analyze, ['verify', path], { encoding: 'utf8' });
      assert.equal(`${stdout}${stderr}`, '');
      assert.equal(status, 0);
    });

    test(`${basename(unit)}: gives little away`, (t) => {
      const analyze = requireTool(t, 'systemd-analyze');
      if (analyze === null) return;
      const { stdout } = spawnSync(analyze, ['security', '--offline=true', '--no-pager', path], { encoding: 'utf8' });
      const exposure = Number(/exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1]);
      assert.ok(exposure <= EXPOSURE_MAX, `exposure ${exposure}`);
    });
  }

  test('a line that systemd does not know is noticed', (t) => {
    const analyze = requireTool(t, 'systemd-analyze');
    if (analyze === null) return;
    const path = join(folder, 'wrong.service');
    writeFileSync(path, textOf(units[0]).replaceAll('/usr/local/bin/outcry', '/bin/true').replace('KillMode=', 'KillMood='));
    const { stderr } = spawnSync(analyze, ['verify', path], { encoding: 'utf8' });
    assert.match(stderr, /KillMood/);
  });
});

describe('commands', () => {
  const commands = [...units.map(textOf).join('\n').matchAll(/^Exec\w+=\/usr\/local\/bin\/outcry (.*)$/gm)].map(([, rest]) => rest);
  const [, image] = /^CMD (\[.*\])$/m.exec(textOf('container/Containerfile')) ?? [];
  commands.push((JSON.parse(image) as string[]).join(' '));

  for (const command of new Set(commands)) {
    test(`outcry ${command}`, async () => {
      const [verb, ...rest] = command.split(' ');
      const program = await outcryProgram([verb]);
      let found = program.commands.find((known) => known.name() === verb);
      assert.ok(found !== undefined, `${verb} is a verb`);
      const sub = found.commands.find((known) => known.name() === rest[0]);
      found = sub ?? found;
      const known = new Set(found.options.flatMap(({ short, long }) => [short, long]));
      for (const flag of rest.filter((word) => word.startsWith('-'))) assert.ok(known.has(flag), `${flag} of ${verb}`);
    });
  }
});

test('every setting of the host is one that the kernel has', (t) => {
  if (process.platform !== 'linux') return t.skip('not Linux');
  const settings = [...textOf('host/90-outcry.conf').matchAll(/^([a-z0-9._]+) = (\d+)$/gm)].map(([, name]) => name);
  assert.ok(settings.length >= 10);
  // A network namespace or a container shows few of those of the network.
  const shown = settings.filter((name) => existsSync(`/proc/sys/${name.replaceAll('.', '/')}`));
  for (const name of settings.filter((setting) => !setting.startsWith('net.') && setting !== 'kernel.numa_balancing')) {
    assert.ok(shown.includes(name), name);
  }
});

test('the image is made of what is there', () => {
  const copied = [...textOf('container/Containerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources]) => sources.split(' '));
  assert.ok(copied.includes('package-lock.json'));
  for (const source of copied) assert.ok(existsSync(join(root, source)), source);
});
