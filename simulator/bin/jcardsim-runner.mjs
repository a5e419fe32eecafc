#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Starts src/command-line.ts on Node 24, which runs TypeScript as it is. An older Node hands over to one that can.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripTypesOfInstalledPackage } from './strip-types.mjs';

const NEEDED = 24;
const self = fileURLToPath(import.meta.url);

/**
 * The executable of the npm package node-<platform>-<arch>, looked for upwards from here and from the working folder.
 */
function packagedNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  for (const start of [dirname(self), process.cwd()]) {
    for (let folder = start; ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name, 'bin', 'node');
      if (existsSync(candidate)) return candidate;
      if (folder === dirname(folder)) break;
    }
  }
  return undefined;
}

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  stripTypesOfInstalledPackage(new URL('../', import.meta.url).href);
  const { run } = await import('../src/command-line.ts');
  process.exitCode = await run(process.argv.slice(2));
} else {
  const node = process.env.OPENTSM_NODE ?? packagedNode();
  if (node === undefined || !existsSync(node)) {
    console.error(
      `jcardsim-runner: this is Node ${process.versions.node}; Node ${NEEDED} or later is needed. Install it, run ` +
        '"npm install" in the repository, or set OPENTSM_NODE to the executable.',
    );
    process.exitCode = 1;
  } else {
    const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
    // The card is saved by the process that holds it, so the signal must reach that one.
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code) => {
      process.exitCode = code ?? 1;
      process.exit();
    });
  }
}
