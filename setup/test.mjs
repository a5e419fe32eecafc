// `npm test`: the gate, all suites, and one closing line that counts them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { missingClients, prepareClients } from './clients/prepare.mjs';

const root = join(import.meta.dirname, '..');
const results = join(root, 'build', 'test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

// One cache of built tools for all suites, inside the checkout.
process.env.OPENTSM_TOOLCHAIN_CACHE ??= join(root, 'build', 'toolchain');

const only = process.argv.slice(2);
const SUITES = ['lint', 'java', 'cap', 'setup', 'host', 'simulator', 'applet', 'toolchain', 'flow', 'crash'];
const unknown = only.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`npm test: no suite ${unknown.join(', ')}; there are ${SUITES.join(', ')}`);
  process.exit(2);
}
let passed = 0;
let failed = 0;
let skipped = 0;

function start(name, command, args, env = {}) {
  console.log(`\n== ${name}`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** A check without cases of its own counts as one. */
async function check(name, command, args) {
  if (only.length > 0 && !only.includes(name)) return;
  if (await start(name, command, args)) passed += 1;
  else failed += 1;
}

/**
 * A world of its own for suites that use PC/SC: a pcscd that the machine already has, and its virtual reader's ports,
 * are out of sight. Without root, or without these tools, the suites use what is there.
 */
const ISOLATION = [
  ...['unshare', '--mount', '--net', 'sh', '-c'],
  'ip link set lo up && mkdir -p /run/pcscd && mount -t tmpfs tmpfs /run/pcscd && exec "$@"',
  'sh',
];
const isolation =
  process.getuid?.() === 0 && spawnSync(ISOLATION[0], [...ISOLATION.slice(1), 'true'], { stdio: 'ignore' }).status === 0
    ? ISOLATION
    : [];

async function mocha(name, specs, { alone = true } = {}) {
  if (only.length > 0 && !only.includes(name)) return;
  const file = join(results, `${name}.json`);
  const [command, ...args] = [...(alone ? isolation : []), process.execPath];
  const ok = await start(
    name,
    command,
    [...args, 'node_modules/mocha/bin/mocha.js', '--config', 'setup/mocharc.json', ...specs],
    {
      OPENTSM_TEST_RESULT: file,
    },
  );
  if (!existsSync(file)) {
    failed += 1;
    console.log(`${name}: ended without a result`);
    return;
  }
  const counts = JSON.parse(readFileSync(file, 'utf8'));
  passed += counts.passes;
  failed += counts.failures + (counts.failures === 0 && !ok ? 1 : 0);
  skipped += counts.pending;
}

async function maven(name) {
  if (only.length > 0 && !only.includes(name)) return;
  const ok = await start(name, 'mvn', ['-q', '-B', 'package', '-Dsurefire.failIfNoSpecifiedTests=false', '-fae']);
  let failures = 0;
  for (const path of surefireReports(root)) {
    const suite = /<testsuite [^>]*>/.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
    const count = (attribute) => Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const bad = count('failures') + count('errors');
    failures += bad;
    skipped += count('skipped');
    passed += count('tests') - bad - count('skipped');
  }
  failed += failures + (failures === 0 && !ok ? 1 : 0);
}

function* surefireReports(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.name === 'surefire-reports') {
      for (const name of readdirSync(path)) if (name.endsWith('.xml')) yield join(path, name);
    } else yield* surefireReports(path);
  }
}

const started = Date.now();
// While lint and Maven run: it mostly waits for the network.
const clients = only.length === 0 || only.includes('host') ? prepareClients(root) : undefined;
await check('lint', process.execPath, ['setup/lint.mjs']);
await maven('java');
// Outside the suites' namespace, because a first build fetches Ant; suites that need CAP files then find all in place.
await check('cap', process.execPath, ['toolchain/bin/ant-javacard.mjs']);
await mocha('setup', ['setup/*.test.ts']);
await clients;
await mocha('host', ['host/test/!(flow|attack|crash)/**/*.test.ts', 'host/test/*.test.ts']);
await mocha('simulator', ['simulator/test/**/*.test.ts']);
await mocha('applet', ['applet/test/**/*.test.ts']);
await mocha('toolchain', ['toolchain/test/**/*.test.ts'], { alone: false });
await mocha('flow', ['host/test/flow/**/*.test.ts', 'host/test/attack/**/*.test.ts']);
await mocha('crash', ['host/test/crash/**/*.test.ts']);

// Skips are counted and asserted, so that silence cannot grow.
const expected = JSON.parse(readFileSync(join(root, 'setup/expected-skips.json'), 'utf8')).total + missingClients(root);
if (only.length === 0 && skipped !== expected) {
  console.log(`${skipped} tests were skipped, ${expected} are expected (setup/expected-skips.json)`);
  failed += 1;
}
console.log(`\n${Math.round((Date.now() - started) / 1000)} s, ${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
