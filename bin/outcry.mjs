#!/usr/bin/env node
// The `outcry` command: built JavaScript in an installed package, TypeScript in a clone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, runOnNode } from './node26.mjs';

const source = join(root, 'src/apps/outcry.ts');
const built = join(root, 'dist/apps/outcry.js');
runOnNode([existsSync(source) ? source : built, ...process.argv.slice(2)]);
