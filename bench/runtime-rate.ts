// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const target = join(import.meta.dirname, '../simulator/java/target');

/** Commands per second by kind of work. */
export type RuntimeRates = Readonly<Record<'plain' | 'aes' | 'rsa1024' | 'ecdsa', number>>;

/** The same applet on stock jCardSim and on the instrumented runtime, each in a JVM of its own, turn by turn. */
export async function runtimeRates(count: number): Promise<{ stock: RuntimeRates; ours: RuntimeRates }> {
  const classes = mkdtempSync(join(tmpdir(), 'opentsm-rate-'));
  try {
    const lib = join(target, 'lib');
    const stockJar = readdirSync(lib).find((name) => name.startsWith('jcardsim-'));
    if (stockJar === undefined) throw new Error(`no jCardSim in ${lib}: run "npm run setup" first`);
    const stock = join(lib, stockJar);
    const sources = ['RateApplet', 'RuntimeRate'].map((name) => join(import.meta.dirname, 'java', `${name}.java`));
    await run('javac', ['-nowarn', '-g', '-d', classes, '-cp', stock, ...sources]);
    const measure = async (...path: string[]): Promise<RuntimeRates> => {
      const args = ['-XX:+UseSerialGC', '-cp', [classes, ...path].join(delimiter), 'RuntimeRate', `${count}`];
      return JSON.parse((await run('java', args)).stdout) as RuntimeRates;
    };
    return { stock: await measure(stock), ours: await measure(join(target, 'opentsm-simulator.jar'), join(lib, '*')) };
  } finally {
    rmSync(classes, { recursive: true });
  }
}
