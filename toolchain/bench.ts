// SPDX-License-Identifier: Apache-2.0
// Wall times of the toolchain on the security domain applets: `node toolchain/bench.ts` prints a table and a JSON line.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { provision } from './src/provision.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(import.meta.dirname, 'bin', 'ant-javacard.mjs');
const SOURCES = join(ROOT, 'applet', 'securitydomain', 'src');
const PACKAGE = 'org.opentsm.securitydomain';
const APPLETS = ['IssuerSecurityDomain', 'SupplementarySecurityDomain', 'ControllingAuthoritySecurityDomain'];
const LEVEL = '3.0.4';
const WARM_RUNS = 5;

/** What {@link toolchainBench} measures; times in ms, sizes in bytes. */
export interface ToolchainBench {
  /** `npx ant-javacard` with an empty cache: Maven builds the toolchain first. */
  readonly coldMs: number;
  /** The same with the toolchain in its cache, median of five. */
  readonly warmMs: number;
  readonly sourceLines: number;
  /** The converter alone, per 1,000 source lines: in a JVM just started, and the median of fifteen runs. */
  readonly converterFirstMsPer1000Lines: number;
  readonly converterMsPer1000Lines: number;
  /** The verifier alone, per 10 KiB of load file, in the same two ways. */
  readonly verifierFirstMsPer10KiB: number;
  readonly verifierMsPer10KiB: number;
  readonly loadBytes: number;
  readonly capFileBytes: number;
  /** The class files that the CAP was made of, without debug information, and their constant pools. */
  readonly classBytes: number;
  readonly classConstantBytes: number;
}

interface ConversionFigures {
  readonly converterFirstMs: number;
  readonly converterMs: number;
  readonly verifierFirstMs: number;
  readonly verifierMs: number;
  readonly loadBytes: number;
  readonly classBytes: number;
  readonly classConstantBytes: number;
}

/** @throws Error with the program's output when it fails: its time would mean nothing */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): { out: string; ms: number } {
  const started = performance.now();
  const done = spawnSync(program, args, { cwd: ROOT, env, encoding: 'utf8' });
  const ms = performance.now() - started;
  if (done.status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${done.stdout}${done.stderr}`);
  return { out: done.stdout, ms };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function linesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.java'))
    .reduce((lines, name) => lines + readFileSync(join(folder, name), 'utf8').split('\n').length - 1, 0);
}

/** Builds the applets again with their class files kept, for the programs that measure one part alone. */
function buildKeepingClasses(folder: string, cap: string, env: NodeJS.ProcessEnv): string {
  const buildFile = join(folder, 'build.xml');
  const applets = APPLETS.map((name, i) => `<applet class="${PACKAGE}.${name}" aid="F06F70656E74736D010${i + 1}"/>`);
  writeFileSync(
    buildFile,
    `<project default="cap"><target name="cap"><javacard><cap targetsdk="${LEVEL}" sources="${SOURCES}" package="${PACKAGE}"
      aid="F06F70656E74736D01" version="1.0" classes="classes" output="${cap}">${applets.join('')}</cap></javacard></target></project>`,
  );
  run(process.execPath, [BIN, '-q', '-f', buildFile], env);
  return join(folder, 'classes');
}

function measureParts(folder: string, env: NodeJS.ProcessEnv): ConversionFigures & { capFileBytes: number } {
  const cap = join(folder, 'securitydomain.cap');
  const classes = buildKeepingClasses(folder, cap, env);
  const { jars } = provision({ env, offline: true, log: () => {} });
  const java = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : 'java';
  const program = join(import.meta.dirname, 'bench', 'ConversionBench.java');
  const operands = [cap, classes, PACKAGE, LEVEL, ...APPLETS.map((name) => `${PACKAGE}.${name}`)];
  const { out } = run(java, ['-Xss4m', '-cp', jars.join(delimiter), program, ...operands], env);
  return { ...(JSON.parse(out) as ConversionFigures), capFileBytes: statSync(cap).size };
}

/** Measures in a folder and a cache of its own; takes about a minute, most of it the cold start. */
export async function toolchainBench(): Promise<ToolchainBench> {
  const folder = mkdtempSync(join(tmpdir(), 'toolchain-bench-'));
  try {
    const { ANT_JAVACARD_JAR: _jar, JC_HOME: _home, ...inherited } = process.env;
    const env = { ...inherited, OPENTSM_TOOLCHAIN_CACHE: join(folder, 'cache') };
    const build = [BIN, '-q', `-Dcap.dir=${join(folder, 'cap')}`, `cap-${LEVEL}`];
    const coldMs = run(process.execPath, build, env).ms;
    const warm = Array.from({ length: WARM_RUNS }, () => run(process.execPath, build, env).ms);
    const parts = measureParts(folder, env);
    const sourceLines = linesOf(SOURCES);
    const perLines = (ms: number): number => Math.round((ms * 1000) / sourceLines);
    const perBytes = (ms: number): number => Math.round((ms * 10_240) / parts.loadBytes);
    return {
      coldMs: Math.round(coldMs),
      warmMs: Math.round(median(warm)),
      sourceLines,
      converterFirstMsPer1000Lines: perLines(parts.converterFirstMs),
      converterMsPer1000Lines: perLines(parts.converterMs),
      verifierFirstMsPer10KiB: perBytes(parts.verifierFirstMs),
      verifierMsPer10KiB: perBytes(parts.verifierMs),
      loadBytes: parts.loadBytes,
      capFileBytes: parts.capFileBytes,
      classBytes: parts.classBytes,
      classConstantBytes: parts.classConstantBytes,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The figures as a table. */
export function toolchainTable(bench: ToolchainBench): string {
  const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;
  const rows: readonly (readonly [string, string])[] = [
    ['npx ant-javacard, cold', `${bench.coldMs} ms`],
    [`npx ant-javacard, warm, median of ${WARM_RUNS}`, `${bench.warmMs} ms`],
    ['converter per 1,000 lines, first run', `${bench.converterFirstMsPer1000Lines} ms`],
    ['converter per 1,000 lines, median', `${bench.converterMsPer1000Lines} ms`],
    ['verifier per 10 KiB, first run', `${bench.verifierFirstMsPer10KiB} ms`],
    ['verifier per 10 KiB, median', `${bench.verifierMsPer10KiB} ms`],
    ['source lines', String(bench.sourceLines)],
    ['load file', `${bench.loadBytes} bytes`],
    ['load file / class files', percent(bench.loadBytes, bench.classBytes)],
    ['load file / their constant pools', percent(bench.loadBytes, bench.classConstantBytes)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(42)}${value.padStart(14)}`).join('\n');
}

if (import.meta.main) {
  const result = await toolchainBench();
  console.log(toolchainTable(result));
  console.log(JSON.stringify({ bench: 'toolchain', ...result }));
}
