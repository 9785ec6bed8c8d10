// `npm run ok`: all that continuous integration does, in its order, the quickest first: types,
// lint, then the tests (which compile the core and compare the generated files). Stops at the first
// that fails. What follows is handed to the tests: npm run ok -- src/wire
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const STEPS: readonly (readonly [name: string, script: string, args: readonly string[]])[] = [
  ['types', 'check', []],
  ['lint', 'lint', []],
  ['tests', 'test', process.argv.slice(2)],
];

const started = performance.now();
for (const [name, script, args] of STEPS) {
  process.stdout.write(`── ${name}\n`);
  const more = args.length > 0 ? ['--', ...args] : [];
  const options = { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' } as const;
  const { status } = spawnSync('npm', ['run', '--silent', script, ...more], options);
  if (status !== 0) {
    process.stderr.write(`not ok: ${name} (npm run ${script})\n`);
    process.exit(status ?? 1);
  }
}
process.stdout.write(`ok in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
