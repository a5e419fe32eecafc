// SPDX-License-Identifier: Apache-2.0
// `npm test`: the gate. All suites, a few at a time, a table of their times, and one closing line that counts them.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { missingClients, prepareClients } from './clients/prepare.mjs';
import { conformanceTables, rulesIn } from './conformance/tables.mjs';
import { joinHost } from './joined-host/join.mjs';
import { runSuites } from './suites/lanes.mjs';
import { CONFORMANCE_ALONE, chosen, SUITES } from './suites/suites.mjs';

const root = join(import.meta.dirname, '..');
const results = join(root, 'build', 'test-results');
const only = process.argv.slice(2);
const { wanted, unknown } = chosen(only);
if (unknown.length > 0) {
  const names = SUITES.map(({ name }) => name).join(', ');
  console.error(`npm test: no suite or test file ${unknown.join(', ')}; the suites are ${names}`);
  process.exit(2);
}
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
// One cache of built tools for all suites, inside the checkout.
process.env.OPENTSM_TOOLCHAIN_CACHE ??= join(root, 'build', 'toolchain');
// Compiled once for all suites and the commands that they start.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/opentsm');
// The first database that a test starts is made by initdb, all others are copies of it as it was then.
process.env.OPENTSM_POSTGRES_TEMPLATE = join(root, 'build', 'postgres-template');
rmSync(process.env.OPENTSM_POSTGRES_TEMPLATE, { recursive: true, force: true });
// Daemons and commands that tests start are read from a few files.
process.env.OPENTSM_JOINED_HOST = join(root, 'build', 'joined-host');
const useJoined = `--import=${pathToFileURL(join(import.meta.dirname, 'joined-host/use.mjs')).href}`;
process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS ?? '', useJoined].join(' ').trim();
// Most simulators of the gate live for seconds: code is compiled for speed when it has run ten times as often as usual.
process.env.OPENTSM_SIMULATOR_JVM ??= [
  ...['-XX:Tier4InvocationThreshold=50000', '-XX:Tier4MinInvocationThreshold=6000'],
  ...['-XX:Tier4CompileThreshold=150000', '-XX:Tier4BackEdgeThreshold=400000'],
].join(' ');

/** One more than processors: suites wait a good part of their time, for daemons that start and for time limits. */
const lanes = availableParallelism() + 1;

const started = performance.now();
await joinHost(root, process.env.OPENTSM_JOINED_HOST);
const conforming = wanted.some(({ name }) => name === CONFORMANCE_ALONE.name);
// The published documents on our running servers: what a suite of REST alone leaves out, and a file alone does not.
if (conforming || wanted.some(({ name }) => name === 'files')) process.env.OPENTSM_CONFORMANCE = '1';
// Beside the first suites: it mostly waits for the network.
const clients = wanted.some(({ needsClients }) => needsClients) ? prepareClients(root) : undefined;
const outcomes = await runSuites(
  wanted.map((suite) => (suite.needsClients ? { ...suite, ready: clients } : suite)),
  { root, results, lanes },
);

const sum = (pick) => outcomes.reduce((total, { counts }) => total + (pick(counts) ?? 0), 0);
const [passed, skipped] = [sum((counts) => counts.passed), sum((counts) => counts.skipped)];
let failed = sum((counts) => counts.failed);
// Skips are counted and asserted, so that silence cannot grow.
const expected = JSON.parse(readFileSync(join(root, 'setup/expected-skips.json'), 'utf8')).total + missingClients(root);
if (only.length === 0 && skipped !== expected) {
  console.log(`${skipped} tests were skipped, ${expected} are expected (setup/expected-skips.json)`);
  failed += 1;
}
const slowest = outcomes
  .flatMap(({ counts }) => Object.entries(counts.seconds ?? {}))
  .toSorted(([, a], [, b]) => b - a)
  .slice(0, 12);
// Again at the end, where who keeps only the last lines of a long output finds them.
const failures = outcomes.flatMap(({ name, counts }) => (counts.names ?? []).map((failure) => `${name}: ${failure}`));
if (failures.length > 0) console.log(`\nFailures:\n${failures.map((line) => `  ${line.slice(0, 1_000)}`).join('\n')}`);
console.log('\nSlowest files, s:');
for (const [file, seconds] of slowest) console.log(`${seconds.toFixed(0).padStart(5)}  ${file}`);
if (conforming) {
  console.log(`\n${conformanceTables(results)}`);
  const unheld = rulesIn(results).filter(({ state }) => state === 'not run');
  for (const { of, clause } of unheld) console.log(`no test ran for ${of}, ${clause}: setup/conformance/levels.json`);
  if (missingClients(root) === 0) failed += unheld.length;
}
const times = outcomes.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)}`).join(', ');
const total = Math.round((performance.now() - started) / 1000);
console.log(`\n${total} s (${lanes} suites at a time: ${times}), ${skipped} skipped`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
