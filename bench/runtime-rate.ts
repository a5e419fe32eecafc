// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const target = join(import.meta.dirname, '../simulator/java/target');

/** Commands per second of computing, by kind of work. */
export type RuntimeRates = Readonly<Record<'plain' | 'aes' | 'rsa1024' | 'ecdsa', number>>;

/** A busy machine slows one turn more than another: the best of these counts. */
const TURNS = 3;

/** Stock jCardSim, our runtime as tests and cards have it, and ours with applet code as the compiler made it. */
export type Runtimes = Readonly<Record<'stock' | 'ours' | 'plain', RuntimeRates>>;

/** The same applet on each runtime, in a JVM of its own, turn by turn. */
export async function runtimeRates(count: number): Promise<Runtimes> {
  const classes = mkdtempSync(join(tmpdir(), 'opentsm-rate-'));
  try {
    const lib = join(target, 'lib');
    const stockJar = readdirSync(lib).find((name) => name.startsWith('jcardsim-'));
    if (stockJar === undefined) throw new Error(`no jCardSim in ${lib}: run "npm run setup" first`);
    const stock = join(lib, stockJar);
    const sources = ['RateApplet', 'RuntimeRate'].map((name) => join(import.meta.dirname, 'java', `${name}.java`));
    await run('javac', ['-nowarn', '-g', '-d', classes, '-cp', stock, ...sources]);
    const measure = async (flags: string[], ...path: string[]): Promise<RuntimeRates> => {
      const args = ['-XX:+UseSerialGC', ...flags, '-cp', [classes, ...path].join(delimiter), 'RuntimeRate', `${count}`];
      return JSON.parse((await run('java', args)).stdout) as RuntimeRates;
    };
    const ours = [join(target, 'opentsm-simulator.jar'), join(lib, '*')];
    const turns: Runtimes[] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      turns.push({
        stock: await measure([], stock),
        ours: await measure([], ...ours),
        plain: await measure(['-Dopentsm.instrument=false'], ...ours),
      });
    }
    const best = (which: keyof Runtimes): RuntimeRates => {
      const most = (kind: keyof RuntimeRates): number => Math.max(...turns.map((turn) => turn[which][kind]));
      return { plain: most('plain'), aes: most('aes'), rsa1024: most('rsa1024'), ecdsa: most('ecdsa') };
    };
    return { stock: best('stock'), ours: best('ours'), plain: best('plain') };
  } finally {
    rmSync(classes, { recursive: true });
  }
}
