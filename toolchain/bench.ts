// Wall times of the toolchain on the security domain applets, as one JSON line after a readable table.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(import.meta.dirname, 'bin', 'ant-javacard.mjs');
const WARM_RUNS = 5;

function timed(args: readonly string[], cache: string): number {
  const started = process.hrtime.bigint();
  const run = spawnSync(process.execPath, [BIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, OPENTSM_TOOLCHAIN_CACHE: cache },
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`ant-javacard ${args.join(' ')} failed:\n${run.stdout}${run.stderr}`);
  return Number(process.hrtime.bigint() - started) / 1e6;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const folder = mkdtempSync(join(tmpdir(), 'toolchain-bench-'));
try {
  const cache = join(folder, 'cache');
  const build = ['-q', `-Dcap.dir=${folder}`, 'cap-3.0.4'];
  const cap = join(folder, 'securitydomain-3.0.4.cap');
  const coldMs = timed(build, cache);
  const warm = Array.from({ length: WARM_RUNS }, () => timed(build, cache));
  const verify = Array.from({ length: WARM_RUNS }, () => timed(['verify', cap], cache));
  const load = /(\d+)\s+load file/.exec(
    spawnSync(process.execPath, [BIN, 'size', cap], {
      env: { ...process.env, OPENTSM_TOOLCHAIN_CACHE: cache },
      encoding: 'utf8',
    }).stdout,
  );
  const result = {
    coldMs: Math.round(coldMs),
    warmMs: Math.round(median(warm)),
    verifyMs: Math.round(median(verify)),
    loadBytes: Number(load?.[1] ?? 0),
    capFileBytes: statSync(cap).size,
  };
  console.log(`cold (Maven builds the toolchain)  ${result.coldMs} ms`);
  console.log(`warm, median of ${WARM_RUNS}                  ${result.warmMs} ms`);
  console.log(`verify, median of ${WARM_RUNS}                ${result.verifyMs} ms`);
  console.log(`load file                          ${result.loadBytes} bytes (${result.capFileBytes} as a file)`);
  console.log(JSON.stringify({ bench: 'toolchain', ...result }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
