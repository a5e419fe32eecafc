#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// node deploy/install.mjs PREFIX [--readers]: puts what the daemons need of this checkout under PREFIX.
//
//   PREFIX/releases/<version>-<what is in it>/   package.json, host/ without its tests, demo and lab, node_modules
//   PREFIX/current -> releases/...               changed last and at once; the release before stays for the way back
//
// --readers also builds the PC/SC add-on (libpcsclite-dev, python3, make, g++), for `tsm terminal` and `tsm card`.
// The embedded PostgreSQL of `tsm up` is left out: give the daemons a server.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const MANIFESTS = [
  'package.json',
  'package-lock.json',
  'host/package.json',
  'simulator/package.json',
  'toolchain/package.json',
];
const NOT_AT_WORK = new Set(['test', 'demo', 'lab', 'node_modules']);

function usage(problem) {
  process.stderr.write(`${problem}\nusage: node deploy/install.mjs PREFIX [--readers]\n`);
  process.exit(2);
}

/** Files of a release, relative to the checkout, in order. */
async function releaseFiles() {
  const entries = await readdir(join(ROOT, 'host'), { recursive: true, withFileTypes: true });
  const host = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !NOT_AT_WORK.has(path.split('/')[1]));
  return [...new Set([...MANIFESTS, ...host])].sort();
}

/** A name that tells the version, and changes with any byte of the release. */
async function releaseName(files, options) {
  const hash = createHash('sha256').update(options);
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  const { version } = JSON.parse(await readFile(join(ROOT, 'host/package.json'), 'utf8'));
  return `${version}-${hash.digest('hex').slice(0, 12)}`;
}

/** The environment in which npm runs and builds for the Node of this process, whatever other Node is installed. */
function thisNode() {
  const home = dirname(dirname(process.execPath));
  const headers = existsSync(join(home, 'include/node/node.h')) ? { npm_config_nodedir: home } : {};
  return { ...process.env, ...headers, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
}

function npm(folder, args) {
  const { status } = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    env: thisNode(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm ${args[0]} failed in ${folder}; nothing was switched, run it again`);
}

async function buildRelease(folder, files, readers) {
  for (const file of files) await cp(join(ROOT, file), join(folder, file), { recursive: true });
  npm(folder, ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts']);
  if (readers) {
    const { optionalDependencies } = JSON.parse(await readFile(join(ROOT, 'host/package.json'), 'utf8'));
    npm(folder, ['install', '--no-save', '--omit=dev', '--omit=optional', `pcsclite@${optionalDependencies.pcsclite}`]);
  }
  const command = `exec ${process.execPath} "$(dirname "$(readlink -f "$0")")/host/cli/tsm.mjs" "$@"`;
  await writeFile(join(folder, 'tsm'), `#!/bin/sh\n${command}\n`);
  await chmod(join(folder, 'tsm'), 0o755);
}

async function switchTo(prefix, name) {
  const next = join(prefix, `.current-${process.pid}`);
  await symlink(join('releases', name), next);
  await rename(next, join(prefix, 'current'));
}

const [prefix, ...options] = process.argv.slice(2);
if (prefix === undefined || prefix.startsWith('-')) usage('PREFIX is missing');
if (options.some((option) => option !== '--readers')) usage(`unknown option ${options.find((o) => o !== '--readers')}`);
if (Number(process.versions.node.split('.')[0]) < 24) usage(`Node 24 or newer is needed, this is ${process.version}`);

const files = await releaseFiles();
const name = await releaseName(files, options.join());
const releases = join(resolve(prefix), 'releases');
await mkdir(releases, { recursive: true });
if (!(await readdir(releases)).includes(name)) {
  const unfinished = join(releases, `.${name}-${process.pid}`);
  try {
    await buildRelease(unfinished, files, options.includes('--readers'));
    await rename(unfinished, join(releases, name));
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
const before = await readlink(join(resolve(prefix), 'current')).catch(() => 'none');
await switchTo(resolve(prefix), name);
process.stdout.write(`${join(resolve(prefix), 'current')} -> releases/${name} (before: ${before})\n`);
