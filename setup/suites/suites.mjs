// SPDX-License-Identifier: Apache-2.0
// What `npm test` runs.
import { existsSync } from 'node:fs';
import { CONFORMANCE_FILES } from '../conformance/tables.mjs';
import { mavenCounts, mochaCounts } from './counts.mjs';
import { CAN_ISOLATE, isolated } from './isolation.mjs';

/** A check without cases of its own counts as one. */
const check = (name, script, more = {}) => ({
  name,
  command: [process.execPath, script],
  counts: (ok) => (ok ? { passed: 1 } : { passed: 0, failed: 1, names: ['see its output'] }),
  ...more,
});

const mocha = (name, specs, more = {}) => {
  const command = [process.execPath, 'node_modules/mocha/bin/mocha.js', '--config', 'setup/mocharc.json', ...specs];
  return {
    name,
    specs,
    command: more.network === true ? command : isolated(command),
    counts: mochaCounts,
    after: ['cap'],
    ...(CAN_ISOLATE ? {} : { shares: 'pcsc' }),
    ...more,
  };
};

/** Folders of `host/test` that are a suite each, and those that make up the suite `platform`. */
const ALONE = ['flow', 'attack', 'crash', 'conformance'];
const PLATFORM = ['front', 'issuer', 'kms', 'local', 'rest', 'service'];

const CONFORMANCE = ['host/test/conformance/**/*.test.ts'];
/** With every test that holds a rule of the two published interfaces, which the whole run has in other suites. */
export const CONFORMANCE_ALONE = mocha('conformance', [...CONFORMANCE, ...CONFORMANCE_FILES], { needsClients: true });

/**
 * In the order in which they begin: the longest first, so that none of them is left to run alone. `after` names a suite
 * that makes what a suite uses: CAP files, made outside the namespace because a first build fetches Ant. Classes and
 * jars are those of the set-up, which `mvn package` finds as they should be. `needsClients`: drives clients that others
 * made.
 */
export const SUITES = [
  check('cap', 'toolchain/bin/ant-javacard.mjs'),
  {
    name: 'java',
    command: ['mvn', '-q', '-B', 'package', '-Dsurefire.failIfNoSpecifiedTests=false', '-fae'],
    counts: mavenCounts,
  },
  check('lint', 'setup/lint.mjs'),
  mocha('crash', ['host/test/crash/**/*.test.ts']),
  mocha('platform', [`host/test/{${PLATFORM}}/**/*.test.ts`], { needsClients: true }),
  mocha('host', ['host/test/*.test.ts', `host/test/!(${[...PLATFORM, ...ALONE].join('|')})/**/*.test.ts`], {
    needsClients: true,
  }),
  mocha('attack', ['host/test/attack/**/*.test.ts']),
  mocha('flow', ['host/test/flow/**/*.test.ts']),
  mocha('toolchain', ['toolchain/test/**/*.test.ts'], { network: true }),
  mocha('applet', ['applet/test/**/*.test.ts']),
  mocha('simulator', ['simulator/test/**/*.test.ts']),
  mocha('deploy', ['deploy/test/**/*.test.ts'], { network: true, after: [] }),
  mocha('conformance', CONFORMANCE),
  mocha('setup', ['setup/**/*.test.{ts,mjs}'], { after: [] }),
];

/**
 * What `npm test -- NAME...` runs: all suites without a name, the named ones, and files of tests as a suite of their
 * own behind the CAP files that they may use.
 *
 * @returns {{ wanted: object[], unknown: string[] }}
 */
export function chosen(names) {
  const files = names.filter((name) => /\.test\.(?:ts|mjs)$/.test(name) && existsSync(name));
  const unknown = names.filter((name) => !files.includes(name) && !SUITES.some((suite) => suite.name === name));
  const named = SUITES.filter(({ name }) => names.length === 0 || names.includes(name)).map((suite) =>
    names.length === 1 && suite.name === CONFORMANCE_ALONE.name ? CONFORMANCE_ALONE : suite,
  );
  if (files.length === 0) return { wanted: named, unknown };
  const cap = named.some(({ name }) => name === 'cap') ? [] : SUITES.filter(({ name }) => name === 'cap');
  // As its suite has it: what others publish is fetched there.
  const network = files.some((file) => /^(?:toolchain|deploy)\//.test(file));
  return { wanted: [...cap, ...named, mocha('files', files, { network })], unknown };
}
