// SPDX-License-Identifier: Apache-2.0
// `npm run soak -- [FACTOR]`: property tests and fuzzers with FACTOR times the cases of the gate (20), and tests in
// files `*.soak.ts`, which the gate does not run at all. `npm run soak -- farm` is a farm of 1,000 cards alone, and
// `npm run soak -- caps` 100,000 hostile CAPs. Prints what it did.
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mavenCounts, mochaCounts } from '../suites/counts.mjs';
import { runSuites } from '../suites/lanes.mjs';

const root = join(import.meta.dirname, '..', '..');
const results = join(root, 'build', 'soak-results');
/** What may be asked for alone. */
const PARTS = {
  farm: { files: ['simulator/test/farm.soak.ts'], fuzzers: [] },
  caps: { files: [], fuzzers: ['RefusalTest'], modules: ['-pl', 'toolchain/java/linker', '-am'] },
};
const [wanted = '20'] = process.argv.slice(2);
const part = Object.hasOwn(PARTS, wanted) ? PARTS[wanted] : undefined;
const factor = part === undefined ? Number(wanted) : 20;
if (!Number.isInteger(factor) || factor < 1 || factor > 10_000) {
  console.error('usage: npm run soak -- [FACTOR | farm | caps], FACTOR a whole number from 1 to 10000');
  process.exit(2);
}
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
process.env.OPENTSM_SOAK = String(factor);
process.env.OPENTSM_TOOLCHAIN_CACHE ??= join(root, 'build', 'toolchain');

const tests = globSync('{host,applet,simulator,toolchain}/test/**/*.{test,soak}.ts', { cwd: root });
const soaking =
  part?.files ??
  tests.filter(
    (file) =>
      file.endsWith('.soak.ts') ||
      /(soakRuns|gateCases)\(|\bsoaking\b|codec-properties/.test(readFileSync(join(root, file), 'utf8')),
  );
const FUZZERS = part?.fuzzers ?? ['FuzzTest', 'IntRuleTest', 'RefusalTest', 'KeyReuseTest'];
const mocha = [
  'node_modules/mocha/bin/mocha.js',
  '--config',
  'setup/mocharc.json',
  '--require',
  'setup/soak/hooks.mjs',
];
const suites = [
  {
    name: 'typescript',
    command: [process.execPath, ...mocha, ...soaking],
    counts: mochaCounts,
  },
  {
    name: 'java',
    command: [
      ...[
        'mvn',
        '-q',
        '-B',
        'package',
        '-fae',
        ...(part?.modules ?? []),
        `-Dtest=${FUZZERS.join()}`,
        '-Dsurefire.failIfNoSpecifiedTests=false',
      ],
      ...[
        `-Dopentsm.soak=${factor}`,
        `-Dopentsm.pairs=${50 * factor}`,
        `-Dlinker.fuzz=${5000 * factor}`,
        '-DargLine=-XX:+UseSerialGC',
      ],
    ],
    counts: mavenCounts,
  },
].filter(({ name }) => (name === 'java' ? FUZZERS : soaking).length > 0);
console.log(`${factor} times the gate's cases: ${soaking.length} files of TypeScript; ${FUZZERS.join(', ')}`);
const outcomes = await runSuites(suites, { root, results, lanes: 2 });
let failed = 0;
for (const { name, seconds, counts } of outcomes) {
  failed += counts.failed;
  console.log(`\n${name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds.toFixed(0)} s`);
  for (const [file, time] of Object.entries(counts.seconds ?? {}))
    console.log(`${time.toFixed(0).padStart(6)} s  ${file}`);
}
process.exit(failed === 0 ? 0 : 1);
