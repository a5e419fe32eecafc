// SPDX-License-Identifier: Apache-2.0
// `npm run soak -- [FACTOR] [NAME..]`: property tests, fuzzers and tables of crashes with FACTOR times the cases of the
// gate (20), and tests in files `*.soak.ts`, which the gate does not run at all. One file after another, each in a
// process of its own; a file that fails does not end the soak. CONTRIBUTING.md tells how long they take.
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareClients } from '../clients/prepare.mjs';
import { runSuites } from '../suites/lanes.mjs';
import { entryOf, named, soakFiles } from './entries.mjs';

const root = join(import.meta.dirname, '..', '..');
const results = join(root, 'build', 'soak-results');
const USAGE = `usage: npm run soak -- [FACTOR] [NAME..] [--seed SEED] [--minutes MINUTES] [--list]
  FACTOR   times the cases of the gate, 1 to 10000; 20 without it
  NAME     part of a file's path; farm: 1,000 cards; caps: hostile CAPs
  SEED     what a soak before printed, to play it again
  MINUTES  that one file may take, 120 without it
  --list   prints the files`;

function stop(why) {
  console.error(why);
  process.exit(2);
}

/** A whole number within these bounds. */
function whole(text, least, most) {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= least && value <= most ? value : stop(USAGE);
}

function wordsOf(args) {
  const options = { seed: { type: 'string' }, minutes: { type: 'string' }, list: { type: 'boolean' } };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch {
    return stop(USAGE);
  }
}

const { positionals, values } = wordsOf(process.argv.slice(2));
const [first = ''] = positionals;
const isFactor = /^\d/.test(first);
const factor = isFactor ? whole(first, 1, 10_000) : 20;
const names = isFactor ? positionals.slice(1) : positionals;
const seed = values.seed === undefined ? randomInt(2 ** 31) : whole(values.seed, 0, 2 ** 31 - 1);
const limitMs = whole(values.minutes ?? '120', 1, 10_000) * 60_000;
const files = named(soakFiles(root), names);
if (files.length === 0) stop(`npm run soak: no file has ${names.join(' or ')} in its path; --list prints them`);
if (values.list) {
  console.log(files.join('\n'));
  process.exit(0);
}

rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });
process.env.OPENTSM_SOAK = String(factor);
process.env.OPENTSM_SOAK_SEED = String(seed);
process.env.OPENTSM_TOOLCHAIN_CACHE ??= join(root, 'build', 'toolchain');
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/opentsm');
const again = (file) => `npm run soak -- ${factor} ${file} --seed ${seed}`;
const row = ({ counts, seconds }, file) =>
  `${seconds.toFixed(0).padStart(6)} s ${String(counts.passed ?? 0).padStart(5)} passed ` +
  `${String(counts.failed).padStart(4)} failed  ${file}`;

const entries = files.map((file) => entryOf(file, { factor, seed, limitMs }));
if (entries.some(({ needsClients }) => needsClients)) await prepareClients(root);
console.log(`${factor} times the gate's cases, seed ${seed}: ${files.length} files, one after another`);
const fileOf = new Map(entries.map(({ name, file }) => [name, file]));
const outcomes = await runSuites(entries, {
  root,
  results,
  lanes: 1,
  told: (outcome) => {
    console.log(row(outcome, fileOf.get(outcome.name)));
    if (outcome.counts.failed > 0) process.stdout.write(readFileSync(outcome.log));
  },
});

console.log(`\nAll of them, seed ${seed}:`);
for (const outcome of outcomes.toSorted((a, b) => b.seconds - a.seconds))
  console.log(row(outcome, fileOf.get(outcome.name)));
const bad = outcomes.filter(({ counts }) => counts.failed > 0);
for (const { name, log, counts } of bad) {
  console.log(`\n${fileOf.get(name)} failed; all it said: ${relative(root, log)}; again: ${again(fileOf.get(name))}`);
  for (const failure of counts.names ?? []) console.log(`  ${failure.slice(0, 1_000)}`);
}
const sum = (what) => outcomes.reduce((total, { counts }) => total + (counts[what] ?? 0), 0);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exit(bad.length === 0 ? 0 : 1);
