// SPDX-License-Identifier: Apache-2.0
// What `npm run soak` runs: one entry for each file, in the order in which they run.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mavenCounts, mochaCounts } from '../suites/counts.mjs';
import { isolated } from '../suites/isolation.mjs';
import { makeRelease } from './release.ts';

/** Does more in a soak than in the gate. */
const MULTIPLIES = /(soakRuns|gateCases)\(|\bsoaking\b|codec-properties/;
const MULTIPLIES_JAVA = /"opentsm\.soak"/;
/** These fetch something while they run; all others have ports and readers of their own. */
const NEEDS_NETWORK = /^toolchain\/|java-client\.soak/;
const NEEDS_RELEASE = /upgrade\.soak/;
const NEEDS_CLIENTS = /schemathesis/;
/** Names that say more than the file's. */
const PARTS = { caps: 'RefusalTest' };

const MOCHA = [
  'node_modules/mocha/bin/mocha.js',
  '--config',
  'setup/mocharc.json',
  '--require',
  'setup/soak/hooks.mjs',
];

/** @returns {string[]} files that a soak runs, TypeScript first, files that only a soak runs before all others */
export function soakFiles(root) {
  const holds = (pattern) => (file) => pattern.test(readFileSync(join(root, file), 'utf8'));
  const tests = globSync('{host,applet,simulator,toolchain}/test/**/*.test.ts', { cwd: root });
  const alone = globSync('{host,applet,simulator,toolchain}/test/**/*.soak.ts', { cwd: root });
  const java = globSync('{applet,simulator,toolchain}/**/src/test/java/**/*Test.java', { cwd: root });
  return [
    ...alone.toSorted(),
    ...tests.filter(holds(MULTIPLIES)).toSorted(),
    ...java.filter(holds(MULTIPLIES_JAVA)).toSorted(),
  ];
}

/** @returns {string[]} of these files those that a name is part of, upper case or not; all without names */
export function named(files, names) {
  const wanted = names.map((name) => (Object.hasOwn(PARTS, name) ? PARTS[name] : name).toLowerCase());
  if (wanted.length === 0) return files;
  return files.filter((file) => wanted.some((name) => file.toLowerCase().includes(name)));
}

/** A suite of `suites/lanes.mjs` for a file; its process gets factor and seed. */
export function entryOf(file, { factor, seed, limitMs }) {
  const common = { file, limitMs, needsClients: NEEDS_CLIENTS.test(file), name: file.replaceAll('/', '-') };
  if (file.endsWith('.java')) {
    const [module] = file.split('/src/test/');
    const bounds = [`-Dopentsm.soak=${factor}`, `-Dfuzz.seed=${seed}`, '-DargLine=-XX:+UseSerialGC'];
    const only = [`-Dtest=${basename(file, '.java')}`, '-Dsurefire.failIfNoSpecifiedTests=false'];
    return {
      ...common,
      command: ['mvn', '-q', '-B', 'test', '-pl', module, '-am', ...only, ...bounds],
      counts: mavenCounts,
    };
  }
  const command = [process.execPath, ...MOCHA, file];
  const ready = NEEDS_RELEASE.test(file) ? { ready: makeRelease } : {};
  return { ...common, ...ready, command: NEEDS_NETWORK.test(file) ? command : isolated(command), counts: mochaCounts };
}
