#!/usr/bin/env node
// Starts src/cli.ts on Node 24, which runs TypeScript as it is. An older Node hands over to one that can.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', 'src', 'cli.ts');

/** The executable of the npm package node-<platform>-<arch>, looked for upwards from here. */
function packagedNode() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  for (let folder = here; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name, 'bin', 'node');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
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
    const starter =
      'import(process.argv[1]).then((m) => m.main(process.argv.slice(2), process.env, process.cwd())).then((c) => { process.exitCode = c; })';
    const run = spawnSync(node, ['--input-type=module', '-e', starter, '--', cli, ...process.argv.slice(2)], {
      stdio: 'inherit',
    });
    process.exitCode = run.status ?? 1;
  }
}
