// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startSimulator } from '../simulator/src/index.ts';
import { loadTimes } from './card.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const target = join(root, 'simulator/java/target');
const KIB_10 = 10_240;

export interface LinkingCost {
  /** Verifying and linking, in a JVM just started and the median of fifteen times. */
  readonly firstMsPer10KiB: number;
  readonly msPer10KiB: number;
  readonly loadBytes: number;
  /** LOAD of 24 KiB at level 33 to the card, the last block left out. */
  readonly load24KiBMs: number;
}

/** The security domains' CAP on its way onto a card: LOAD, then what the card does at the last block. */
export async function linkingCost(): Promise<LinkingCost> {
  const folder = mkdtempSync(join(tmpdir(), 'opentsm-link-'));
  try {
    const builder = join(root, 'toolchain/bin/ant-javacard.mjs');
    await run(process.execPath, [builder, '-q', `-Dcap.dir=${folder}`, 'cap-3.0.4'], { cwd: root });
    const path = [join(target, 'opentsm-simulator.jar'), join(target, 'lib', '*')];
    await run('javac', ['-d', folder, '-cp', path.join(delimiter), join(import.meta.dirname, 'java/LinkRate.java')]);
    const cap = join(folder, 'securitydomain-3.0.4.cap');
    const { stdout } = await run('java', ['-cp', [folder, ...path].join(delimiter), 'LinkRate', cap]);
    const { firstMs, ms, loadBytes } = JSON.parse(stdout) as { firstMs: number; ms: number; loadBytes: number };
    await using simulator = await startSimulator();
    const { kibPerSecond } = await loadTimes(simulator);
    const per10KiB = (time: number): number => (time * KIB_10) / loadBytes;
    return {
      firstMsPer10KiB: per10KiB(firstMs),
      msPer10KiB: per10KiB(ms),
      loadBytes,
      load24KiBMs: (24 * 1000) / kibPerSecond,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
