// SPDX-License-Identifier: Apache-2.0
// Levels of conformance to the two published interfaces, from results that mocha's reporter wrote.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each level with its rules; a rule is held by one test, `soak` by one of `npm run soak` alone. */
export const LEVELS = JSON.parse(readFileSync(join(import.meta.dirname, 'levels.json'), 'utf8'));

/** Files whose tests hold a rule, without those of a soak. */
export const CONFORMANCE_FILES = [
  ...new Set(LEVELS.flatMap(({ rules }) => rules.flatMap(({ file, soak }) => (soak ? [] : [file])))),
];

/** What tests have said of themselves: `{ level, what, done, total }`. */
function figuresIn(folder) {
  const file = join(folder, 'conformance.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** State by file and full title. */
function statesIn(folder) {
  const states = new Map();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')))
    for (const { file, title, state } of JSON.parse(readFileSync(join(folder, name), 'utf8')).tests ?? [])
      states.set(`${file} ${title}`, state);
  return states;
}

/** @returns a row for each rule: `passed`, `failed`, `skipped`, `soak` or `not run` */
export function rulesIn(folder) {
  const states = statesIn(folder);
  return LEVELS.flatMap(({ level, rules }) =>
    rules.map((rule) => {
      const state = states.get(`${rule.file} ${rule.test}`) ?? (rule.soak ? 'soak' : 'not run');
      return { level, ...rule, state };
    }),
  );
}

/** @returns the tables as text, for results in this folder */
export function conformanceTables(folder) {
  const rules = rulesIn(folder);
  const figures = figuresIn(folder);
  const lines = ['Conformance to TSMS (BSI TR-03165 1.0.4) and SERAM 2.0.0'];
  for (const { level, name } of LEVELS) {
    const own = rules.filter((rule) => rule.level === level);
    const passed = own.filter(({ state }) => state === 'passed').length;
    const counted = figures
      .filter((figure) => figure.level === level)
      .map(({ what, done, total }) => `${what} ${done}/${total}`);
    lines.push('', [`${level}  ${name}: rules ${passed}/${own.length}`, ...counted].join(', '));
    for (const { of, clause, state, file } of own)
      lines.push(`  ${state.padEnd(8)} ${of.padEnd(8)} ${clause.padEnd(42)} ${file}`);
  }
  for (const of of new Set(rules.map((rule) => rule.of))) {
    const own = rules.filter((rule) => rule.of === of);
    lines.push(`${of}: ${own.filter(({ state }) => state === 'passed').length}/${own.length} rules`);
  }
  return lines.join('\n');
}
