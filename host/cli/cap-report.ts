// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the CAP tools print, as values: for `--json`. */

const TOOL = fileURLToPath(new URL('../../toolchain/bin/ant-javacard.mjs', import.meta.url));
const MOST_OUTPUT = 256 * 1024 * 1024;

export interface CapReport {
  readonly exitCode: number;
  readonly report: Readonly<Record<string, unknown>>;
}

/** `FILE: error: TEXT`, and `FILE: verified|refused, N errors, N warnings, N notes` behind those of a file. */
function verified(lines: readonly string[]) {
  const findings: { file: string; severity: string; text: string }[] = [];
  const files: { file: string; verified: boolean }[] = [];
  for (const line of lines) {
    const [, file, severity, text] = /^(.+?): (error|warning|note): (.*)$/.exec(line) ?? [];
    if (file !== undefined && severity !== undefined && text !== undefined) findings.push({ file, severity, text });
    const [, whole, word] = /^(.+?): (\w+), \d+ errors?, \d+ warnings?, \d+ notes?$/.exec(line) ?? [];
    if (whole !== undefined) files.push({ file: whole, verified: word === 'verified' });
  }
  return { files, findings };
}

/** `N  load file, without Descriptor N`, `N  COMPONENT`, then `N  CLASS (entry N)` with `N    METHOD` for each. */
function sized(lines: readonly string[]) {
  const components: Record<string, number> = {};
  const classes: { name: string; bytes: number; entry: number; methods: { name: string; bytes: number }[] }[] = [];
  let loadFile = 0;
  let withoutDescriptor = 0;
  for (const line of lines) {
    const [, digits = '', indent = '', name = ''] = /^ *(\d+)( {2,4})(\S.*)$/.exec(line) ?? [];
    const bytes = Number(digits);
    const [, without] = /^load file, without Descriptor (\d+)$/.exec(name) ?? [];
    const [, className, entry] = /^(.*) \(entry (\d+)\)$/.exec(name) ?? [];
    if (without !== undefined) [loadFile, withoutDescriptor] = [bytes, Number(without)];
    else if (className !== undefined) classes.push({ name: className, bytes, entry: Number(entry), methods: [] });
    else if (indent.length === 4) classes.at(-1)?.methods.push({ name, bytes });
    else if (name !== '') components[name] = bytes;
  }
  return { loadFile, withoutDescriptor, components, classes };
}

/**
 * Runs a tool on files. `verify` gives files and findings, `size` bytes by component, class and method; `dump` and
 * `diff` their lines.
 *
 * @returns its exit code too: 1 with findings or differences, 2 for wrong use
 */
export function capReport(verb: string, words: readonly string[]): CapReport {
  const run = spawnSync(process.execPath, [TOOL, verb, ...words], { encoding: 'utf8', maxBuffer: MOST_OUTPUT });
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  const values = verb === 'verify' ? verified(lines) : verb === 'size' ? sized(lines) : { lines };
  const errors = run.stderr.split('\n').filter((line) => line !== '');
  return { exitCode: run.status ?? 1, report: { ...values, ...(errors.length === 0 ? {} : { errors }) } };
}
