// SPDX-License-Identifier: Apache-2.0
// Clients that others made, for the tests: Python packages in a virtual environment and Java libraries under build/,
// opensc-tool and GnuTLS's programs from Debian. What cannot be had here is told, and its tests are skipped and counted
// (expected-skips.json).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What pyscard is built from, where a machine has none of it: PyPI has no binary of pyscard for Linux. */
const BUILD_PACKAGES = ['python3-venv', 'python3-dev', 'g++', 'libpcsclite-dev'];

export const OPENSC_TOOL = '/usr/bin/opensc-tool';
export const GNUTLS_CLI = '/usr/bin/gnutls-cli';
/** Debian's pg_restore with a server of its version. Nobody gets it for a test: it would run as a service. */
const hasPostgres = () =>
  globSync('/usr/lib/postgresql/*/bin/pg_restore').some((file) => existsSync(join(file, '../postgres')));
export const javaClientsOf = (root) => join(root, 'build', 'clients-java');
export const pythonOf = (root) => join(root, 'build', 'clients', 'bin', 'python');

function run(command, ...args) {
  return new Promise((resolve) => {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-2000);
    });
    child.on('error', (error) => resolve({ ok: false, said: error.message }));
    child.on('exit', (code) => resolve({ ok: code === 0, said }));
  });
}

async function install(...packages) {
  if (!existsSync('/usr/bin/apt-get')) return false;
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args) => run(...prefix, 'apt-get', ...args);
  if ((await apt('install', '-y', '-q', ...packages)).ok) return true;
  await apt('update', '-q');
  return (await apt('install', '-y', '-q', ...packages)).ok;
}

async function makeEnvironment(folder, requirements) {
  rmSync(folder, { recursive: true, force: true });
  const made = await run('python3', '-m', 'venv', folder);
  // Compiled when it is imported: most of it never is, and compiling all takes longer than all else.
  const install = ['install', '-q', '--no-deps', '--no-compile', '-r', requirements];
  return made.ok ? run(join(folder, 'bin', 'pip'), ...install) : made;
}

async function preparePython(root) {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  const folder = join(root, 'build', 'clients');
  const stamp = join(folder, 'requirements.sha256');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: fetching Python clients for the tests');
  let outcome = await makeEnvironment(folder, requirements);
  if (!outcome.ok && (await install(...BUILD_PACKAGES))) outcome = await makeEnvironment(folder, requirements);
  if (!outcome.ok) {
    rmSync(folder, { recursive: true, force: true });
    console.error(`setup: no Python clients, their tests are skipped: ${outcome.said.trim().split('\n').at(-1)}`);
    console.error(`setup: they need Python 3.11+ and, on Debian, ${BUILD_PACKAGES.join(' ')}`);
    return;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(stamp, wanted);
}

async function prepareJava(root) {
  const project = join(import.meta.dirname, 'java');
  const folder = javaClientsOf(root);
  const stamp = join(folder, 'pom.sha256');
  const wanted = createHash('sha256')
    .update(readFileSync(join(project, 'pom.xml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: fetching a Java client for the tests');
  rmSync(folder, { recursive: true, force: true });
  const { ok, said } = await run(
    'mvn',
    ...['-q', '-B', '-f', project, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`],
  );
  if (ok) writeFileSync(stamp, wanted);
  else {
    rmSync(folder, { recursive: true, force: true });
    console.error(`setup: no Java client, its test is skipped: ${said.trim().split('\n').at(-1)}`);
  }
}

/** Fetches what is missing; never fails. */
export async function prepareClients(root) {
  await preparePython(root);
  await prepareJava(root);
  for (const [tool, debianPackage] of [
    [OPENSC_TOOL, 'opensc'],
    [GNUTLS_CLI, 'gnutls-bin'],
  ]) {
    if (existsSync(tool)) continue;
    console.error(`setup: installing ${debianPackage} for the tests`);
    if (!(await install(debianPackage))) console.error(`setup: no ${tool}, its tests are skipped`);
  }
}

/** The module of SoftHSM, which setup/prepare.mjs installs. */
const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';

/** How many tests are skipped on this machine because a client is not there: one for each of its files. */
export function missingClients(root) {
  const wanted = [
    ...Array.from({ length: 6 }, () => pythonOf(root)),
    ...[javaClientsOf(root), OPENSC_TOOL, GNUTLS_CLI, GNUTLS_CLI, SOFTHSM],
  ];
  const withoutDump = hasPostgres() ? 0 : 1;
  return wanted.filter((path) => !existsSync(path)).length + withoutDump;
}
