// SPDX-License-Identifier: Apache-2.0
// How many tests a suite had, from what it left behind.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** From the file that setup/reporter.cjs wrote. */
export function mochaCounts(ok, { file }) {
  if (!existsSync(file)) return { failed: 1, names: ['ended without a result'] };
  const { passes, failures, pending, seconds, names } = JSON.parse(readFileSync(file, 'utf8'));
  // A process that fails although its tests did not is a failure too.
  if (failures === 0 && !ok) return { passed: passes, failed: 1, skipped: pending, seconds, names: ['ended badly'] };
  return { passed: passes, failed: failures, skipped: pending, seconds, names };
}

/** From Surefire's reports of all modules, as far as they were written since then. */
export function mavenCounts(ok, { root, since }) {
  const total = { passed: 0, failed: 0, skipped: 0, seconds: {}, names: [] };
  for (const path of surefireReports(root)) {
    if (statSync(path).mtimeMs < since) continue;
    const report = readFileSync(path, 'utf8');
    const suite = /<testsuite [^>]*>/.exec(report)?.[0] ?? '';
    const attribute = (name) => Number(new RegExp(`\\b${name}="([\\d.]+)"`).exec(suite)?.[1] ?? 0);
    const failed = attribute('failures') + attribute('errors');
    total.failed += failed;
    total.skipped += attribute('skipped');
    total.passed += attribute('tests') - failed - attribute('skipped');
    for (const [, test, kind] of report.matchAll(/<testcase ([^>]*[^/])>\s*<(failure|error)/g)) {
      const named = (name) => new RegExp(`\\b${name}="([^"]*)"`).exec(test)?.[1];
      total.names.push(`${named('classname')}.${named('name')}: ${kind}`);
    }
    total.seconds[relative(root, path)] = attribute('time');
  }
  if (total.failed === 0 && !ok) Object.assign(total, { failed: 1, names: ['ended badly: see its output'] });
  return total;
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
