// SPDX-License-Identifier: Apache-2.0
// How many tests a suite had, from what it left behind.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** From the file that setup/reporter.cjs wrote. */
export function mochaCounts(ok, { file }) {
  if (!existsSync(file)) return { failed: 1, note: 'ended without a result' };
  const { passes, failures, pending, seconds } = JSON.parse(readFileSync(file, 'utf8'));
  // A process that fails although its tests did not is a failure too.
  return { passed: passes, failed: failures === 0 && !ok ? 1 : failures, skipped: pending, seconds };
}

/** From Surefire's reports of all modules, as far as they were written since then. */
export function mavenCounts(ok, { root, since }) {
  const total = { passed: 0, failed: 0, skipped: 0, seconds: {} };
  for (const path of surefireReports(root)) {
    if (statSync(path).mtimeMs < since) continue;
    const suite = /<testsuite [^>]*>/.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
    const attribute = (name) => Number(new RegExp(`\\b${name}="([\\d.]+)"`).exec(suite)?.[1] ?? 0);
    const failed = attribute('failures') + attribute('errors');
    total.failed += failed;
    total.skipped += attribute('skipped');
    total.passed += attribute('tests') - failed - attribute('skipped');
    total.seconds[relative(root, path)] = attribute('time');
  }
  if (total.failed === 0 && !ok) total.failed = 1;
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
