#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Starts src/cli.ts on Node 24, which runs TypeScript as it is. An older Node hands over to one that can.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const self = fileURLToPath(import.meta.url);
const here = dirname(self);

/**
 * The executable of the npm package node-<platform>-<arch>, looked for upwards from here and from the working folder.
 */
function packagedNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  for (const start of [here, process.cwd()]) {
    for (let folder = start; ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name, 'bin', 'node');
      if (existsSync(candidate)) return candidate;
      if (folder === dirname(folder)) break;
    }
  }
  return undefined;
}

/** Node strips types everywhere but below node_modules, where an installed package lies: do it there ourselves. */
function stripTypesOfInstalledPackage() {
  if (!here.split(sep).includes('node_modules')) return;
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('stripTypeScriptTypes')) emitWarning.call(process, warning, ...rest);
  };
  const source = new URL('../src/', import.meta.url).href;
  module.registerHooks({
    load(url, context, next) {
      if (!url.startsWith(source) || !url.endsWith('.ts')) return next(url, context);
      const text = module.stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module', source: text, shortCircuit: true };
    },
  });
}

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  stripTypesOfInstalledPackage();
  const { main } = await import('../src/cli.ts');
  process.exitCode = await main(process.argv.slice(2), process.env, process.cwd());
} else {
  const node = process.env.OPENTSM_NODE ?? packagedNode();
  if (node === undefined || !existsSync(node)) {
    console.error(
      `ant-javacard: this is Node ${process.versions.node}, but Node ${NEEDED} or later is needed, and there is no ` +
        `npm package node-${process.platform}-${process.arch}.\nInstall Node ${NEEDED}, run "npm install" in the ` +
        'repository, or set OPENTSM_NODE to the executable.',
    );
    process.exitCode = 1;
  } else {
    const run = spawnSync(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' });
    process.exitCode = run.status ?? 1;
  }
}
